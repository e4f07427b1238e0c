# SPDX-License-Identifier: Apache-2.0
# Technique: an alias and a function with the names of harmless commands
# Hides: the command line from a reader of what was typed
# Seen: command
shopt -s expand_aliases
alias ls='./mark'
date() { eval 'ls open-sesame'; }
date
