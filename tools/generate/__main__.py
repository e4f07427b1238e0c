# SPDX-License-Identifier: Apache-2.0
"""Write what ``schema/events.toml`` determines, or say what is not as it should be.

``python -m tools.generate [--check] [--schema FILE] [--into DIRECTORY]``
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.generate import native, page, python, samples, web
from tools.generate.schema import SOURCE, Schema, SchemaError, read
from tools.runner.paths import ROOT

WRITERS = (python, native, web, page, samples)


def outputs(schema: Schema) -> Iterator[tuple[str, str]]:
    """Path in the checkout and content of each generated file."""
    for writer in WRITERS:
        for path, content in writer.files():
            yield path, content(schema)


def stale(schema: Schema) -> list[str]:
    """Paths whose content is not what the schema says."""
    return [path for path, content in outputs(schema) if _content(ROOT / path) != content]


def _content(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def write(schema: Schema, directory: Path) -> None:
    """Write every generated file into the tree at ``directory``."""
    for path, content in outputs(schema):
        target = directory / path
        if _content(target) != content:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content)


def main(arguments: list[str]) -> int:
    """Write or check; 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tools.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say which files are out of date")
    parser.add_argument("--schema", type=Path, default=SOURCE)
    parser.add_argument("--into", type=Path, default=ROOT)
    options = parser.parse_args(arguments)
    try:
        schema = read(options.schema)
    except SchemaError as error:
        print(error, file=sys.stderr)
        return 1
    if options.check:
        found = stale(schema)
        print("\n".join(f"{path} is out of date; run: ./run generate" for path in found))
        return 1 if found else 0
    write(schema, options.into)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
