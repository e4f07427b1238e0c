# SPDX-License-Identifier: Apache-2.0
# Technique: names by pathname expansion
# Hides: the command line from a reader of what was typed
# Seen: command
: >open-sesame
./m??k o*-[r-t]esame
