# SPDX-License-Identifier: Apache-2.0
"""The algorithms our SSH servers and clients offer, strongest first.

Chosen so that every client of the last ten years finds one of each: OpenSSH from 6.5, PuTTY, paramiko,
libssh. Left out are NIST curves for key exchange (their constants are unexplained, audits flag them),
anything with SHA-1 or CBC, and MACs that are computed before encryption.
"""

from __future__ import annotations

KEX = (
    "mlkem768x25519-sha256",  # safe against recorded traffic and a later quantum computer
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",  # the same under its older name
    "diffie-hellman-group16-sha512",  # for clients without elliptic curves
)
CIPHERS = (
    "chacha20-poly1305@openssh.com",  # with strict key exchange, so that no packet can be cut off
    "aes256-gcm@openssh.com",
    "aes128-gcm@openssh.com",
    "aes256-ctr",  # the CTR modes for clients without authenticated encryption
    "aes192-ctr",
    "aes128-ctr",
)
MACS = (
    "hmac-sha2-256-etm@openssh.com",  # used with the CTR modes only
    "hmac-sha2-512-etm@openssh.com",
)
SIGNATURES = (
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",  # what hardware keys often have
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
