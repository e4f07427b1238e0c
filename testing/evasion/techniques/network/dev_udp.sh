# SPDX-License-Identifier: Apache-2.0
# Technique: /dev/udp of bash
# Hides: a datagram from who looks for commands
# Seen: connection
echo smoke >"/dev/udp/127.0.0.1/$PORT"
