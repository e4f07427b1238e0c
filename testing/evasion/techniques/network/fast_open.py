# SPDX-License-Identifier: Apache-2.0
# Technique: TCP fast open: data with the first packet, without connect
# Hides: the connection from hooks on connect
# Seen: connection
import os
import socket

with socket.socket() as connection:
    connection.sendto(b"smoke", socket.MSG_FASTOPEN, ("127.0.0.1", int(os.environ["PORT"])))
