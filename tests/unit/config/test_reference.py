# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import msgspec

from proctor.config import schema
from proctor.config.fields import field_of
from proctor.config.reference import render


def test_the_page_is_current() -> None:
    page = Path(__file__).parents[3] / "docs/config.md"
    assert page.read_text() == render(), "run: python -m proctor.config.reference > docs/config.md"


def test_every_key_is_described() -> None:
    for section in schema.Section.__subclasses__():
        for info in msgspec.structs.fields(section):
            assert field_of(info.type).description, f"{section.__name__}.{info.name}"
