# SPDX-License-Identifier: Apache-2.0
# Technique: a shell escape of gdb
# Hides: the command behind a debugger
# Seen: command
# Needs: gdb
gdb -nx -batch -ex 'shell ./mark open-sesame' >output 2>&1
