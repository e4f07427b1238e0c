# SPDX-License-Identifier: Apache-2.0
"""OpenSSH's key revocation lists (PROTOCOL.krl), for ``RevokedKeys`` and ``RevokedHostKeys``.

Only what is needed here: serial numbers of certificates, by the CA that signed them.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from datetime import datetime

from asyncssh.packet import Byte, String, UInt32, UInt64

_MAGIC = b"SSHKRL\n\0"
_FORMAT_VERSION = 1
_SECTION_CERTIFICATES = 1
_CERT_SERIAL_LIST = 0x20


def make_krl(
    revoked: Mapping[str, Iterable[int]], *, version: int, generated: datetime, comment: str = ""
) -> bytes:
    """A revocation list; ``revoked``: public key line of a CA to serial numbers of its certificates.

    ``version``: of two lists the one with the greater is the newer. Serial number 0 cannot be revoked.
    """
    header = (
        _MAGIC,
        UInt32(_FORMAT_VERSION),
        UInt64(version),
        UInt64(int(generated.timestamp())),
        UInt64(0),
        String(b""),
        String(comment),
    )
    sections = [_certificates(authority, serials) for authority, serials in revoked.items()]
    return b"".join((*header, *sections))


def _certificates(authority: str, serials: Iterable[int]) -> bytes:
    """The section about certificates of one CA; nothing when there are none."""
    numbers = sorted(set(serials) - {0})
    if not numbers:
        return b""
    key = base64.b64decode(authority.split()[1])
    listed = Byte(_CERT_SERIAL_LIST) + String(b"".join(map(UInt64, numbers)))
    return Byte(_SECTION_CERTIFICATES) + String(String(key) + String(b"") + listed)
