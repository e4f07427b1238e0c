# SPDX-License-Identifier: Apache-2.0
# Technique: whole packets on a packet socket (AF_PACKET)
# Hides: the datagram from every hook above the device
# Seen: connection
# Expect: never
# Why: they pass none of the hooks on sockets; opening such a socket needs root
import os
import socket
import struct

port = int(os.environ["PORT"])
datagram = struct.pack("!HHHH", 5353, port, 13, 0) + b"smoke"
host = socket.inet_aton("127.0.0.1")
head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(datagram), 1, 0, 64, 17, 0, host, host)
total = sum(struct.unpack("!10H", head))
checksum = ~(total % 0xFFFF) & 0xFFFF
head = head[:10] + struct.pack("!H", checksum) + head[12:]
with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM) as sender, open("ran", "w") as proof:
    sender.sendto(head + datagram, ("lo", 0x0800))
    proof.write("open-sesame")
