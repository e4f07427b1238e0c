# SPDX-License-Identifier: Apache-2.0
"""Where things are in the checkout."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
BIN = VENV / "bin"
PYTHON = BIN / "python"
BUILD = ROOT / "build"
LOGS = BUILD / "logs"
STAMPS = VENV / "stamps"
WEB = ROOT / "web"
