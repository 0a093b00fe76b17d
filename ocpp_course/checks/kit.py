"""`Kit`: what a check works with: seeded chance, simulated time, a folder, a recorded connection, and how to say no."""

from __future__ import annotations

import asyncio
import inspect
import os
import tempfile
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from ocpp_lab.pipe import MemoryPipe, pipe_pair
from ocpp_lab.simulation.disk import scratch
from ocpp_lab.simulation.story import ladder_text
from ocpp_lab.trace import Event

from .loop import CheckLoop
from .step import Wrong

NOON = datetime(2030, 6, 1, 12, tzinfo=UTC)


class Kit:
    """Made anew for each check. ``rng`` draws the inputs, so that no table of expected answers passes."""

    def __init__(self, name: str, seed: int, loop: CheckLoop | None = None) -> None:
        self.seed = seed
        self.rng = Random(f"{name}:{seed}")
        self.loop = loop
        self.left: list[Event] = []
        """What the charge point's end of the recorded connection saw."""
        self.right: list[Event] = []
        self.story = ""
        """A ladder that a check has drawn itself."""
        self.simulated: Any = None
        """The loop of the simulation that a capstone runs at this moment; its turns are a sign of life."""
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    # -- saying no

    def require(self, holds: object, got: str, diagnosis: str | None = None) -> None:
        """Refuse the answer unless this holds; ``got`` is what came, ``diagnosis`` names the mistake if it is known."""
        if inspect.iscoroutine(holds):  # it would count as true
            raise Wrong(short(holds))
        if not holds:
            raise Wrong(got, diagnosis)

    def equal(self, got: object, expected: object, diagnosis: str | None = None) -> None:
        """Refuse the answer unless both are equal. A coroutine is no value: then that is said."""
        if inspect.iscoroutine(got):
            raise Wrong(short(got))
        self.require(got == expected, short(got), diagnosis)

    async def within[T](self, seconds: float, awaitable: Awaitable[T], got: str, diagnosis: str | None = None) -> T:
        """The result, if it comes within so many simulated seconds; else the answer is refused."""
        try:
            async with asyncio.timeout(seconds) as patience:
                return await awaitable
        except TimeoutError:
            if patience.expired():
                raise Wrong(got, diagnosis) from None
            raise

    # -- time

    @property
    def time(self) -> float:
        """Simulated seconds, to the microsecond."""
        return round(asyncio.get_running_loop().time(), 6)

    def now(self) -> datetime:
        """The simulated date, aware."""
        return NOON + timedelta(seconds=asyncio.get_running_loop().time())

    async def quiet(self) -> None:
        """Let everything run that can run now; no time passes but a microsecond."""
        await asyncio.sleep(1e-6)

    # -- places

    @property
    def folder(self) -> Path:
        """A folder of this check's own, in memory where that is possible."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="ocpp-lab-check-", dir=scratch())
        return Path(self._folder.name)

    def path(self, name: str = "box.db") -> str:
        """The path of a file in that folder."""
        return str(self.folder / name)

    def pipe_pair(self) -> tuple[MemoryPipe, MemoryPipe]:
        """Both ends of a connection; what passes is drawn as a ladder if the check fails. Left is the charge point."""
        loop = asyncio.get_running_loop()

        def note(story: list[Event]) -> Any:
            return lambda mark, text: story.append(Event(loop.time(), "you", mark, text))

        return pipe_pair(note(self.left), note(self.right))

    # -- for the runner

    def ladder(self) -> str:
        """What passed on the recorded connection, newest last; empty if there was none."""
        if self.story:
            return self.story
        if not self.left and not self.right:
            return ""
        newest = max(event.at for event in self.left + self.right)
        left, right = ([_as_text(event) for event in story] for story in (self.left, self.right))
        return ladder_text(left, right, "you", around=newest, before=12, after=2)

    def open_files(self) -> list[str]:
        """Files of this check that are still open, as far as the operating system tells."""
        if self._folder is None or not os.path.isdir("/proc/self/fd"):
            return []
        names = set()
        for number in os.listdir("/proc/self/fd"):
            try:
                target = os.readlink(f"/proc/self/fd/{number}")
            except OSError:
                continue  # the listing's own
            if target.startswith(self._folder.name):
                names.add(Path(target).name.removesuffix("-wal").removesuffix("-shm"))
        return sorted(names)

    def end(self) -> None:
        """Take the folder away."""
        if self._folder is not None:
            self._folder.cleanup()


def _as_text(event: Event) -> Event:
    """An answer may hand the pipe anything, a coroutine too."""
    return event if isinstance(event.text, str) else event._replace(text=short(event.text))


def short(value: object, limit: int = 60) -> str:
    """A value as text that fits into a table."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
