# SPDX-License-Identifier: Apache-2.0
# Technique: a shell with its history turned off
# Hides: the command line from ~/.bash_history
# Seen: command
unset HISTFILE
export HISTSIZE=0 HISTCONTROL=ignorespace:erasedups
 bash -i -c ' ./mark open-sesame' 2>errors
