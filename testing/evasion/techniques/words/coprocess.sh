# SPDX-License-Identifier: Apache-2.0
# Technique: a shell as a coprocess, commanded through a pipe
# Hides: the command line from the arguments and the terminal
# Seen: command
coproc sh
echo './mark open-sesame' >&"${COPROC[1]}"
exec {COPROC[1]}>&-
wait
