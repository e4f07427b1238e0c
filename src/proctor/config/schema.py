"""The configuration file, version v3: attribute names are its keys, defaults are its defaults.

``docs/config.md`` is written from the annotations here: the string is the description of the key,
``NO_EFFECT`` marks keys that are recognised so that files for Teleport load, and warned of when set.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from proctor.config.values import (
    Address,
    AuthAddress,
    DiagAddress,
    Duration,
    NodeAddress,
    Pages,
    PeerAddress,
    Pin,
    ProxySshAddress,
    TunnelAddress,
    VariablePattern,
    WebAddress,
)

ANY = "0.0.0.0"  # noqa: S104 - services listen on all addresses unless told otherwise
DEFAULT_PATH = "/etc/teleport.yaml"
NO_EFFECT = object()
SECRET = object()
SecondFactor = Literal["otp", "on", "optional", "off", "webauthn"]
JoinMethod = Literal["token", "ec2", "iam", "github", "circleci", "gitlab", "kubernetes", "azure", "gcp"]
StorageType = Literal["sqlite", "dir", "etcd", "dynamodb", "firestore", "postgresql", "cockroachdb"]


class Section(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Base of every mapping in the file."""


class JoinParams(Section, kw_only=True, frozen=True):
    """How this host proves that it may join."""

    method: Annotated[JoinMethod, "Join method; `token` is the one supported."] = "token"
    token_name: Annotated[str, SECRET, "The token, or the absolute path of a file that holds it."] = ""


class Cache(Section, kw_only=True, frozen=True):
    """Local cache of the auth service's documents."""

    enabled: Annotated[bool, NO_EFFECT, "Keep a cache."] = True
    max_backoff: Annotated[Duration, NO_EFFECT, "Longest pause between attempts to reconnect."] = 0


class ConnectionLimits(Section, kw_only=True, frozen=True):
    """Limits on what one service accepts."""

    max_connections: Annotated[int, "Connections that the proxy serves at one time."] = 15000


class LogFormat(Section, kw_only=True, frozen=True):
    """Shape of log lines."""

    output: Annotated[Literal["text", "json"], "Lines for people or JSON objects."] = "text"
    extra_fields: Annotated[
        list[Literal["level", "timestamp", "component", "caller"]],
        "Fields of each line; default: all but caller.",
    ] = []


class Log(Section, kw_only=True, frozen=True):
    """The services' own log (not the audit log)."""

    output: Annotated[str, "`stderr`, `stdout`, `syslog` or the path of a file."] = "stderr"
    severity: Annotated[
        Literal["DEBUG", "INFO", "WARN", "WARNING", "ERROR", "debug", "info", "warn", "warning", "error"],
        "Least severity that is written.",
    ] = "INFO"
    format: Annotated[LogFormat, "Shape of the lines."] = LogFormat()


class Storage(Section, kw_only=True, frozen=True):
    """Where the auth service keeps its state, the audit log and recordings."""

    type: Annotated[StorageType, "Backend; `sqlite` is the one supported."] = "sqlite"
    path: Annotated[str, "Directory of the backend; default `<data_dir>/backend`."] = ""
    sync: Annotated[Literal["FULL", "NORMAL", "OFF"], "SQLite's `synchronous`."] = "FULL"
    journal: Annotated[str, NO_EFFECT, "SQLite's journal mode; always WAL."] = ""
    audit_events_uri: Annotated[list[str], "Where audit events go; `file://` under `data_dir`."] = []
    audit_sessions_uri: Annotated[str, "Where recordings go; `file://` under `data_dir`."] = ""
    audit_retention_period: Annotated[Duration, NO_EFFECT, "How long audit events are kept."] = 365 * 86400


class Teleport(Section, kw_only=True, frozen=True):
    """What all services of this host share."""

    nodename: Annotated[str, "Name of this host in the cluster; default the host name."] = ""
    data_dir: Annotated[str, "Directory of everything the services keep."] = "/var/lib/teleport"
    pid_file: Annotated[str, "Where to write the process id."] = ""
    auth_token: Annotated[str, SECRET, "Join token, or the absolute path of a file that holds it."] = ""
    join_params: Annotated[JoinParams | None, "Join method and token, instead of `auth_token`."] = None
    ca_pin: Annotated[list[Pin], "Pins of the cluster's host CA, checked when joining."] = []
    advertise_ip: Annotated[str, "Address under which this host is announced."] = ""
    diag_addr: Annotated[DiagAddress | None, "Serves /healthz, /readyz and /metrics."] = None
    auth_server: Annotated[AuthAddress | None, "The auth service, for hosts that do not run it."] = None
    proxy_server: Annotated[WebAddress | None, "The proxy's web address, to reach auth through it."] = None
    cache: Annotated[Cache, "Local cache."] = Cache()
    shutdown_delay: Annotated[Duration, "Pause between the signal to stop and the drain."] = 0
    connection_limits: Annotated[ConnectionLimits, "Limits."] = ConnectionLimits()
    log: Annotated[Log, "The services' log."] = Log()
    storage: Annotated[Storage, "Storage of the auth service."] = Storage()
    ciphers: Annotated[list[str], "SSH ciphers; default those of `sshkit.algorithms`."] = []
    kex_algos: Annotated[list[str], "SSH key exchanges."] = []
    mac_algos: Annotated[list[str], "SSH MACs."] = []
    ciphersuites: Annotated[list[str], NO_EFFECT, "TLS 1.2 suites."] = []


