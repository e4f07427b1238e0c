# SPDX-License-Identifier: Apache-2.0
import json

from tools.gen_web_api import SCHEMA, schema


def test_the_pages_types_are_made_from_the_current_api() -> None:
    assert SCHEMA.read_text() == schema(), "run: ./run generate"


def test_every_operation_has_its_own_name_and_tells_its_errors() -> None:
    paths = json.loads(schema())["paths"]
    operations = [operation for path in paths.values() for operation in path.values()]

    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    for operation in operations:
        assert {"4XX", "5XX"} <= set(operation["responses"])
        assert "422" not in operation["responses"]
