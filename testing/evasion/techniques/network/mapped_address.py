# SPDX-License-Identifier: Apache-2.0
# Technique: an IPv4 address through an IPv6 socket (v4-mapped)
# Hides: the connection from hooks on IPv4, and from rules on IPv4 addresses
# Seen: connection
import os
import socket

with socket.socket(socket.AF_INET6) as connection:
    connection.connect(("::ffff:127.0.0.1", int(os.environ["PORT"])))
