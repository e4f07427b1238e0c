# SPDX-License-Identifier: Apache-2.0
# Technique: datagrams without connect, each with a piece of a file in it (as in a DNS tunnel)
# Hides: the traffic from hooks on connect
# Seen: connection
import os
import socket

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
    sender.sendto(b"sesame.example", ("127.0.0.1", int(os.environ["PORT"])))
