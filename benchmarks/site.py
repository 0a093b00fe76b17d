"""`Site`: one central system and its crowd of charge points, each in a process of its own."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from .pair import End

FOLDER = Path("build")
"""Where ledgers lie while they are measured: on the disk of the project, for a temporary folder may be in memory."""


class Spent(NamedTuple):
    """What the process of the central system spent while a crowd did something: CPU seconds, and commits."""

    cpu: float
    commits: int


class Site:
    """``kind`` is "memory" or "file": where the ledger is. Whatever it started and wrote is gone when it ends."""

    def __init__(self, kind: str) -> None:
        FOLDER.mkdir(exist_ok=True)
        self.folder = tempfile.mkdtemp(prefix="bench-", dir=FOLDER)
        self.host = End(kind, self.folder, module="host")
        self.crowd = End(module="crowd")

    def __enter__(self) -> Self:
        try:
            self.port = self.host.ask("listen")
        except BaseException:  # a Ctrl-C too
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        with ExitStack() as ends:  # all of them, whichever fails
            ends.callback(shutil.rmtree, self.folder)
            ends.callback(self.host.stop)
            ends.callback(self.crowd.stop)  # first, so that nobody dials in vain

    def watch(self, verb: str, *arguments: Any) -> tuple[Any, Spent]:
        """Have the crowd do something; what it found, and what that cost the central system."""
        before = self._spent()
        found = self.crowd.ask(verb, *arguments)
        after = self._spent()
        return found, Spent(after.cpu - before.cpu, after.commits - before.commits)

    def _spent(self) -> Spent:
        return Spent(self.host.ask("cpu"), self.host.ask("written"))
