# SPDX-License-Identifier: Apache-2.0
"""Writes web/src/api/openapi.json, from which ``npm run api`` makes the page's types."""

from __future__ import annotations

import json
from pathlib import Path

from proctor.proxy.web.app import make_api

SCHEMA = Path(__file__).resolve().parent.parent / "web/src/api/openapi.json"


def schema() -> str:
    """The web API's OpenAPI schema; the same for the same code."""
    return json.dumps(make_api().openapi(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(schema())
