"""Names, codes and fields of all audit events; the source of the table in docs/audit-events.md."""

from __future__ import annotations


def render() -> str:
    """The table as Markdown."""
    raise NotImplementedError
