# SPDX-License-Identifier: Apache-2.0
"""Write the Python code of ``proto/`` into ``src/proctor/rpc/_pb``."""

from __future__ import annotations

import sys
from importlib.resources import files

from grpc_tools import protoc

from tools.runner.paths import ROOT

OUT = ROOT / "src/proctor/rpc/_pb"


def main() -> int:
    """Run protoc, then make the imports of the generated files relative."""
    OUT.mkdir(exist_ok=True)
    (OUT / "__init__.py").touch()
    protos = sorted((ROOT / "proto/proctor/v1").glob("*.proto"))
    arguments = [
        f"-I{ROOT / 'proto/proctor/v1'}",
        f"-I{files('grpc_tools') / '_proto'}",
        f"--python_out={OUT}",
        f"--pyi_out={OUT}",
        f"--grpc_python_out={OUT}",
    ]
    status = protoc.main(["protoc", *arguments, *map(str, protos)])
    for path in OUT.glob("*_pb2_grpc.py"):
        text = path.read_text()
        for proto in protos:
            text = text.replace(f"import {proto.stem}_pb2 as", f"from . import {proto.stem}_pb2 as")
        path.write_text(text)
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
