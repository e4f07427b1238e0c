# SPDX-License-Identifier: Apache-2.0
from proctor.core.errors import ConfigError, NotFound


def test_diagnostics_say_what_and_what_to_do() -> None:
    error = NotFound("node web-1 does not exist", hint="List nodes with: tsh ls")
    assert error.diagnostics() == "node web-1 does not exist\nList nodes with: tsh ls"
    assert NotFound("gone").diagnostics() == "gone"


def test_wrong_use_and_failure_leave_with_different_codes() -> None:
    assert ConfigError("x").exit_code != NotFound("x").exit_code