class Webauthn(Section, kw_only=True, frozen=True):
    """Security keys as second factor."""

    rp_id: Annotated[str, NO_EFFECT, "Relying party id: the proxy's host name."] = ""


class Authentication(Section, kw_only=True, frozen=True):
    """How people log in."""

    type: Annotated[Literal["local"], "Kind of accounts."] = "local"
    local_auth: Annotated[bool, "Whether accounts of the cluster's own may log in."] = True
    second_factor: Annotated[
        Literal["otp", "on", "optional", "off", "webauthn"], "`otp` is the one supported."
    ] = "otp"
    second_factors: Annotated[list[Literal["otp", "webauthn", "sso"]], "As `second_factor`, as a list."] = []
    webauthn: Annotated[Webauthn | None, NO_EFFECT, "Security keys."] = None
    passwordless: Annotated[bool, NO_EFFECT, "Login by security key alone."] = False
    headless: Annotated[bool, NO_EFFECT, "Login approved from another machine."] = False
    connector_name: Annotated[str, NO_EFFECT, "Default connector."] = ""
    require_session_mfa: Annotated[bool, "Second factor for each session; not supported."] = False
    locking_mode: Annotated[Literal["best_effort", "strict"], NO_EFFECT, "What to do with stale locks."] = (
        "best_effort"
    )
    default_session_ttl: Annotated[Duration, "Lifetime of certificates when none is asked for."] = 12 * 3600


class AuthService(Section, kw_only=True, frozen=True):
    """Certificate authorities, users, tokens, audit log, archive of recordings."""

    enabled: Annotated[bool, "Run the auth service on this host."] = True
    cluster_name: Annotated[str, "Name of the cluster; default `nodename`. Cannot change later."] = ""
    listen_addr: Annotated[AuthAddress, "Address of the RPC listener."] = Address(ANY, 3025)
    public_addr: Annotated[list[AuthAddress], "Addresses under which others reach it."] = []
    tokens: Annotated[list[str], SECRET, "Static join tokens, `node,proxy:<value or path>`."] = []
    session_recording: Annotated[
        Literal["node", "node-sync", "proxy", "proxy-sync", "off"],
        "`node` or `off`.",
    ] = "node"
    proxy_checks_host_keys: Annotated[bool, NO_EFFECT, "Whether a recording proxy checks host keys."] = True
    client_idle_timeout: Annotated[
        Duration, "Sessions without input for so long are cut; set on each node."
    ] = 0
    client_idle_timeout_message: Annotated[str, NO_EFFECT, "Shown when that happens."] = ""
    web_idle_timeout: Annotated[
        Duration, "Web sessions without activity for so long end; set on the proxy."
    ] = 0
    disconnect_expired_cert: Annotated[
        bool, "Cut sessions whose certificate has expired; set on each node."
    ] = False
    keep_alive_interval: Annotated[
        Duration, "Pause between keep-alives on SSH connections; set on each node."
    ] = 300
    keep_alive_count_max: Annotated[
        int, "Unanswered keep-alives before a connection is cut; set on each node."
    ] = 3
    session_control_timeout: Annotated[Duration, NO_EFFECT, "Timeout of the limit of sessions."] = 120
    routing_strategy: Annotated[
        Literal["unambiguous_match", "most_recent"], NO_EFFECT, "Choice among nodes."
    ] = "unambiguous_match"
    proxy_listener_mode: Annotated[Literal["separate", "multiplex"], NO_EFFECT, "Ports of the proxy."] = (
        "separate"
    )
    license_file: Annotated[str, NO_EFFECT, "No licence is needed."] = ""
    authentication: Annotated[Authentication, "How people log in."] = Authentication()


class KeyPair(Section, kw_only=True, frozen=True):
    """A TLS key and its certificate chain, PEM."""

    key_file: Annotated[str, "Path of the private key."]
    cert_file: Annotated[str, "Path of the certificate and its chain."]


class Acme(Section, kw_only=True, frozen=True):
    """Certificates from an ACME authority."""

    enabled: Annotated[bool, "Not supported."] = False
    email: Annotated[str, NO_EFFECT, "Contact."] = ""


class Ui(Section, kw_only=True, frozen=True):
    """The web page."""

    scrollback_lines: Annotated[int, NO_EFFECT, "Lines kept by the terminal."] = 1000


