# SPDX-License-Identifier: Apache-2.0
# Technique: /dev/tcp of bash
# Hides: a connection from who looks for commands
# Seen: connection
exec 5<>"/dev/tcp/127.0.0.1/$PORT"
