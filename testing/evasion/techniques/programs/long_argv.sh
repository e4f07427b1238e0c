# SPDX-License-Identifier: Apache-2.0
# Technique: the word after 3,000 others
# Hides: the arguments from tools that read the first twenty
# Seen: command
# Trace: 3000 open-sesame
./mark $(seq 3000) open-sesame