class ProxyService(Section, kw_only=True, frozen=True):
    """Web page and API, TLS multiplexing, SSH proxy."""

    enabled: Annotated[bool, "Run the proxy on this host."] = True
    web_listen_addr: Annotated[WebAddress, "HTTPS, and the pass-through to auth."] = Address(ANY, 3080)
    listen_addr: Annotated[ProxySshAddress, "Address of the SSH proxy."] = Address(ANY, 3023)
    tunnel_listen_addr: Annotated[TunnelAddress | None, NO_EFFECT, "Address of reverse tunnels."] = None
    peer_listen_addr: Annotated[PeerAddress | None, NO_EFFECT, "Address of proxy peering."] = None
    public_addr: Annotated[list[WebAddress], "Addresses of the web page as people reach it."] = []
    ssh_public_addr: Annotated[list[ProxySshAddress], "Addresses of the SSH proxy as people reach it."] = []
    tunnel_public_addr: Annotated[list[TunnelAddress], NO_EFFECT, "Addresses of reverse tunnels."] = []
    https_keypairs: Annotated[list[KeyPair], "Certificates of the web page; default self-signed."] = []
    https_keypairs_reload_interval: Annotated[Duration, NO_EFFECT, "Pause between reloads."] = 0
    acme: Annotated[Acme, "Certificates from an ACME authority."] = Acme()
    ui: Annotated[Ui, "The web page."] = Ui()
    trust_x_forwarded_for: Annotated[bool, "Take the client's address from X-Forwarded-For."] = False


class Command(Section, kw_only=True, frozen=True):
    """A label whose value a command prints."""

    name: Annotated[str, "Name of the label."]
    command: Annotated[list[str], "The command and its arguments."]
    period: Annotated[Duration, "Pause between runs."] = 60


class X11(Section, kw_only=True, frozen=True):
    """Forwarding of X11."""

    enabled: Annotated[bool, "Not supported."] = False
    display_offset: Annotated[int, NO_EFFECT, "First display number."] = 10
    max_display: Annotated[int, NO_EFFECT, "Last display number."] = 1010


class Pam(Section, kw_only=True, frozen=True):
    """PAM around sessions."""

    enabled: Annotated[bool, "Run PAM's account and session phases."] = False
    service_name: Annotated[str, "PAM service, a file in /etc/pam.d."] = "sshd"
    use_pam_auth: Annotated[bool, NO_EFFECT, "Run PAM's auth phase as well."] = False
    environment: Annotated[dict[str, str], "Variables for PAM modules."] = {}


class EnhancedRecording(Section, kw_only=True, frozen=True):
    """What the kernel reports of sessions."""

    enabled: Annotated[bool, "Record commands, connections and opened files through BPF."] = False
    command_buffer_size: Annotated[Pages, "Ring buffer of commands; at least 256 are used."] = 8
    disk_buffer_size: Annotated[Pages, "Ring buffer of opened files; at least 1024 are used."] = 128
    network_buffer_size: Annotated[Pages, "Ring buffer of connections; at least 256 are used."] = 8
    cgroup_path: Annotated[str, "Where the cgroup2 hierarchy is, or is to be, mounted."] = "/cgroup2"
    root_path: Annotated[str, "Directory of sessions below `cgroup_path`."] = "/teleport"
    environment: Annotated[
        list[VariablePattern], "Variables recorded with commands besides `LD_*`, at most 8."
    ] = []
    noise_reduction: Annotated[
        bool, "Leave out, and count, what programs open to be able to start; see `docs/capture.md`."
    ] = False


class SshService(Section, kw_only=True, frozen=True):
    """SSH sessions on this host."""

    enabled: Annotated[bool, "Run the SSH service on this host."] = True
    listen_addr: Annotated[NodeAddress, "Address of the SSH server."] = Address(ANY, 3022)
    public_addr: Annotated[list[NodeAddress], "Addresses under which others reach it."] = []
    labels: Annotated[dict[str, str], "Labels of this node, for roles."] = {}
    commands: Annotated[list[Command], "Labels that commands print."] = []
    permit_user_env: Annotated[bool, "Read ~/.tsh/environment of the login."] = False
    disable_create_host_user: Annotated[bool, NO_EFFECT, "Never create logins."] = False
    force_listen: Annotated[bool, NO_EFFECT, "Listen although a tunnel is used."] = False
    port_forwarding: Annotated[bool, "Allow TCP forwarding."] = True
    ssh_file_copy: Annotated[bool, "Allow scp and sftp."] = True
    x11: Annotated[X11, "X11."] = X11()
    pam: Annotated[Pam, "PAM."] = Pam()
    enhanced_recording: Annotated[EnhancedRecording, "What the kernel reports of sessions."] = (
        EnhancedRecording()
    )


class Config(Section, kw_only=True, frozen=True):
    """A whole file."""

    version: Annotated[Literal["v1", "v2", "v3"], "Version of the format."] = "v3"
    teleport: Annotated[Teleport, "What all services share."] = Teleport()
    auth_service: Annotated[AuthService, "Certificate authorities, users, audit log."] = AuthService()
    proxy_service: Annotated[ProxyService, "Web page and SSH proxy."] = ProxyService()
    ssh_service: Annotated[SshService, "SSH sessions on this host."] = SshService()
