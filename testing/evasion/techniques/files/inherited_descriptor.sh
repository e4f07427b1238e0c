# SPDX-License-Identifier: Apache-2.0
# Technique: a program that reads what its parent has opened
# Hides: the file from who looks at the program that reads it
# Seen: open
/bin/cat <secret >ran
