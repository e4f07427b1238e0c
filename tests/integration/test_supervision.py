# SPDX-License-Identifier: Apache-2.0
"""What a supervisor relies on: processes that end when they are broken, and programs that can go on."""

from __future__ import annotations

import os
import signal
import socket
import sys
import uuid
from pathlib import Path

import pytest

from proctor.config.boot import ServiceBoot
from proctor.config.schema import Config, Teleport
from proctor.core.errors import Unavailable
from proctor.runtime.privileges.service_users import service_user
from proctor.runtime.supervisor import resume
from proctor.runtime.supervisor.process import ServiceFailed, ServiceProcess
from proctor.runtime.supervisor.resume import SavedLauncher, SavedState

GOES_ON = "import sys\nfrom proctor.runtime.supervisor import resume\nsys.exit(not resume.is_check())\n"
BROKEN = "import sys\nsys.exit('ERROR: no module named that')\n"
FUTURE = "from proctor.runtime.supervisor import resume\nresume.FORMAT += 1\nresume.is_check()\n"


def boot(data_dir: Path) -> ServiceBoot:
    account = service_user("diag")
    return ServiceBoot(
        service="diag",
        config=Config(teleport=Teleport(data_dir=str(data_dir))),
        host_uuid=str(uuid.uuid4()),
        run_id=str(uuid.uuid4()),
        uid=account.uid,
        gid=account.gid,
        node_uid=account.uid,
        auth_address="",
        node_name="host",
        listeners=("diag",),
    )


def state() -> SavedState:
    launcher = SavedLauncher(
        host_uuid="", run_id="", local_token="", auth_address="", local_pins=[], joined=False, listeners=[]
    )
    return SavedState(config=Config(), lock=-1, launcher=launcher, services=[])


async def test_a_service_ends_when_its_accept_loop_does(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as plain:  # accept(2) on a socket that does not listen fails for good
        plain.bind(("127.0.0.1", 0))
        process = await ServiceProcess.start(
            "proctor.runtime.service", "diag", boot(tmp_path).encode(), [plain.fileno()]
        )
        assert (await process.answer())["ready"] is True
        assert await process.wait() == 1
    assert (
        "task diag/accept has ended: [Errno 22] Invalid argument; the service ends" in capfd.readouterr().err
    )


async def test_a_service_ends_with_its_supervisor(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = await ServiceProcess.start(
            "proctor.runtime.service", "diag", boot(tmp_path).encode(), [listener.fileno()]
        )
        await process.answer()
        process.channel.close()
        assert await process.wait() == 0


async def test_a_service_that_reports_nothing_is_given_up(tmp_path: Path) -> None:
    """One that was stopped before it was ready must not keep the supervisor waiting."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = await ServiceProcess.start(
            "proctor.runtime.service", "diag", boot(tmp_path).encode(), [listener.fileno()]
        )
        process.signal(signal.SIGSTOP)
        with pytest.raises(ServiceFailed, match=r"the diag service has not started within 0\.2 s"):
            await process.answer(0.2)
        process.kill()
        await process.wait()


def install(monkeypatch: pytest.MonkeyPatch, directory: Path, code: str) -> None:
    """Make this process believe that it was started by a script with ``code``."""
    script = directory / "teleport"
    script.write_text(f"#!{sys.executable}\n{code}")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(script), "start"])


async def test_a_program_that_can_go_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(monkeypatch, tmp_path, GOES_ON)
    await resume.check(state())


@pytest.mark.parametrize(
    ("code", "reason"), [(BROKEN, "no module named that"), (FUTURE, "has format 1, not 2")]
)
async def test_a_program_that_cannot(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str, reason: str
) -> None:
    install(monkeypatch, tmp_path, code)
    with pytest.raises(Unavailable, match=reason):
        await resume.check(state())


async def test_a_program_that_is_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(monkeypatch, tmp_path, GOES_ON)
    (tmp_path / "teleport").write_text("#!/nowhere/python\n")
    with pytest.raises(Unavailable, match="cannot be executed: No such file"):
        await resume.check(state())


def test_other_code_has_another_name(tmp_path: Path) -> None:
    source = Path(resume.__file__)
    before, status = resume.code_identity(), source.stat()
    assert resume.code_identity() == before
    try:
        os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
        assert resume.code_identity() != before
    finally:
        os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns))
