# SPDX-License-Identifier: Apache-2.0
# Technique: letters by their octal codes, put together in a loop
# Hides: the command line from a reader of what was typed
# Seen: command
run=
for code in 56 57 155 141 162 153 40 157 160 145 156 55 163 145 163 141 155 145; do
  run="$run$(printf "\\$code")"
done
$run
