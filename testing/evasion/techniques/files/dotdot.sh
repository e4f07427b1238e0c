# SPDX-License-Identifier: Apache-2.0
# Technique: a path through .., doubled slashes and symbolic links
# Hides: the file from a search for its path
# Seen: open
ln -s . here
read -r word <here/../"${PWD##*/}"//./here/here/secret && echo "$word" >ran
