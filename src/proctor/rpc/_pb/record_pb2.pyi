from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EventBatch(_message.Message):
    __slots__ = ("source", "first_sequence", "lines")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    source: str
    first_sequence: int
    lines: bytes
    def __init__(self, source: _Optional[str] = ..., first_sequence: _Optional[int] = ..., lines: _Optional[bytes] = ...) -> None: ...

class EventAck(_message.Message):
    __slots__ = ("sequence",)
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    def __init__(self, sequence: _Optional[int] = ...) -> None: ...

class SearchRequest(_message.Message):
    __slots__ = ("from_time", "to_time", "event_types", "sid", "user", "text", "limit", "start_key", "ascending", "host")
    FROM_TIME_FIELD_NUMBER: _ClassVar[int]
    TO_TIME_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPES_FIELD_NUMBER: _ClassVar[int]
    SID_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    START_KEY_FIELD_NUMBER: _ClassVar[int]
    ASCENDING_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    from_time: str
    to_time: str
    event_types: _containers.RepeatedScalarFieldContainer[str]
    sid: str
    user: str
    text: str
    limit: int
    start_key: str
    ascending: bool
    host: str
    def __init__(self, from_time: _Optional[str] = ..., to_time: _Optional[str] = ..., event_types: _Optional[_Iterable[str]] = ..., sid: _Optional[str] = ..., user: _Optional[str] = ..., text: _Optional[str] = ..., limit: _Optional[int] = ..., start_key: _Optional[str] = ..., ascending: _Optional[bool] = ..., host: _Optional[str] = ...) -> None: ...

class SearchResponse(_message.Message):
    __slots__ = ("events", "next_key", "incomplete")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_KEY_FIELD_NUMBER: _ClassVar[int]
    INCOMPLETE_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedScalarFieldContainer[bytes]
    next_key: str
    incomplete: bool
    def __init__(self, events: _Optional[_Iterable[bytes]] = ..., next_key: _Optional[str] = ..., incomplete: _Optional[bool] = ...) -> None: ...

class StorageRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StorageResponse(_message.Message):
    __slots__ = ("days", "recordings", "recording_bytes", "state_bytes", "index_bytes", "free_bytes", "events_retention", "recordings_retention")
    DAYS_FIELD_NUMBER: _ClassVar[int]
    RECORDINGS_FIELD_NUMBER: _ClassVar[int]
    RECORDING_BYTES_FIELD_NUMBER: _ClassVar[int]
    STATE_BYTES_FIELD_NUMBER: _ClassVar[int]
    INDEX_BYTES_FIELD_NUMBER: _ClassVar[int]
    FREE_BYTES_FIELD_NUMBER: _ClassVar[int]
    EVENTS_RETENTION_FIELD_NUMBER: _ClassVar[int]
    RECORDINGS_RETENTION_FIELD_NUMBER: _ClassVar[int]
    days: _containers.RepeatedCompositeFieldContainer[StoredDay]
    recordings: int
    recording_bytes: int
    state_bytes: int
    index_bytes: int
    free_bytes: int
    events_retention: int
    recordings_retention: int
    def __init__(self, days: _Optional[_Iterable[_Union[StoredDay, _Mapping]]] = ..., recordings: _Optional[int] = ..., recording_bytes: _Optional[int] = ..., state_bytes: _Optional[int] = ..., index_bytes: _Optional[int] = ..., free_bytes: _Optional[int] = ..., events_retention: _Optional[int] = ..., recordings_retention: _Optional[int] = ...) -> None: ...

class StoredDay(_message.Message):
    __slots__ = ("day", "bytes", "size", "compressed")
    DAY_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    COMPRESSED_FIELD_NUMBER: _ClassVar[int]
    day: str
    bytes: int
    size: int
    compressed: bool
    def __init__(self, day: _Optional[str] = ..., bytes: _Optional[int] = ..., size: _Optional[int] = ..., compressed: _Optional[bool] = ...) -> None: ...

class RetainRequest(_message.Message):
    __slots__ = ("dry_run",)
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    dry_run: bool
    def __init__(self, dry_run: _Optional[bool] = ...) -> None: ...

class RetainResponse(_message.Message):
    __slots__ = ("days", "recordings", "events", "bytes", "held")
    DAYS_FIELD_NUMBER: _ClassVar[int]
    RECORDINGS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    days: _containers.RepeatedScalarFieldContainer[str]
    recordings: _containers.RepeatedScalarFieldContainer[str]
    events: int
    bytes: int
    held: str
    def __init__(self, days: _Optional[_Iterable[str]] = ..., recordings: _Optional[_Iterable[str]] = ..., events: _Optional[int] = ..., bytes: _Optional[int] = ..., held: _Optional[str] = ...) -> None: ...

