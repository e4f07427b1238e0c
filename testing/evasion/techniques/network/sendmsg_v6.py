# SPDX-License-Identifier: Apache-2.0
# Technique: sendmsg over IPv6 without connect
# Hides: the traffic from hooks on connect and sendto
# Seen: connection
import os
import socket

with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
    sender.sendmsg([b"smoke"], [], 0, ("::1", int(os.environ["PORT"])))
