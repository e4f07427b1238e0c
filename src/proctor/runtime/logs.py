# SPDX-License-Identifier: Apache-2.0
"""The services' own log: text for people or JSON, to a stream, a file or syslog."""

from __future__ import annotations

import logging
import logging.handlers
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from proctor.config.schema import Log
from proctor.core.errors import ConfigError
from proctor.core.text import escaped

_DEFAULT_FIELDS = ("level", "timestamp", "component")
_SYSLOG = "/dev/log"
_LIBRARIES = ("asyncssh", "asyncio", "grpc", "uvicorn.access", "websockets")


def configure(settings: Log, service: str, *, debug: bool = False) -> None:
    """Send everything logged in this process to where ``settings`` say, marked with ``service``.

    Raises ConfigError when the destination cannot be opened.
    """
    handler = _handler(settings.output)
    handler.setFormatter(_formatter(settings, service))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    set_severity("DEBUG" if debug else settings.severity)


def severity() -> str:
    """The least severity that this process logs, as the configuration names it."""
    name = logging.getLevelName(logging.getLogger().level)
    return "WARN" if name == "WARNING" else name


def set_severity(least: str) -> str:
    """Log what has severity ``least`` (of the configuration) or more from now on; the former one."""
    former = severity()
    level = logging.getLevelNamesMapping()[least.upper()]
    logging.getLogger().setLevel(level)
    for library in _LIBRARIES:
        logging.getLogger(library).setLevel(max(level, logging.WARNING))
    return former


def _handler(output: str) -> logging.Handler:
    if output in {"stderr", "stdout"}:
        return logging.StreamHandler(sys.stderr if output == "stderr" else sys.stdout)
    try:
        if output == "syslog":
            return logging.handlers.SysLogHandler(_SYSLOG)
        return logging.FileHandler(output)
    except OSError as error:
        raise ConfigError(f"log.output: cannot open {output}: {error.strerror}") from None


def _one_line(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape input from outside, so that it cannot begin a line or control a terminal."""
    for key, value in entry.items():
        if isinstance(value, str):
            entry[key] = escaped(value)
    return entry


def _formatter(settings: Log, service: str) -> logging.Formatter:
    fields = settings.format.extra_fields or _DEFAULT_FIELDS

    def component(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        entry["component"] = service
        return entry

    processors: list[Any] = [structlog.stdlib.ExtraAdder(), _one_line]
    if "level" in fields:
        processors.append(structlog.stdlib.add_log_level)
    if "timestamp" in fields:
        processors.append(structlog.processors.TimeStamper(fmt="iso", utc=True))
    if "component" in fields:
        processors.append(component)
    if "caller" in fields:
        parameters = structlog.processors.CallsiteParameter
        processors.append(structlog.processors.CallsiteParameterAdder({parameters.MODULE, parameters.LINENO}))
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if settings.format.output == "json"
        else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=processors,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            renderer,
        ],
    )
