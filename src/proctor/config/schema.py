# SPDX-License-Identifier: Apache-2.0
"""The configuration file, versions v1 to v3: attribute names are its keys, defaults are its defaults.

``docs/config.md`` is written from the annotations here: the string is the description of the key,
``NO_EFFECT`` and ``NOT_OFFERED`` mark keys that are recognised so that files for Teleport load.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from proctor.config.fields import NO_EFFECT, NOT_OFFERED, SECRET, Unused
from proctor.config.values import (
    AuthAddress,
    DiagAddress,
    Directory,
    Duration,
    MfaRequirement,
    NodeAddress,
    Pages,
    PeerAddress,
    Pin,
    ProxySshAddress,
    SecondFactor,
    Severity,
    TunnelAddress,
    VariablePattern,
    WebAddress,
)
from proctor.core.net import ANY, Address
from proctor.model.resources import EnhancedKind, JoinMethod

DEFAULT_PATH = "/etc/teleport.yaml"
StorageType = Literal[
    "sqlite", "dir", "lite", "etcd", "dynamodb", "firestore", "postgresql", "postgres", "cockroachdb"
]
LOCAL_STORAGE = frozenset({"sqlite", "dir", "lite"})
"""Names of the one backend that is offered; ``dir`` is its name in old files."""


class Section(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Base of every mapping in the file."""


class JoinParams(Section, kw_only=True, frozen=True):
    """How this host proves that it may join."""

    method: Annotated[JoinMethod, "Join method; `token` is the one supported."] = "token"
    token_name: Annotated[str, SECRET, "The token, or the absolute path of a file that holds it."] = ""
    azure: Annotated[Unused, NO_EFFECT, "Settings of that join method."] = False


class Cache(Section, kw_only=True, frozen=True):
    """Local cache of the auth service's documents."""

    enabled: Annotated[bool, NO_EFFECT, "Keep a cache."] = True
    max_backoff: Annotated[Duration, NO_EFFECT, "Longest pause between attempts to reconnect."] = 0
    type: Annotated[Unused, NO_EFFECT, "Kind of cache."] = False
    ttl: Annotated[Unused, NO_EFFECT, "Lifetime of its entries."] = False


class ConnectionLimits(Section, kw_only=True, frozen=True):
    """Limits on what one service accepts."""

    max_connections: Annotated[int, "Connections that the proxy serves at one time."] = 15000
    max_users: Annotated[Unused, NO_EFFECT, "Limit on users at one time."] = False
    rates: Annotated[Unused, NO_EFFECT, "Limits on connections in a period."] = False


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
    severity: Annotated[Severity, "Least severity that is written."] = "INFO"
    format: Annotated[LogFormat, "Shape of the lines."] = LogFormat()


class Storage(Section, kw_only=True, frozen=True):
    """Where the auth service keeps its state, the audit log and recordings."""

    type: Annotated[StorageType, "Backend; `sqlite` (or `dir`, its old name) is the one offered."] = "sqlite"
    path: Annotated[str, "Directory of the backend; default `<data_dir>/backend`."] = ""
    sync: Annotated[Literal["FULL", "NORMAL", "OFF"], "SQLite's `synchronous`."] = "FULL"
    journal: Annotated[str, NO_EFFECT, "SQLite's journal mode; always WAL."] = ""
    audit_events_uri: Annotated[list[str], "Where audit events go; `file://` under `data_dir`."] = []
    audit_sessions_uri: Annotated[str, "Where recordings go; `file://` under `data_dir`."] = ""
    audit_retention_period: Annotated[
        Duration, "How long the days of the audit log are kept, if they are in files."
    ] = 0
    audit_sessions_retention_period: Annotated[
        Duration, "How long recordings are kept once they are complete; not a key of Teleport."
    ] = 0
    poll_stream_period: Annotated[Unused, NO_EFFECT, "Pause between looks for changes."] = False
    busy_timeout: Annotated[Unused, NO_EFFECT, "SQLite's `busy_timeout`."] = False

    @classmethod
    def foreign(cls, keys: Mapping[str, str]) -> bool:
        """Is this another backend, whose keys are not known here? That is reported at ``type``."""
        return keys.get("type", "sqlite") not in LOCAL_STORAGE


