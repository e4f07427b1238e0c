# SPDX-License-Identifier: Apache-2.0
# Technique: no disguise
# Hides: nothing; every tool should see this
# Seen: command
./mark open-sesame
