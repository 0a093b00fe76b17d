"""`Errands`: what the central system asked for and is not begun yet: each kind once, done one after the other.

A trigger wants the current state and no history (core 5.17), so one message answers all that asked for it before it
was sent. That bounds what a peer can make us remember by the number of kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

Work = Callable[[], Coroutine[Any, Any, object]]
"""Begins something that takes its time; called when its turn has come."""


class Errands:
    """Of one connection; dies with it. ``spawn(work)`` runs a task beside the reader, ``do(work, what)`` hears of
    what fails."""

    def __init__(
        self,
        spawn: Callable[[Coroutine[Any, Any, object]], object],
        do: Callable[[Coroutine[Any, Any, object], str], Coroutine[Any, Any, object]],
    ) -> None:
        self.spawn = spawn
        self.do = do
        self._waiting: dict[str, Work] = {}  # by kind, oldest first: `add` puts them in, `_run` takes them out
        self._busy = False  # while a task works on them

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, what: str, work: Work) -> bool:
        """Do it soon. False if the same is still to be begun: then it is not done once more."""
        if what in self._waiting:
            return False
        self._waiting[what] = work
        if not self._busy:
            self._busy = True
            self.spawn(self._run())
        return True

    async def _run(self) -> None:
        while self._waiting:
            what = next(iter(self._waiting))
            work = self._waiting.pop(what)
            await self.do(work(), what)
        self._busy = False
