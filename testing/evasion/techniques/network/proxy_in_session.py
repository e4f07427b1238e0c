# SPDX-License-Identifier: Apache-2.0
# Technique: a proxy on an abstract Unix socket, in a daemon of the same session
# Hides: the connection from who looks at the process that wants it
# Seen: connection
import os
import socket

proxy = socket.socket(socket.AF_UNIX)
proxy.bind(f"\0proxy-{os.getpid()}")
proxy.listen()
if os.fork() == 0:
    os.setsid()
    client, _ = proxy.accept()
    socket.create_connection(("127.0.0.1", int(client.recv(5))))
    client.send(b".")
    os._exit(0)
with socket.socket(socket.AF_UNIX) as wish:
    wish.connect(proxy.getsockname())
    wish.send(os.environ["PORT"].encode())
    wish.recv(1)
