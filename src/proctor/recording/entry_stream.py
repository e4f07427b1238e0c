# SPDX-License-Identifier: Apache-2.0
"""The entries of a recording as they arrive, and its events as text."""

from __future__ import annotations

import io
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Literal

from proctor.core.text import all_visible, escaped, json_escaped
from proctor.model.sentences import brief
from proctor.model.serde import to_json
from proctor.recording.format import Decoder, RecordingEntry
from proctor.rpc._pb import record_pb2 as pb

Style = Literal["json", "yaml", "text"]


async def live(chunks: AsyncIterable[pb.FileChunk]) -> AsyncIterator[RecordingEntry]:
    """Entries of a recording as its files arrive from ``Recordings.Read``. Raises Corrupted."""
    decoder = Decoder()
    async for chunk in chunks:
        decoder.feed(chunk.name, chunk.data)
        for entry in decoder.entries():
            yield entry
    for entry in decoder.rest():
        yield entry


def printed(entries: Iterable[RecordingEntry], style: Style) -> Iterator[str]:
    """Pieces of text that list the events: a JSON array, YAML documents, or a line of text each.

    Terminal output itself is left out; ``print`` events say when there was some, and how much.
    """
    if style == "json":
        return _json_array(entries)
    return map(_yaml_document if style == "yaml" else _text_line, entries)


def _json_array(entries: Iterable[RecordingEntry]) -> Iterator[str]:
    opening = "[\n"
    for entry in entries:
        yield opening + json_escaped(to_json(entry.event).decode())
        opening = ",\n"
    yield "\n]\n" if opening.startswith(",") else "[]\n"


def _yaml_document(entry: RecordingEntry) -> str:
    from ruamel.yaml import YAML  # noqa: PLC0415 - heavy, and seldom wanted

    text = io.StringIO()
    writer = YAML(typ="safe", pure=True)
    writer.explicit_start = True
    writer.default_flow_style = False
    writer.allow_unicode = all_visible(entry.event)
    writer.dump(entry.event, text)
    return text.getvalue()


def _text_line(entry: RecordingEntry) -> str:
    text = f"{entry.ms / 1000:10.3f}  {entry.event['event']:<18} {brief(entry.event)}".rstrip()
    # Arguments come from the recorded user, and the reader's terminal must not obey them.
    return escaped(text) + "\n"
