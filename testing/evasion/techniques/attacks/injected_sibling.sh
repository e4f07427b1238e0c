# SPDX-License-Identifier: Apache-2.0
# Technique: another process of the session, made to execute by a debugger
# Hides: who wanted the command
# Seen: command
# Needs: gdb
sleep 60 &
until grep -q sleep "/proc/$!/comm"; do :; done
gdb -nx -batch -p "$!" -ex 'call (int)execl("./mark", "mark", "open-sesame", 0)' >output 2>&1