class Teleport(Section, kw_only=True, frozen=True):
    """What all services of this host share."""

    nodename: Annotated[str, "Name of this host in the cluster; default the host name."] = ""
    data_dir: Annotated[Directory, "Directory of everything the services keep."] = "/var/lib/teleport"
    pid_file: Annotated[str, "Where to write the process id."] = ""
    auth_token: Annotated[str, SECRET, "Join token, or the absolute path of a file that holds it."] = ""
    join_params: Annotated[JoinParams | None, "Join method and token, instead of `auth_token`."] = None
    ca_pin: Annotated[list[Pin], "Pins of the cluster's host CA, checked when joining."] = []
    advertise_ip: Annotated[str, "Address under which this host is announced."] = ""
    diag_addr: Annotated[DiagAddress | None, "Serves /healthz, /readyz and /metrics."] = None
    auth_server: Annotated[AuthAddress | None, "The auth service, for hosts that do not run it."] = None
    proxy_server: Annotated[WebAddress | None, "The proxy's web address, to reach auth through it."] = None
    auth_servers: Annotated[
        list[AuthAddress], "Auth services or proxies, the first that answers; in versions v1 and v2."
    ] = []
    relay_server: Annotated[Unused, NO_EFFECT, "A relay service."] = False
    auth_connection_config: Annotated[Unused, NO_EFFECT, "Pauses between attempts to reach auth."] = False
    seed_config: Annotated[Unused, NO_EFFECT, "Settings of the first start only."] = False
    keys: Annotated[Unused, NO_EFFECT, "Keys of the host in the file."] = False
    cache: Annotated[Cache, "Local cache."] = Cache()
    shutdown_delay: Annotated[Duration, "Pause between the signal to stop and the drain."] = 0
    connection_limits: Annotated[ConnectionLimits, "Limits."] = ConnectionLimits()
    log: Annotated[Log, "The services' log."] = Log()
    storage: Annotated[Storage, "Storage of the auth service."] = Storage()
    ciphers: Annotated[list[str], "SSH ciphers; default those of `sshkit.algorithms`."] = []
    kex_algos: Annotated[list[str], "SSH key exchanges."] = []
    mac_algos: Annotated[list[str], "SSH MACs."] = []
    ciphersuites: Annotated[list[str], NO_EFFECT, "TLS 1.2 suites."] = []
    ca_signature_algo: Annotated[Unused, NO_EFFECT, "Algorithm of the SSH CA's signatures."] = False


class Webauthn(Section, kw_only=True, frozen=True):
    """Security keys as second factor."""

    rp_id: Annotated[str, NO_EFFECT, "Relying party id: the proxy's host name."] = ""
    attestation_allowed_cas: Annotated[Unused, "Makers of keys; a restriction that is not supported."] = False
    attestation_denied_cas: Annotated[Unused, "Makers of keys; a restriction that is not supported."] = False
    disabled: Annotated[Unused, NO_EFFECT, "No security keys."] = False


class DeviceTrust(Section, kw_only=True, frozen=True):
    """Access from enrolled devices only."""

    mode: Annotated[
        Literal["off", "optional", "required", "required-for-humans"],
        "Devices are not checked: `required` is not supported.",
    ] = "off"
    auto_enroll: Annotated[Unused, NO_EFFECT, "Enrolment of devices at login."] = False
    ekcert_allowed_cas: Annotated[Unused, NO_EFFECT, "Makers of TPMs."] = False


