# SPDX-License-Identifier: Apache-2.0
"""``tsh login``: password and one-time code against short-lived certificates."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

from proctor.cli.output import note
from proctor.cli.tsh.connection import Active, activate, keep, profile_of
from proctor.cli.tsh.web import WebClient
from proctor.core.errors import BadRequest, ProctorError
from proctor.rpc.identity_files import Authorities, Credentials, write_identity_file


def login(web: str, user: str, *, minutes: int, insecure: bool, out: str) -> Active:
    """Ask, log in, and keep the result in the profile, or in the file ``out``."""
    client = WebClient(web, insecure=insecure)
    ping = client.ping()
    if insecure:
        note(f"WARNING: the certificate of the proxy {web} was not verified.")
    profile = profile_of(web, ping, user=user, insecure=insecure)
    password = _ask(f"Enter password for Teleport user {user}:")
    code = _ask("Enter your OTP token (one-time code):")
    credentials = _certified(client, user, password, code, minutes * 60)
    active = activate(profile, credentials)
    if out:
        write_identity_file(Path(out), credentials)
        note(f"The identity has been written to {out}. It is valid until {active.valid_before:%F %H:%M} UTC.")
    else:
        keep(profile, credentials)
    return active


def _certified(client: WebClient, user: str, password: str, code: str, seconds: int) -> Credentials:
    from proctor.rpc import tls
    from proctor.sshkit import keys

    tls_key, (ssh_key, ssh_public_key) = tls.generate_key(), keys.generate()
    answer = client.certificates(
        {
            "user": user,
            "password": password,
            "otp_token": code,
            "pub_key": ssh_public_key,
            "tls_pub_key": tls.public_key(tls_key).decode(),
            "ttl": seconds,
        }
    )
    try:
        return Credentials(
            tls_key=tls_key,
            tls_certificate=answer["tls_cert"].encode(),
            ssh_key=ssh_key,
            ssh_certificate=answer["cert"].encode(),
            authorities=Authorities(
                cluster_name=str(answer["cluster_name"]),
                host_tls_ca=answer["tls_ca"].encode(),
                user_tls_ca=answer["user_tls_ca"].encode(),
                host_ssh_ca=list(answer["host_ssh_ca"]),
                user_ssh_ca=list(answer["user_ssh_ca"]),
            ),
        )
    except (KeyError, AttributeError, TypeError):
        raise ProctorError("the proxy sent an answer that is not certificates") from None


def _ask(prompt: str) -> str:
    """At a terminal, without echo; else the next line of standard input."""
    terminal = sys.stdin.isatty()
    answer = getpass.getpass(f"{prompt} ") if terminal else sys.stdin.readline().rstrip("\n")
    if not answer:
        raise BadRequest("nothing was entered")
    return answer
