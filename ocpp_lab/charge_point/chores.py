"""`Chores`: the tasks of a charge point that outlive a connection: meters, patience. Each has a name."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger(__name__)


class Chores:
    """Starts tasks, hears of every bug in one, and ends them all with the charge point."""

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self.bugs: Counter[str] = Counter()
        """How often something of ours failed, by what it was: a task, or what was told by `failed`."""
        self._tasks: set[asyncio.Task[Any]] = set()  # those that run: from `start` to their end

    def start(self, work: Coroutine[Any, Any, Any], what: str) -> asyncio.Task[Any]:
        """Do something beside everything else; its task is called after the charge point and what it does."""
        task = asyncio.create_task(work, name=f"{self.identity} {what}")
        self._tasks.add(task)
        task.add_done_callback(lambda ended: self._ended(ended, what))
        return task

    def _ended(self, task: asyncio.Task[Any], what: str) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (bug := task.exception()):
            self.failed(what, bug)

    def failed(self, what: str, error: BaseException) -> None:
        """Something of ours failed and life goes on: counted, and told to the log with its traceback."""
        self.bugs[what] += 1
        log.error("! %s: %s failed", self.identity, what, exc_info=error)

    def end(self) -> None:
        """The power is off: cancel what still runs."""
        for task in self._tasks:
            task.cancel()

    async def ended(self) -> None:
        """Wait until all have ended, after `end`."""
        if self._tasks:
            await asyncio.wait(self._tasks)
