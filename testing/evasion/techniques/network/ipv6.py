# SPDX-License-Identifier: Apache-2.0
# Technique: IPv6
# Hides: the connection from hooks on IPv4
# Seen: connection
import os
import socket

with socket.socket(socket.AF_INET6) as connection:
    connection.connect(("::1", int(os.environ["PORT"])))
