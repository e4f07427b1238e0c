# SPDX-License-Identifier: Apache-2.0
# Technique: a file renamed before it is read, and back after
# Hides: the file's usual name
# Seen: open
# Trace: @/harmless
mv secret harmless
read -r word <harmless && echo "$word" >ran
mv harmless secret
