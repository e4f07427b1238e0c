# SPDX-License-Identifier: Apache-2.0
# Technique: find -exec
# Hides: the command behind a harmless program
# Seen: command
find . -name mark -exec {} open-sesame ';' -quit
