# SPDX-License-Identifier: Apache-2.0
# Technique: 5,000 commands around the command
# Hides: the command in a record that overflows
# Seen: command
for i in $(seq 2500); do /bin/true "$i"; done &
for i in $(seq 1250); do /bin/true "$i"; done
./mark open-sesame
wait
