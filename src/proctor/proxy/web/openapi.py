"""``python -m proctor.proxy.web.openapi``: the web API's schema on standard output, for the page's types."""

from __future__ import annotations

import json
import sys

from proctor.proxy.web.app import make_api


def schema() -> str:
    """OpenAPI as JSON, the same for the same code."""
    return json.dumps(make_api().openapi(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema())
