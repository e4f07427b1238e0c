# SPDX-License-Identifier: Apache-2.0
# Technique: a connected socket passed over a Unix socket
# Hides: the connection from who looks at the process that uses it
# Seen: connection
import os
import socket

ours, theirs = socket.socketpair()
if os.fork() == 0:
    there = socket.create_connection(("127.0.0.1", int(os.environ["PORT"])))
    socket.send_fds(theirs, [b"."], [there.fileno()])
    os._exit(0)
theirs.close()
received = socket.recv_fds(ours, 1, 1)
os.write(received[1][0], b"smoke")
