# SPDX-License-Identifier: Apache-2.0
"""The picture of packages in docs/architecture.md."""

from __future__ import annotations

from tools.import_graph import DOCUMENT, drawn, imports, layers


def test_picture_in_the_document_is_that_of_the_code() -> None:
    document = DOCUMENT.read_text()

    assert document == drawn(document), "python -m tools.import_graph draws it again"


def test_every_import_points_down() -> None:
    level = {name: number for number, layer in enumerate(layers()) for name in layer}

    assert not {
        (package, target)
        for package, targets in imports().items()
        for target in targets
        if level[target] <= level[package]
    }
