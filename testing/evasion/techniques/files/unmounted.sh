# SPDX-License-Identifier: Apache-2.0
# Technique: a directory that is still open when its mount is taken away (umount -l)
# Hides: the file's path, which leads to no directory of the system
# Seen: open
# Trace: /secret
unshare --mount sh -c 'mount --bind . . && cd "$PWD" && umount -l . && read -r word <secret && echo "$word" >ran'
