# SPDX-License-Identifier: Apache-2.0
# Technique: pivot_root in a mount namespace
# Hides: the program's place in the file system
# Seen: command
mkdir new old
unshare --mount sh -c 'mount --bind . new && cd new && pivot_root . old && exec ./mark open-sesame'