class UploadFrame(_message.Message):
    __slots__ = ("sid", "start", "chunk", "complete")
    SID_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    sid: str
    start: UploadStart
    chunk: FileChunk
    complete: UploadComplete
    def __init__(self, sid: _Optional[str] = ..., start: _Optional[_Union[UploadStart, _Mapping]] = ..., chunk: _Optional[_Union[FileChunk, _Mapping]] = ..., complete: _Optional[_Union[UploadComplete, _Mapping]] = ...) -> None: ...

class UploadStart(_message.Message):
    __slots__ = ("server_id",)
    SERVER_ID_FIELD_NUMBER: _ClassVar[int]
    server_id: str
    def __init__(self, server_id: _Optional[str] = ...) -> None: ...

class UploadComplete(_message.Message):
    __slots__ = ("files",)
    FILES_FIELD_NUMBER: _ClassVar[int]
    files: _containers.RepeatedCompositeFieldContainer[FileState]
    def __init__(self, files: _Optional[_Iterable[_Union[FileState, _Mapping]]] = ...) -> None: ...

class UploadStatus(_message.Message):
    __slots__ = ("sid", "files", "completed")
    SID_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    sid: str
    files: _containers.RepeatedCompositeFieldContainer[FileState]
    completed: bool
    def __init__(self, sid: _Optional[str] = ..., files: _Optional[_Iterable[_Union[FileState, _Mapping]]] = ..., completed: _Optional[bool] = ...) -> None: ...

class FileState(_message.Message):
    __slots__ = ("name", "size", "sha256")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    name: str
    size: int
    sha256: bytes
    def __init__(self, name: _Optional[str] = ..., size: _Optional[int] = ..., sha256: _Optional[bytes] = ...) -> None: ...

class FileChunk(_message.Message):
    __slots__ = ("name", "offset", "data")
    NAME_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    name: str
    offset: int
    data: bytes
    def __init__(self, name: _Optional[str] = ..., offset: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class ListRecordingsRequest(_message.Message):
    __slots__ = ("from_time", "to_time", "limit", "live", "user", "host", "kind", "states", "start_key")
    FROM_TIME_FIELD_NUMBER: _ClassVar[int]
    TO_TIME_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    LIVE_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    START_KEY_FIELD_NUMBER: _ClassVar[int]
    from_time: str
    to_time: str
    limit: int
    live: bool
    user: str
    host: str
    kind: str
    states: _containers.RepeatedScalarFieldContainer[str]
    start_key: str
    def __init__(self, from_time: _Optional[str] = ..., to_time: _Optional[str] = ..., limit: _Optional[int] = ..., live: _Optional[bool] = ..., user: _Optional[str] = ..., host: _Optional[str] = ..., kind: _Optional[str] = ..., states: _Optional[_Iterable[str]] = ..., start_key: _Optional[str] = ...) -> None: ...

class RecordingInfo(_message.Message):
    __slots__ = ("sid", "participants", "server_hostname", "server_id", "login", "started", "ended", "interactive", "enhanced", "live", "state", "truncated", "size")
    SID_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANTS_FIELD_NUMBER: _ClassVar[int]
    SERVER_HOSTNAME_FIELD_NUMBER: _ClassVar[int]
    SERVER_ID_FIELD_NUMBER: _ClassVar[int]
    LOGIN_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    INTERACTIVE_FIELD_NUMBER: _ClassVar[int]
    ENHANCED_FIELD_NUMBER: _ClassVar[int]
    LIVE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    sid: str
    participants: _containers.RepeatedScalarFieldContainer[str]
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
    def __init__(self, sid: _Optional[str] = ..., participants: _Optional[_Iterable[str]] = ..., server_hostname: _Optional[str] = ..., server_id: _Optional[str] = ..., login: _Optional[str] = ..., started: _Optional[str] = ..., ended: _Optional[str] = ..., interactive: _Optional[bool] = ..., enhanced: _Optional[bool] = ..., live: _Optional[bool] = ..., state: _Optional[str] = ..., truncated: _Optional[bool] = ..., size: _Optional[int] = ...) -> None: ...

class ListRecordingsResponse(_message.Message):
    __slots__ = ("recordings", "next_key")
    RECORDINGS_FIELD_NUMBER: _ClassVar[int]
    NEXT_KEY_FIELD_NUMBER: _ClassVar[int]
    recordings: _containers.RepeatedCompositeFieldContainer[RecordingInfo]
    next_key: str
    def __init__(self, recordings: _Optional[_Iterable[_Union[RecordingInfo, _Mapping]]] = ..., next_key: _Optional[str] = ...) -> None: ...

class ReadRequest(_message.Message):
    __slots__ = ("sid", "follow", "format")
    SID_FIELD_NUMBER: _ClassVar[int]
    FOLLOW_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    sid: str
    follow: bool
    format: str
    def __init__(self, sid: _Optional[str] = ..., follow: _Optional[bool] = ..., format: _Optional[str] = ...) -> None: ...
