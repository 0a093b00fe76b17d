"""`Inside`: a life of the victim in this process, where there are no others: in a browser tab.

Its *kill* is a power cut. What lay in the file at that instant is what the next life finds, the connection is gone
without a word, and nothing that the dying code still does is seen by anybody.
"""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import repeat
from pathlib import Path

from ocpp_lab import ChargePoint, Pipe, Transport

from .victim import charge_for_ever

KILLED = -9
"""The exit code of a process that was."""


class Inside:
    """As far as `PowerPanel` asks, an `asyncio.subprocess.Process`: ``stdout``, `kill` and `wait`."""

    def __init__(self, url: str, identity: str, path: Path, life: int) -> None:
        self.stdout = asyncio.StreamReader()
        self._files = (path, path.with_name(f"{path.name}-wal"))
        self._frozen: dict[Path, bytes] | None = None
        """What lay in the files when the power went; None while it is on."""
        self._pipes: list[Pipe] = []
        self._task = asyncio.create_task(self._live(url, identity, path, life), name=f"life {life} of {identity}")
        self._task.add_done_callback(self._over)

    def kill(self) -> None:
        """Cut the power; it is over after `wait`."""
        if self._frozen is None and not self._task.done():
            self._frozen = {file: file.read_bytes() for file in self._files if file.exists()}
            for pipe in self._pipes:
                pipe.abort()
            self._task.cancel()

    async def wait(self) -> int:
        """Wait until nothing of it is left; the exit code that a process would have."""
        await asyncio.wait([self._task])
        return 1 if self._frozen is None else KILLED

    async def _live(self, url: str, identity: str, path: Path, life: int) -> None:
        waits = partial(repeat, 0.05)
        async with ChargePoint(url, identity, path=str(path), delays=waits, transport=self._carry) as charge_point:
            await charge_for_ever(charge_point, str(life), self._say)

    def _carry(self, pipe: Pipe) -> Transport:
        self._pipes = [pipe]
        return Transport(pipe)

    def _say(self, what: str, tag: str) -> None:
        if self._frozen is None:
            self.stdout.feed_data(f"{what} {tag}\n".encode())

    def _over(self, task: asyncio.Task[None]) -> None:
        """Put the files back as they were when the power went, whatever has been written since."""
        if not task.cancelled():
            task.exception()  # as a process that dies: the exit code tells
        if self._frozen is not None:
            for file in self._files:
                file.unlink(missing_ok=True)
            for file, content in self._frozen.items():
                file.write_bytes(content)
        self.stdout.feed_eof()
