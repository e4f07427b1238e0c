# SPDX-License-Identifier: Apache-2.0
# Technique: a hard link, made in a directory of its own
# Hides: the file's other name
# Seen: open
# Trace: @/elsewhere
ln secret elsewhere
read -r word <elsewhere && echo "$word" >ran
