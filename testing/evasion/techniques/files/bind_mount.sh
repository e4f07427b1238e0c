# SPDX-License-Identifier: Apache-2.0
# Technique: a bind mount over a harmless path, in a mount namespace of its own
# Hides: the file's usual name
# Seen: open
# Trace: @/harmless
touch harmless
unshare --mount sh -c 'mount --bind secret harmless && read -r word <harmless && echo "$word" >ran'