class Authentication(Section, kw_only=True, frozen=True):
    """How people log in."""

    type: Annotated[
        Literal["local", "github", "oidc", "saml"], "Kind of accounts; `local` is the one offered."
    ] = "local"
    local_auth: Annotated[bool, "Whether accounts of the cluster's own may log in."] = True
    second_factor: Annotated[
        SecondFactor, "A one-time password is always asked for; `webauthn` alone is not supported."
    ] = "otp"
    second_factors: Annotated[
        list[Literal["otp", "webauthn", "sso"]], "As `second_factor`, as a list that must hold `otp`."
    ] = []
    u2f: Annotated[Unused, NO_EFFECT, "Security keys in old files."] = False
    webauthn: Annotated[Webauthn, "Security keys."] = Webauthn()
    device_trust: Annotated[DeviceTrust, "Access from enrolled devices only."] = DeviceTrust()
    hardware_key: Annotated[Unused, NO_EFFECT, "Keys in hardware."] = False
    piv_slot: Annotated[Unused, NO_EFFECT, "Slot of keys in hardware."] = False
    signature_algorithm_suite: Annotated[Unused, NO_EFFECT, "Algorithms of keys."] = False
    stable_unix_user_config: Annotated[Unused, NO_EFFECT, "User ids of created logins."] = False
    passwordless: Annotated[bool, NO_EFFECT, "Login by security key alone."] = False
    headless: Annotated[bool, NO_EFFECT, "Login approved from another machine."] = False
    connector_name: Annotated[str, NO_EFFECT, "Default connector."] = ""
    require_session_mfa: Annotated[MfaRequirement, "Second factor for each session; not supported."] = False
    locking_mode: Annotated[
        Literal["best_effort", "strict"],
        "When a list of locks is out of date: go by it, or refuse all access.",
    ] = "best_effort"
    default_session_ttl: Annotated[Duration, "Lifetime of certificates when none is asked for."] = 12 * 3600


class Encryption(Section, kw_only=True, frozen=True):
    """Encryption of recordings."""

    enabled: Annotated[bool, "Not supported."] = False
    manual_key_management: Annotated[Unused, NO_EFFECT, "Keys kept elsewhere."] = False


class RecordingConfig(Section, kw_only=True, frozen=True):
    """How sessions are recorded."""

    mode: Annotated[Literal["node", "node-sync", "proxy", "proxy-sync", "off"], "As `session_recording`."] = (
        "node"
    )
    proxy_checks_host_keys: Annotated[bool, NO_EFFECT, "Whether a recording proxy checks host keys."] = True
    encryption: Annotated[Encryption, "Encryption of recordings."] = Encryption()


class KeyParameters(Section, kw_only=True, frozen=True):
    """Private keys of the CAs in hardware or at a key service."""

    pkcs11: Annotated[Unused, "Keys in a hardware module; not supported."] = False
    gcp_kms: Annotated[Unused, "Keys at a key service; not supported."] = False
    aws_kms: Annotated[Unused, "Keys at a key service; not supported."] = False


class AuthService(Section, kw_only=True, frozen=True):
    """Certificate authorities, users, tokens, audit log, archive of recordings."""

    enabled: Annotated[bool, "Run the auth service on this host."] = True
    cluster_name: Annotated[str, "Name of the cluster; default `nodename`. Cannot change later."] = ""
    listen_addr: Annotated[AuthAddress, "Address of the RPC listener."] = Address(ANY, 3025)
    public_addr: Annotated[list[AuthAddress], "Addresses under which others reach it."] = []
    tokens: Annotated[list[str], SECRET, "Static join tokens, `node,proxy:<value or path>`."] = []
    session_recording: Annotated[
        Literal["node", "node-sync", "proxy", "proxy-sync", "off"],
        "Where sessions are recorded: always at the node.",
    ] = "node"
    session_recording_config: Annotated[RecordingConfig, "The same in new files."] = RecordingConfig()
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
    ca_key_params: Annotated[KeyParameters, "Private keys of the CAs."] = KeyParameters()
    proxy_protocol: Annotated[Unused, NO_EFFECT, "Headers of load balancers."] = False
    message_of_the_day: Annotated[str, NO_EFFECT, "Shown at login."] = ""
    reverse_tunnels: Annotated[Unused, NO_EFFECT, "Tunnels to other clusters."] = False
    trusted_clusters: Annotated[Unused, NO_EFFECT, "Other clusters."] = False
    oidc_connectors: Annotated[Unused, NO_EFFECT, "Accounts kept elsewhere."] = False
    dynamic_config: Annotated[Unused, NO_EFFECT, "Settings as resources."] = False
    kubeconfig_file: Annotated[Unused, NO_EFFECT, "Access to Kubernetes."] = False
    tunnel_strategy: Annotated[Unused, NO_EFFECT, "Choice among tunnels."] = False
    proxy_ping_interval: Annotated[Unused, NO_EFFECT, "Pause between pings of peers."] = False
    case_insensitive_routing: Annotated[Unused, NO_EFFECT, "Names of nodes in any case; always."] = False
    ssh_dial_timeout: Annotated[Unused, NO_EFFECT, "Patience with nodes."] = False
    load_all_cas: Annotated[Unused, NO_EFFECT, "Keys of all clusters."] = False
    hosted_plugins: Annotated[Unused, NOT_OFFERED, "Plugins."] = False
    access_monitoring: Annotated[Unused, NOT_OFFERED, "Reports about access."] = False
    authentication: Annotated[Authentication, "How people log in."] = Authentication()


