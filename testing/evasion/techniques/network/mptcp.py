# SPDX-License-Identifier: Apache-2.0
# Technique: multipath TCP
# Hides: the connection from hooks on TCP sockets
# Seen: connection
import os
import socket

with socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262) as connection:
    connection.connect(("127.0.0.1", int(os.environ["PORT"])))
