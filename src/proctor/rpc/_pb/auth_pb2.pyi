from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RegisterHostRequest(_message.Message):
    __slots__ = ("token", "host_id", "node_name", "role", "tls_public_key", "ssh_public_key", "principals", "host_secret")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    HOST_ID_FIELD_NUMBER: _ClassVar[int]
    NODE_NAME_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    TLS_PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    SSH_PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    PRINCIPALS_FIELD_NUMBER: _ClassVar[int]
    HOST_SECRET_FIELD_NUMBER: _ClassVar[int]
    token: str
    host_id: str
    node_name: str
    role: str
    tls_public_key: bytes
    ssh_public_key: bytes
    principals: _containers.RepeatedScalarFieldContainer[str]
    host_secret: str
    def __init__(self, token: _Optional[str] = ..., host_id: _Optional[str] = ..., node_name: _Optional[str] = ..., role: _Optional[str] = ..., tls_public_key: _Optional[bytes] = ..., ssh_public_key: _Optional[bytes] = ..., principals: _Optional[_Iterable[str]] = ..., host_secret: _Optional[str] = ...) -> None: ...

class HostCredentials(_message.Message):
    __slots__ = ("tls_certificate", "ssh_certificate", "authorities")
    TLS_CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    SSH_CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    AUTHORITIES_FIELD_NUMBER: _ClassVar[int]
    tls_certificate: bytes
    ssh_certificate: bytes
    authorities: Authorities
    def __init__(self, tls_certificate: _Optional[bytes] = ..., ssh_certificate: _Optional[bytes] = ..., authorities: _Optional[_Union[Authorities, _Mapping]] = ...) -> None: ...

class PingRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PingResponse(_message.Message):
    __slots__ = ("cluster_name", "server_version", "host_id", "ca_pins", "proxy_addresses")
    CLUSTER_NAME_FIELD_NUMBER: _ClassVar[int]
    SERVER_VERSION_FIELD_NUMBER: _ClassVar[int]
    HOST_ID_FIELD_NUMBER: _ClassVar[int]
    CA_PINS_FIELD_NUMBER: _ClassVar[int]
    PROXY_ADDRESSES_FIELD_NUMBER: _ClassVar[int]
    cluster_name: str
    server_version: str
    host_id: str
    ca_pins: _containers.RepeatedScalarFieldContainer[str]
    proxy_addresses: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, cluster_name: _Optional[str] = ..., server_version: _Optional[str] = ..., host_id: _Optional[str] = ..., ca_pins: _Optional[_Iterable[str]] = ..., proxy_addresses: _Optional[_Iterable[str]] = ...) -> None: ...

class GetAuthoritiesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Authorities(_message.Message):
    __slots__ = ("cluster_name", "host_tls_ca", "user_tls_ca", "host_ssh_ca", "user_ssh_ca")
    CLUSTER_NAME_FIELD_NUMBER: _ClassVar[int]
    HOST_TLS_CA_FIELD_NUMBER: _ClassVar[int]
    USER_TLS_CA_FIELD_NUMBER: _ClassVar[int]
    HOST_SSH_CA_FIELD_NUMBER: _ClassVar[int]
    USER_SSH_CA_FIELD_NUMBER: _ClassVar[int]
    cluster_name: str
    host_tls_ca: bytes
    user_tls_ca: bytes
    host_ssh_ca: _containers.RepeatedScalarFieldContainer[str]
    user_ssh_ca: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, cluster_name: _Optional[str] = ..., host_tls_ca: _Optional[bytes] = ..., user_tls_ca: _Optional[bytes] = ..., host_ssh_ca: _Optional[_Iterable[str]] = ..., user_ssh_ca: _Optional[_Iterable[str]] = ...) -> None: ...

