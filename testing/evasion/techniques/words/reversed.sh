# SPDX-License-Identifier: Apache-2.0
# Technique: rev | sh
# Hides: the command line from a reader of what was typed
# Seen: command
echo 'emases-nepo kram/.' | rev | sh
