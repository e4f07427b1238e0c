# SPDX-License-Identifier: Apache-2.0
# Technique: the BPF links of what records, found and opened, ready to be detached
# Hides: everything from then on
# Seen: tamper
# Trace: bpf
# Call: bpf
import ctypes
import struct

BPF, LINK_FD_BY_ID, LINK_NEXT_ID = 321, 30, 31
libc = ctypes.CDLL(None)
following = ctypes.create_string_buffer(struct.pack("<III", 0, 0, 0), 12)
libc.syscall(BPF, LINK_NEXT_ID, following, 12)
found = struct.unpack("<III", following)[1]
wanted = ctypes.create_string_buffer(struct.pack("<III", found, 0, 0), 12)
with open("ran", "w") as proof:
    if not found or libc.syscall(BPF, LINK_FD_BY_ID, wanted, 12) >= 0:
        proof.write("open-sesame")