class KeyPair(Section, kw_only=True, frozen=True):
    """A TLS key and its certificate chain, PEM."""

    key_file: Annotated[str, "Path of the private key."]
    cert_file: Annotated[str, "Path of the certificate and its chain."]


class Acme(Section, kw_only=True, frozen=True):
    """Certificates from an ACME authority."""

    enabled: Annotated[
        bool, "Not offered; the page's certificate is self-signed until `https_keypairs` names one."
    ] = False
    email: Annotated[str, "Contact."] = ""
    uri: Annotated[str, "The authority."] = ""


class Ui(Section, kw_only=True, frozen=True):
    """The web page."""

    scrollback_lines: Annotated[int, NO_EFFECT, "Lines kept by the terminal."] = 1000
    show_resources: Annotated[Unused, NO_EFFECT, "Resources that can be requested."] = False


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
    https_key_file: Annotated[str, "Private key of the web page, in old files."] = ""
    https_cert_file: Annotated[str, "Certificate of the web page, in old files."] = ""
    https_keypairs_reload_interval: Annotated[Duration, NO_EFFECT, "Pause between reloads."] = 0
    acme: Annotated[Acme, "Certificates from an ACME authority."] = Acme()
    ui: Annotated[Ui, "The web page."] = Ui()
    trust_x_forwarded_for: Annotated[bool, "Take the client's address from X-Forwarded-For."] = False
    proxy_protocol: Annotated[Unused, NO_EFFECT, "Headers of load balancers."] = False
    proxy_protocol_allow_downgrade: Annotated[Unused, NO_EFFECT, "IPv6 in such headers."] = False
    peer_public_addr: Annotated[Unused, NO_EFFECT, "Address of proxy peering."] = False
    kube_listen_addr: Annotated[Unused, NO_EFFECT, "Listener for Kubernetes."] = False
    kube_public_addr: Annotated[Unused, NO_EFFECT, "Its addresses."] = False
    mysql_listen_addr: Annotated[Unused, NO_EFFECT, "Listener for MySQL."] = False
    mysql_public_addr: Annotated[Unused, NO_EFFECT, "Its addresses."] = False
    mysql_server_version: Annotated[Unused, NO_EFFECT, "Version shown to MySQL clients."] = False
    postgres_listen_addr: Annotated[Unused, NO_EFFECT, "Listener for PostgreSQL."] = False
    postgres_public_addr: Annotated[Unused, NO_EFFECT, "Its addresses."] = False
    mongo_listen_addr: Annotated[Unused, NO_EFFECT, "Listener for MongoDB."] = False
    mongo_public_addr: Annotated[Unused, NO_EFFECT, "Its addresses."] = False
    kubernetes: Annotated[Unused, NOT_OFFERED, "Access to Kubernetes."] = False
    idp: Annotated[Unused, NO_EFFECT, "Identity provider for applications."] = False
    assist: Annotated[Unused, NO_EFFECT, "Assistant of the web page."] = False
    automatic_upgrades_channels: Annotated[Unused, NO_EFFECT, "Channels of upgrades."] = False


class Command(Section, kw_only=True, frozen=True):
    """A label whose value a command prints."""

    name: Annotated[str, "Name of the label."]
    command: Annotated[list[str], "The command and its arguments."]
    period: Annotated[Duration, "Pause between runs."] = 60


