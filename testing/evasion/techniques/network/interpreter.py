# SPDX-License-Identifier: Apache-2.0
# Technique: a connection made by an interpreter
# Hides: a connection from who looks for curl and ssh
# Seen: connection
import os
import socket

socket.create_connection(("127.0.0.1", int(os.environ["PORT"])))
