# SPDX-License-Identifier: Apache-2.0
# Technique: a daemon that is process 1 of a pid namespace
# Hides: the command's number, which outside is another
# Seen: command
unshare --pid --fork --kill-child setsid sh -c './mark open-sesame; :' </dev/null
