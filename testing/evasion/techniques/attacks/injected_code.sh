# SPDX-License-Identifier: Apache-2.0
# Technique: code injected into a harmless program by a debugger
# Hides: the command from who trusts the program
# Seen: command
# Needs: gdb
gdb -nx -batch -ex 'catch syscall exit_group' -ex run -ex 'call (int)system("./mark open-sesame")' \
  /bin/true >output 2>&1
