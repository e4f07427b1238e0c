# SPDX-License-Identifier: Apache-2.0
"""Write web/src/api/openapi.json, from which ``npm run api`` makes the page's types."""

from __future__ import annotations

import json

from proctor.proxy.web.app import make_api
from tools.runner.paths import WEB

SCHEMA = WEB / "src/api/openapi.json"


def schema() -> str:
    """The web API's OpenAPI schema; the same for the same code."""
    return json.dumps(make_api().openapi(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(schema())
