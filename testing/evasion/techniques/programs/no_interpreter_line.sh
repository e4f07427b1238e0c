# SPDX-License-Identifier: Apache-2.0
# Technique: a script without #!, which the shell runs itself after a failed exec
# Hides: the script from who looks for executed programs
# Seen: command
printf './mark open-"$(echo emases | rev)"' >quiet
chmod +x quiet
./quiet
