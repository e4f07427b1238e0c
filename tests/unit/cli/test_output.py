# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime, timedelta, timezone

import pytest

from proctor.cli.output import Format, emit, fields, labels_text, short_time, table, yaml


def test_table_as_in_the_guide() -> None:
    shown = table(["Token", "Type", "Expiry Time"], [["abcd123", "Node", "25 Sep 18 00:21 UTC"]])
    assert shown.splitlines() == [
        "Token   Type Expiry Time",
        "------- ---- -------------------",
        "abcd123 Node 25 Sep 18 00:21 UTC",
    ]


def test_table_without_rows() -> None:
    assert table(["A", "Bc"], []) == "A Bc\n- --"


def test_fields() -> None:
    assert (
        fields([("Cluster", "purple"), ("CA pin", "x"), ("Empty", "")])
        == "Cluster  purple\nCA pin   x\nEmpty"
    )


def test_short_time() -> None:
    moment = datetime(2018, 9, 25, 2, 21, tzinfo=timezone(timedelta(hours=2)))
    assert short_time(moment) == "25 Sep 18 00:21 UTC"
    assert short_time(datetime(2023, 7, 4, 16, 42, tzinfo=UTC)) == "04 Jul 23 16:42 UTC"


def test_labels() -> None:
    assert labels_text({"b": "2", "a": "1"}) == "a=1,b=2"


@pytest.mark.parametrize(
    ("format_", "shown"),
    [(Format.TEXT, "text\n"), (Format.JSON, '{\n    "a": "é"\n}\n'), (Format.YAML, "a: é\n")],
)
def test_emit(format_: Format, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    emit(format_, {"a": "é"}, "text")
    assert capsys.readouterr().out == shown


def test_yaml_documents() -> None:
    assert yaml([{"a": 1}]) == "a: 1\n"
    assert yaml([{"b": 1, "a": 2}, {"c": 3}]) == "b: 1\na: 2\n---\nc: 3\n"
