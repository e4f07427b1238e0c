# SPDX-License-Identifier: Apache-2.0
# Technique: a descriptor passed over a socket (SCM_RIGHTS) to a process that opens nothing
# Hides: the file from who looks at the process that reads it
# Seen: open
import os
import socket

ours, theirs = socket.socketpair()
if os.fork() == 0:
    socket.send_fds(theirs, [b"."], [os.open("secret", os.O_RDONLY)])
    os._exit(0)
received = socket.recv_fds(ours, 1, 1)
proof = os.open("ran", os.O_WRONLY | os.O_CREAT)
os.write(proof, os.read(received[1][0], 64))
