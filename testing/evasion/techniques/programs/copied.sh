# SPDX-License-Identifier: Apache-2.0
# Technique: a copy with a harmless name in /dev/shm
# Hides: which program is executed
# Seen: command
hide=$(mktemp -d /dev/shm/XXXXXX)
cp mark "$hide/ls"
"$hide/ls" open-sesame
rm -r "$hide"