class LoginRequest(_message.Message):
    __slots__ = ("username", "password", "otp_code", "tls_public_key", "ssh_public_key", "ttl_seconds", "client_address", "user_agent")
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    OTP_CODE_FIELD_NUMBER: _ClassVar[int]
    TLS_PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    SSH_PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    TTL_SECONDS_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    USER_AGENT_FIELD_NUMBER: _ClassVar[int]
    username: str
    password: str
    otp_code: str
    tls_public_key: bytes
    ssh_public_key: bytes
    ttl_seconds: int
    client_address: str
    user_agent: str
    def __init__(self, username: _Optional[str] = ..., password: _Optional[str] = ..., otp_code: _Optional[str] = ..., tls_public_key: _Optional[bytes] = ..., ssh_public_key: _Optional[bytes] = ..., ttl_seconds: _Optional[int] = ..., client_address: _Optional[str] = ..., user_agent: _Optional[str] = ...) -> None: ...

class UserCertificates(_message.Message):
    __slots__ = ("tls_certificate", "ssh_certificate", "authorities", "expires")
    TLS_CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    SSH_CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    AUTHORITIES_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_FIELD_NUMBER: _ClassVar[int]
    tls_certificate: bytes
    ssh_certificate: bytes
    authorities: Authorities
    expires: str
    def __init__(self, tls_certificate: _Optional[bytes] = ..., ssh_certificate: _Optional[bytes] = ..., authorities: _Optional[_Union[Authorities, _Mapping]] = ..., expires: _Optional[str] = ...) -> None: ...

