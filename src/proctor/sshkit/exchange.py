# SPDX-License-Identifier: Apache-2.0
"""The exchange hash that a server signs (RFC 4253, section 8).

Format (RFC 4253, section 8; RFC 5656, section 4): the strings V_C, V_S, I_C, I_S, K_S, then what the method
adds. The hash of the first exchange of a connection is its session id, which users sign to log in.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from asyncssh.packet import PacketDecodeError, SSHPacket

from proctor.core.errors import BadRequest

MSG_KEXINIT = 20
COOKIE_BYTES = 16
HASHES = frozenset({"sha256", "sha384", "sha512"})
"""SHA-1 is not among them: of two transcripts with one hash, one could be shown and the other be signed."""

MAX_TRANSCRIPT = 256 << 10


class Exchange(NamedTuple):
    """A key exchange. ``cookie``: of the server's KEXINIT. ``host_key``: K_S, a public key or certificate."""

    cookie: bytes
    host_key: bytes
    digest: bytes


def read_exchange(transcript: bytes, hash_name: str) -> Exchange:
    """Take the server's part out of ``transcript``, and hash all of it; raises BadRequest."""
    if hash_name not in HASHES:
        raise BadRequest(f"a key exchange with {hash_name[:32]!r} is not signed")
    if len(transcript) > MAX_TRANSCRIPT:
        raise BadRequest("the transcript of the key exchange is too long")
    try:
        packet = SSHPacket(transcript)
        for _ in ("V_C", "V_S", "I_C"):
            packet.get_string()
        server_init, host_key = packet.get_string(), packet.get_string()
    except PacketDecodeError:
        raise BadRequest("this is not the transcript of a key exchange") from None
    if len(server_init) <= COOKIE_BYTES or server_init[0] != MSG_KEXINIT:
        raise BadRequest("the transcript of the key exchange has no KEXINIT of the server")
    digest = hashlib.new(hash_name, transcript).digest()
    return Exchange(server_init[1 : 1 + COOKIE_BYTES], host_key, digest)
