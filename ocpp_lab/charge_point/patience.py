"""`Patience`: how long a connector in Preparing waits for its driver: ConnectionTimeOut (core 9.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .chores import Chores


class Patience:
    """Told of every status. After ``seconds()`` of Preparing, ``run_out(connector)`` is called; 0 waits for ever.

    Without a cable the place is free again. With one it is Finishing, for its bay is taken, and the next tag would pay
    for this car (core 4.9, B1; core errata 3.20).
    """

    def __init__(self, chores: Chores, seconds: Callable[[], float], run_out: Callable[[int], None]) -> None:
        self.chores = chores
        self.seconds = seconds
        self.run_out = run_out
        self._waits: dict[int, asyncio.Task[None]] = {}  # by connector, while it is in Preparing

    def changed(self, connector: int, status: str) -> None:
        """This is the connector's status now."""
        if wait := self._waits.pop(connector, None):
            wait.cancel()
        seconds = self.seconds()
        if status == "Preparing" and seconds > 0:
            self._waits[connector] = self.chores.start(self._wait(connector, seconds), f"patience {connector}")

    async def _wait(self, connector: int, seconds: float) -> None:
        await asyncio.sleep(seconds)
        del self._waits[connector]  # or the change that comes now would cancel us
        self.run_out(connector)
