"""`DoorClosed`: nobody begins to charge while the firmware is changed (core errata 3.49, whitepaper L01.FR.06)."""

from __future__ import annotations

import asyncio

from .bays import Bays


class DoorClosed:
    """Withdraws every connector, and gives back those that were commanded to be Operative."""

    def __init__(self, bays: Bays) -> None:
        self.bays = bays
        self._changed = asyncio.Event()  # set whenever a session has changed
        bays.listeners.append(lambda connector: self._changed.set())

    async def empty(self) -> None:
        """From now on nobody comes, and whoever leaves, leaves an Unavailable connector (L01.FR.07); then wait until no
        transaction runs, and nobody who was here before could begin one."""
        self.bays.closed = True
        for number in self.bays.sessions:
            self.bays.withdraw(number, operative=False)
        while any(session.facts.phase in ("begun", "running") for session in self.bays.sessions.values()):
            self._changed.clear()
            await self._changed.wait()

    def reopen(self) -> None:
        """As it was commanded from afar (core 5.2). Nothing happens if nobody was kept away."""
        if not self.bays.closed:
            return
        self.bays.closed = False
        for number in self.bays.sessions:
            self.bays.withdraw(number, operative=self.bays.transactions.operative(number))