class X11(Section, kw_only=True, frozen=True):
    """Forwarding of X11."""

    enabled: Annotated[bool, "Not offered: X11 is never forwarded."] = False
    display_offset: Annotated[int, NO_EFFECT, "First display number."] = 10
    max_display: Annotated[int, NO_EFFECT, "Last display number."] = 1010


class Pam(Section, kw_only=True, frozen=True):
    """PAM around sessions."""

    enabled: Annotated[bool, "Run PAM's account and session phases."] = False
    service_name: Annotated[str, "PAM service, a file in /etc/pam.d."] = "sshd"
    use_pam_auth: Annotated[bool, "Run PAM's auth phase as well; not supported."] = False
    environment: Annotated[dict[str, str], "Variables for PAM modules."] = {}


class RecordingMinimum(Section, kw_only=True, frozen=True):
    """What is recorded of every session on this host, whatever roles say."""

    events: Annotated[list[EnhancedKind], "Kinds of events recorded even if no role asks for them."] = []
    mode: Annotated[
        Literal["best_effort", "strict"],
        "`strict` ends sessions that cannot be recorded, whatever roles say.",
    ] = "best_effort"


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
    minimum: Annotated[RecordingMinimum, "What roles cannot go below on this host."] = RecordingMinimum()
    noise_reduction: Annotated[
        bool, "Leave out, and count, what programs open to be able to start; see `docs/capture.md`."
    ] = False


class RestrictedSession(Section, kw_only=True, frozen=True):
    """Network restrictions for all sessions of a host; roles have `network` instead."""

    enabled: Annotated[bool, "Not supported: give roles a `network`, see `docs/resources.md`."] = False
    events_buffer_size: Annotated[Unused, NO_EFFECT, "Buffer of events."] = False


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
    namespace: Annotated[Unused, NO_EFFECT, "Namespace, in old files."] = False
    restricted_session: Annotated[RestrictedSession, "Network restrictions."] = RestrictedSession()
    x11: Annotated[X11, "X11."] = X11()
    pam: Annotated[Pam, "PAM."] = Pam()
    enhanced_recording: Annotated[EnhancedRecording, "What the kernel reports of sessions."] = (
        EnhancedRecording()
    )


class Config(Section, kw_only=True, frozen=True):
    """A whole file."""

    version: Annotated[Literal["v1", "v2", "v3"], "Version of the format."] = "v1"
    teleport: Annotated[Teleport, "What all services share."] = Teleport()
    auth_service: Annotated[AuthService, "Certificate authorities, users, audit log."] = AuthService()
    proxy_service: Annotated[ProxyService, "Web page and SSH proxy."] = ProxyService()
    ssh_service: Annotated[SshService, "SSH sessions on this host."] = SshService()
    app_service: Annotated[Unused, NOT_OFFERED, "Access to web applications."] = False
    db_service: Annotated[Unused, NOT_OFFERED, "Access to databases."] = False
    kubernetes_service: Annotated[Unused, NOT_OFFERED, "Access to Kubernetes."] = False
    windows_desktop_service: Annotated[Unused, NOT_OFFERED, "Access to Windows desktops."] = False
    linux_desktop_service: Annotated[Unused, NOT_OFFERED, "Access to Linux desktops."] = False
    discovery_service: Annotated[Unused, NOT_OFFERED, "Enrolment of cloud resources."] = False
    relay_service: Annotated[Unused, NOT_OFFERED, "Relays."] = False
    okta_service: Annotated[Unused, NOT_OFFERED, "Synchronisation with Okta."] = False
    jamf_service: Annotated[Unused, NOT_OFFERED, "Synchronisation with Jamf."] = False
    plugin_service: Annotated[Unused, NOT_OFFERED, "Plugins."] = False
    access_graph: Annotated[Unused, NOT_OFFERED, "Graph of access."] = False
    metrics_service: Annotated[Unused, NOT_OFFERED, "Metrics; set `teleport.diag_addr` instead."] = False
    tracing_service: Annotated[Unused, NOT_OFFERED, "Tracing."] = False
    debug_service: Annotated[Unused, NOT_OFFERED, "Profiling."] = False