class GetInviteRequest(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: str
    def __init__(self, token: _Optional[str] = ...) -> None: ...

class Invite(_message.Message):
    __slots__ = ("username", "otp_uri", "reset")
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    OTP_URI_FIELD_NUMBER: _ClassVar[int]
    RESET_FIELD_NUMBER: _ClassVar[int]
    username: str
    otp_uri: str
    reset: bool
    def __init__(self, username: _Optional[str] = ..., otp_uri: _Optional[str] = ..., reset: _Optional[bool] = ...) -> None: ...

class AcceptInviteRequest(_message.Message):
    __slots__ = ("token", "password", "otp_code", "client_address")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    OTP_CODE_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    token: str
    password: str
    otp_code: str
    client_address: str
    def __init__(self, token: _Optional[str] = ..., password: _Optional[str] = ..., otp_code: _Optional[str] = ..., client_address: _Optional[str] = ...) -> None: ...

class AcceptInviteResponse(_message.Message):
    __slots__ = ("username",)
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    username: str
    def __init__(self, username: _Optional[str] = ...) -> None: ...

class CreateUserRequest(_message.Message):
    __slots__ = ("name", "roles", "logins", "ttl_seconds")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    LOGINS_FIELD_NUMBER: _ClassVar[int]
    TTL_SECONDS_FIELD_NUMBER: _ClassVar[int]
    name: str
    roles: _containers.RepeatedScalarFieldContainer[str]
    logins: _containers.RepeatedScalarFieldContainer[str]
    ttl_seconds: int
    def __init__(self, name: _Optional[str] = ..., roles: _Optional[_Iterable[str]] = ..., logins: _Optional[_Iterable[str]] = ..., ttl_seconds: _Optional[int] = ...) -> None: ...

class UpdateUserRequest(_message.Message):
    __slots__ = ("name", "set_roles", "set_logins", "change_roles", "change_logins")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SET_ROLES_FIELD_NUMBER: _ClassVar[int]
    SET_LOGINS_FIELD_NUMBER: _ClassVar[int]
    CHANGE_ROLES_FIELD_NUMBER: _ClassVar[int]
    CHANGE_LOGINS_FIELD_NUMBER: _ClassVar[int]
    name: str
    set_roles: _containers.RepeatedScalarFieldContainer[str]
    set_logins: _containers.RepeatedScalarFieldContainer[str]
    change_roles: bool
    change_logins: bool
    def __init__(self, name: _Optional[str] = ..., set_roles: _Optional[_Iterable[str]] = ..., set_logins: _Optional[_Iterable[str]] = ..., change_roles: _Optional[bool] = ..., change_logins: _Optional[bool] = ...) -> None: ...

class ResetUserRequest(_message.Message):
    __slots__ = ("name", "ttl_seconds")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TTL_SECONDS_FIELD_NUMBER: _ClassVar[int]
    name: str
    ttl_seconds: int
    def __init__(self, name: _Optional[str] = ..., ttl_seconds: _Optional[int] = ...) -> None: ...

class InviteLink(_message.Message):
    __slots__ = ("token", "url", "expires")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_FIELD_NUMBER: _ClassVar[int]
    token: str
    url: str
    expires: str
    def __init__(self, token: _Optional[str] = ..., url: _Optional[str] = ..., expires: _Optional[str] = ...) -> None: ...

class CreateTokenRequest(_message.Message):
    __slots__ = ("roles", "ttl_seconds", "value")
    ROLES_FIELD_NUMBER: _ClassVar[int]
    TTL_SECONDS_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    roles: _containers.RepeatedScalarFieldContainer[str]
    ttl_seconds: int
    value: str
    def __init__(self, roles: _Optional[_Iterable[str]] = ..., ttl_seconds: _Optional[int] = ..., value: _Optional[str] = ...) -> None: ...

class SignIdentityRequest(_message.Message):
    __slots__ = ("username", "ttl_seconds", "tls_public_key", "ssh_public_key")
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    TTL_SECONDS_FIELD_NUMBER: _ClassVar[int]
    TLS_PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    SSH_PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    username: str
    ttl_seconds: int
    tls_public_key: bytes
    ssh_public_key: bytes
    def __init__(self, username: _Optional[str] = ..., ttl_seconds: _Optional[int] = ..., tls_public_key: _Optional[bytes] = ..., ssh_public_key: _Optional[bytes] = ...) -> None: ...

class DocumentRequest(_message.Message):
    __slots__ = ("kind", "name")
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    kind: str
    name: str
    def __init__(self, kind: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class ListDocumentsRequest(_message.Message):
    __slots__ = ("kind",)
    KIND_FIELD_NUMBER: _ClassVar[int]
    kind: str
    def __init__(self, kind: _Optional[str] = ...) -> None: ...

class PutDocumentRequest(_message.Message):
    __slots__ = ("json", "overwrite")
    JSON_FIELD_NUMBER: _ClassVar[int]
    OVERWRITE_FIELD_NUMBER: _ClassVar[int]
    json: bytes
    overwrite: bool
    def __init__(self, json: _Optional[bytes] = ..., overwrite: _Optional[bool] = ...) -> None: ...

class Document(_message.Message):
    __slots__ = ("json",)
    JSON_FIELD_NUMBER: _ClassVar[int]
    json: bytes
    def __init__(self, json: _Optional[bytes] = ...) -> None: ...

class Documents(_message.Message):
    __slots__ = ("json",)
    JSON_FIELD_NUMBER: _ClassVar[int]
    json: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, json: _Optional[_Iterable[bytes]] = ...) -> None: ...

class DeleteDocumentResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class HeartbeatRequest(_message.Message):
    __slots__ = ("node",)
    NODE_FIELD_NUMBER: _ClassVar[int]
    node: bytes
    def __init__(self, node: _Optional[bytes] = ...) -> None: ...

class HeartbeatResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetRolesRequest(_message.Message):
    __slots__ = ("names",)
    NAMES_FIELD_NUMBER: _ClassVar[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, names: _Optional[_Iterable[str]] = ...) -> None: ...

class GetAccessBundleRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WatchAccessBundleRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetRevocationListRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RevocationList(_message.Message):
    __slots__ = ("krl",)
    KRL_FIELD_NUMBER: _ClassVar[int]
    krl: bytes
    def __init__(self, krl: _Optional[bytes] = ...) -> None: ...

class AccessBundle(_message.Message):
    __slots__ = ("json", "signature")
    JSON_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    json: bytes
    signature: bytes
    def __init__(self, json: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...
