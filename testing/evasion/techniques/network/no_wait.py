# SPDX-License-Identifier: Apache-2.0
# Technique: a connection begun without waiting for its outcome
# Hides: the connection from who looks for successful calls
# Seen: connection
import os
import socket
from contextlib import suppress

with socket.socket() as connection, suppress(BlockingIOError):
    connection.setblocking(False)
    connection.connect(("127.0.0.1", int(os.environ["PORT"])))
