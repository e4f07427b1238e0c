# SPDX-License-Identifier: Apache-2.0
# Technique: nohup: a process that outlives the login
# Hides: the command from a record that ends with the session
# Seen: command
nohup sh -c "while [ -e /proc/$$ ]; do :; done; ./mark open-sesame" >/dev/null 2>&1 &
