# SPDX-License-Identifier: Apache-2.0
"""Bodies of the web API; the page's types are generated from them (``./run generate``)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

Name = Annotated[str, Field(min_length=1, max_length=256)]
Password = Annotated[SecretStr, Field(min_length=1, max_length=1024)]
Code = Annotated[SecretStr, Field(min_length=1, max_length=32)]
Key = Annotated[str, Field(min_length=1, max_length=16_384)]


class Problem(BaseModel):
    """What is wrong and what to do about it."""

    message: str
    hint: str


class Refusal(BaseModel):
    """The body of every answer with a status of 400 or more."""

    error: Problem


class SshEndpoint(BaseModel):
    """Where the SSH proxy is; ``public_addr`` is empty when none is configured."""

    listen_addr: str
    public_addr: str


class WebEndpoint(BaseModel):
    """Where the web page is."""

    public_addr: str


class ProxyEndpoints(BaseModel):
    """Addresses of this proxy."""

    ssh: SshEndpoint
    web: WebEndpoint


class AuthMethod(BaseModel):
    """How people log in."""

    second_factor: str


class Ping(BaseModel):
    """What the proxy tells anybody."""

    cluster_name: str
    server_version: str
    min_client_version: str
    proxy: ProxyEndpoints
    auth: AuthMethod


class CertificateRequest(BaseModel):
    """A login of ``tsh``: ``pub_key`` an OpenSSH line, ``tls_pub_key`` PEM, ``ttl`` seconds (0: default)."""

    user: Name
    password: Password
    otp_token: Code
    pub_key: Key
    tls_pub_key: Key
    ttl: Annotated[int, Field(ge=0, le=366 * 86_400)] = 0


class Certificates(BaseModel):
    """Certificates for the keys sent, and whom to trust."""

    cert: str
    tls_cert: str
    tls_ca: str
    user_tls_ca: str
    host_ssh_ca: list[str]
    user_ssh_ca: list[str]
    cluster_name: str
    expires: str


class InviteInfo(BaseModel):
    """Whom a one-time link is for; ``qr_svg`` shows ``otp_uri`` to an authenticator app."""

    user: str
    otp_uri: str
    qr_svg: str
    reset: bool


class InviteAnswer(BaseModel):
    """What the person chose: a password, and a code that proves that the app was set up."""

    password: Password
    otp_token: Code


class Accepted(BaseModel):
    """The account is ready."""

    user: str


class LoginRequest(BaseModel):
    """A login on the web page."""

    user: Name
    password: Password
    otp_token: Code


class SessionInfo(BaseModel):
    """Who is logged in; requests that change something carry ``csrf_token`` as X-CSRF-Token."""

    user: str
    roles: list[str]
    logins: list[str]
    cluster_name: str
    server_version: str
    expires: str
    csrf_token: str


class Done(BaseModel):
    """It is done; there is nothing to tell."""


class EventFilter(BaseModel):
    """Which events to find: times are RFC 3339, ``text`` is looked for in the raw JSON, empty means any."""

    model_config = ConfigDict(populate_by_name=True)

    from_time: Annotated[str, Field(alias="from", max_length=64)] = ""
    to_time: Annotated[str, Field(alias="to", max_length=64)] = ""
    event_types: Annotated[list[str], Field(alias="type", max_length=64)] = []
    sid: Annotated[str, Field(max_length=64)] = ""
    user: Annotated[str, Field(max_length=256)] = ""
    host: Annotated[str, Field(max_length=256)] = ""
    text: Annotated[str, Field(max_length=256)] = ""
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    start_key: Annotated[str, Field(max_length=256)] = ""


class Events(BaseModel):
    """A page of audit events, newest first; ``next_key`` is empty on the last one.

    ``incomplete``: the search took too long, and goes on with ``next_key``.
    """

    events: list[dict[str, Any]]
    next_key: str
    incomplete: bool = False


class RecordingFilter(BaseModel):
    """Which recordings to list: ``user`` took part; ``host`` is a name or a UUID; empty means any.

    ``kind``: interactive, command. ``states``: active, uploading, complete; without any, sessions that are
    over; ``live`` is short for active.
    """

    model_config = ConfigDict(populate_by_name=True)

    from_time: Annotated[str, Field(alias="from", max_length=64)] = ""
    to_time: Annotated[str, Field(alias="to", max_length=64)] = ""
    user: Annotated[str, Field(max_length=256)] = ""
    host: Annotated[str, Field(max_length=256)] = ""
    kind: Annotated[str, Field(max_length=64)] = ""
    states: Annotated[list[str], Field(alias="state", max_length=8)] = []
    live: bool = False
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    start_key: Annotated[str, Field(max_length=256)] = ""


class Recording(BaseModel):
    """One recording; times are RFC 3339, ``ended`` is empty while the session runs.

    ``state``: ``active``, ``uploading`` or ``complete``. ``truncated``: something could not be recorded.
    ``size``: bytes on the disk of the auth service.
    """

    sid: str
    participants: list[str]
    server_hostname: str
    server_id: str
    login: str
    started: str
    ended: str
    interactive: bool
    enhanced: bool
    live: bool
    state: str
    truncated: bool
    size: int


class Recordings(BaseModel):
    """Recordings that the person may read, newest first; ``next_key`` is empty on the last page."""

    recordings: list[Recording]
    next_key: str


class Entry(BaseModel):
    """An event ``ms`` milliseconds after the start; ``data`` is terminal output in base64."""

    ms: int
    event: dict[str, Any]
    data: str = ""


class RecordingEvents(BaseModel):
    """Everything in a recording on one clock; ``torn``: its end is missing, it is live or damaged."""

    sid: str
    started: str
    torn: bool
    entries: list[Entry]
