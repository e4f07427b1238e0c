"""Replication of recordings from the node to the archive of the auth service, while they grow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from proctor.core.clock import SYSTEM, Clock
from proctor.model.events import Event
from proctor.rpc.client import Client


class Replicator:
    """Copies each recording in ``directory`` and removes it when the archive has completed it.

    ``emit`` receives the ``session.loss`` event of a recording that the archive refuses for good; it is
    moved to ``corrupted/`` beside ``sessions/``.
    """

    def __init__(
        self,
        directory: Path,
        connect: Callable[[], Client],
        server_id: str,
        clock: Clock = SYSTEM,
        *,
        emit: Callable[[Event], object],
    ) -> None:
        raise NotImplementedError

    def notify(self, sid: str, sizes: Mapping[str, int]) -> None:
        """``sizes`` bytes of the files of ``sid`` are durable; for ``SessionWriter.keep_flushed``."""
        raise NotImplementedError

    async def run(self) -> None:
        """Replicate until cancelled."""
        raise NotImplementedError

    async def completed(self, sid: str, seconds: float) -> bool:
        """Wait until the archive has completed ``sid``; False when ``seconds`` passed first."""
        raise NotImplementedError
