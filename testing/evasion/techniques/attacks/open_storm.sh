# SPDX-License-Identifier: Apache-2.0
# Technique: 100,000 opened files around the command
# Hides: the command in a record that overflows
# Seen: command
# Needs: perl
perl -e 'for (1..50000) { open(F, "/dev/null") }' &
perl -e 'for (1..50000) { open(F, "/dev/null") }
  exec {"./mark"} "mark", "open-sesame"'
wait
