from __future__ import annotations

from tests.support.capture import Lab


def test_first_exec_is_recorded(lab: Lab) -> None:
    session = lab.run(["/bin/echo", "one", "two three"])

    [echo] = session.commands
    assert echo["path"] == "/bin/echo"
    assert echo["argv"] == ["one", "two three"]
