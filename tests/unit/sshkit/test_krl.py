# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
from datetime import UTC, datetime

from asyncssh.packet import SSHPacket

from proctor.sshkit.keys import generate
from proctor.sshkit.krl import make_krl

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)


def read(content: bytes) -> tuple[int, str, dict[bytes, list[int]]]:
    """Version, comment and serial numbers by CA of a list (OpenSSH, PROTOCOL.krl)."""
    packet = SSHPacket(content)
    assert packet.get_bytes(8) == b"SSHKRL\n\0"
    assert packet.get_uint32() == 1
    version, generated, flags = packet.get_uint64(), packet.get_uint64(), packet.get_uint64()
    reserved, comment = packet.get_string(), packet.get_string().decode()
    assert (generated, flags, reserved) == (int(NOW.timestamp()), 0, b"")
    found: dict[bytes, list[int]] = {}
    while packet:
        assert packet.get_byte() == 1
        section = SSHPacket(packet.get_string())
        authority, _ = section.get_string(), section.get_string()
        assert section.get_byte() == 0x20
        serials = SSHPacket(section.get_string())
        section.check_end()
        found[authority] = []
        while serials:
            found[authority].append(serials.get_uint64())
    return version, comment, found


def test_serial_numbers_by_authority() -> None:
    users, hosts = generate()[1], generate()[1]
    content = make_krl({users: [2**63 - 1, 5, 5, 0], hosts: [7]}, version=3, generated=NOW, comment="purple")
    keys = [base64.b64decode(each.split()[1]) for each in (users, hosts)]
    assert read(content) == (3, "purple", {keys[0]: [5, 2**63 - 1], keys[1]: [7]})


def test_nothing_revoked() -> None:
    assert read(make_krl({generate()[1]: []}, version=1, generated=NOW)) == (1, "", {})
