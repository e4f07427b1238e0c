# SPDX-License-Identifier: Apache-2.0
# Technique: a daemon: double fork and a session of its own
# Hides: the command from who follows the children of the shell
# Seen: command
setsid sh -c '(./mark open-sesame &) &' </dev/null >/dev/null 2>&1
