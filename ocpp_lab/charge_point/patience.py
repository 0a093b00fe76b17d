"""`Patience`: how long a connector in Preparing waits for its driver: ConnectionTimeOut (core 4.9, 9.1)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .charge_point import ChargePoint


class Patience:
    """Told of every status. After ConnectionTimeOut seconds of Preparing a connector is free again; 0 waits for ever.

    The cable may still be in: whoever presents a tag then still charges (core 4.9, A3).
    """

    def __init__(self, charge_point: ChargePoint) -> None:
        self.charge_point = charge_point
        self._waits: dict[int, asyncio.Task[None]] = {}

    def changed(self, connector: int, status: str) -> None:
        """This is the connector's status now."""
        if wait := self._waits.pop(connector, None):
            wait.cancel()
        seconds = self.charge_point.configuration.seconds("ConnectionTimeOut")
        if status == "Preparing" and seconds > 0:
            name = f"{self.charge_point.identity} patience {connector}"
            self._waits[connector] = asyncio.create_task(self._wait(connector, seconds), name=name)

    async def _wait(self, connector: int, seconds: float) -> None:
        await asyncio.sleep(seconds)
        del self._waits[connector]  # or the change that comes now would cancel us
        self.charge_point.charging.set_free(connector)

    def end(self) -> None:
        """The power is off."""
        for wait in self._waits.values():
            wait.cancel()
        self._waits.clear()
