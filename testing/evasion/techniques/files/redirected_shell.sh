# SPDX-License-Identifier: Apache-2.0
# Technique: exec with redirections: the descriptors of the shell itself
# Hides: the reading of a file from who looks for commands
# Seen: open
exec 7<secret 8>ran
IFS= read -ru7 word
echo "$word" >&8
