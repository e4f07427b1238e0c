# SPDX-License-Identifier: Apache-2.0
# Technique: quotes, empty expansions and pieces of variables inside words
# Hides: the command line from a search for words
# Seen: command
a=xark b=sesame
./m''${a#x}$@ o\p"e"n-${b}
