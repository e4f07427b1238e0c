# SPDX-License-Identifier: Apache-2.0
# Technique: a file read by the shell itself
# Hides: the reading of a file from who looks for commands
# Seen: open
read -r word <secret && echo "$word" >ran
