# SPDX-License-Identifier: Apache-2.0
# Technique: exec -a: another argv[0]
# Hides: the program's name from ps
# Seen: command
exec -a '[kworker/0:1]' ./mark open-sesame
