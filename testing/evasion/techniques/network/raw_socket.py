# SPDX-License-Identifier: Apache-2.0
# Technique: a raw socket: the headers of UDP by hand
# Hides: the datagram from hooks on UDP
# Seen: connection
# Expect: never
# Why: on a raw socket there are no ports to be seen; creating one needs root
import os
import socket
import struct

port = int(os.environ["PORT"])
with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP) as sender:
    sender.sendto(struct.pack("!HHHH", 5353, port, 13, 0) + b"smoke", ("127.0.0.1", 0))
