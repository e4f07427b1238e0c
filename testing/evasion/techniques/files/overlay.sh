# SPDX-License-Identifier: Apache-2.0
# Technique: an overlay file system over the directory
# Hides: the file's usual name
# Seen: open
# Trace: @/merged/secret
mkdir merged upper work
unshare --mount sh -c 'mount -t tmpfs t /mnt && mkdir /mnt/u /mnt/w &&
  mount -t overlay -o "lowerdir=$PWD,upperdir=/mnt/u,workdir=/mnt/w" o merged &&
  read -r word <merged/secret && echo "$word" >ran'
