# SPDX-License-Identifier: Apache-2.0
# Technique: base64 -d | sh
# Hides: the command line from a reader of what was typed
# Seen: command
echo Li9tYXJrIG9wZW4tc2VzYW1l | base64 -d | sh
