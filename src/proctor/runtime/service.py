"""The entry of every service process: ``python -P -m proctor.runtime.service NAME``.

Started by the supervisor only, which sends the boot over standard input. Services that parse the
network go through the sandbox first; capture and spawner stay root in the host's own namespaces.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys

from proctor.config.boot import ServiceBoot
from proctor.core.errors import EXIT_FAILURE, ProctorError
from proctor.runtime import logs
from proctor.runtime.channel import DRAIN_SECONDS, Line
from proctor.runtime.privileges import sandbox
from proctor.runtime.privileges.accounts import Account

_log = logging.getLogger(__name__)
_PRIVILEGED = {"capture", "spawner"}


def main() -> int:
    """Run the service to its end; the exit status."""
    line = Line()
    boot = ServiceBoot.decode(line.receive())
    try:
        logs.configure(boot.config.teleport.log, boot.service, debug=boot.debug)
        if boot.service in _PRIVILEGED:
            os.chdir("/")
            os.umask(0o077)
        else:
            sandbox.enter(Account(boot.uid, boot.gid), [boot.data_dir])
        _run(boot, line)
    except ProctorError as error:
        line.failed(error)
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - the last edge of the process
        what = str(error) if isinstance(error, OSError) else f"unexpected {type(error).__name__}: {error}"
        _log.error("%s", what, exc_info=error if boot.debug else None)
        line.failed(ProctorError(f"{boot.service}: {what}"))
        return EXIT_FAILURE
    return os.EX_OK


def _run(boot: ServiceBoot, line: Line) -> None:
    from proctor.runtime import build  # noqa: PLC0415 - large; loaded with the rights it is to run with

    if boot.service == "spawner":
        build.run_spawner(boot, line.ready)
    else:
        asyncio.run(_serve(boot, line))


async def _serve(boot: ServiceBoot, line: Line) -> None:
    from proctor.runtime import build  # noqa: PLC0415 - as above

    loop = asyncio.get_running_loop()
    stop, orphaned = asyncio.Event(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    service = build.service(boot)
    details = await service.start()

    def abandon() -> None:
        orphaned.set()
        stop.set()

    line.watch(abandon)
    line.ready(**details)
    await stop.wait()
    if not orphaned.is_set():
        await service.drain(DRAIN_SECONDS)
    await service.stop()
    _log.info("stopped")


if __name__ == "__main__":
    sys.exit(main())
