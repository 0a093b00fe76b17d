"""`Statuses`: what the central system knows of each connector, and what it has to be told (core 4.9).

Online, every change is told, in order. After a time offline only the current status is, and only if it changed: nobody
wants the history. After a boot, all of them (core errata 3.22). What had no answer may not have arrived: the status of
that moment is told again, after the next reconnect or some time later.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from ..errors import CallTimeout, ConnectionLost, NotConnected, OcppError
from ..messages import ChargePointStatus, StatusNotificationRequest

if TYPE_CHECKING:
    from .charge_point import ChargePoint

Change = tuple[int, ChargePointStatus, datetime]


class Statuses:
    """``report_all``: tell every status after every reconnect, as libocpp does, and not only those that changed."""

    def __init__(self, charge_point: ChargePoint, *, report_all: bool = False) -> None:
        self.charge_point = charge_point
        self.report_all = report_all
        self._told: dict[int, ChargePointStatus] = {}
        self._silences: Counter[int] = Counter()  # by connector: calls without an answer since the last answer
        self._changes: asyncio.Queue[Change] | None = None  # only while online

    def changed(self, connector: int) -> None:
        """A connector has a new status."""
        if self._changes is not None:
            self._changes.put_nowait(self._now(connector))

    def forget(self) -> None:
        """The central system wants to hear of every connector again."""
        self._told.clear()

    async def run(self) -> None:
        """While online: first what it does not know, then every change. ConnectionLost leaves."""
        changes = self._changes = asyncio.Queue()
        if self.report_all:
            self.forget()
        try:
            for connector, socket in self.charge_point.connectors.items():
                if self._told.get(connector) != socket.status:
                    changes.put_nowait(self._now(connector))
            while True:
                await self._tell(await changes.get())
        finally:
            self._changes = None

    async def tell(self, connectors: Iterable[int], *, triggered: bool = False) -> None:
        """Tell the current status of these connectors, because somebody asked."""
        for connector in connectors:
            await self._tell(self._now(connector), triggered=triggered)

    async def _tell(self, change: Change, *, triggered: bool = False) -> None:
        connector, status, at = change
        request = StatusNotificationRequest(connector_id=connector, error_code="NoError", status=status, timestamp=at)
        self._told.pop(connector, None)  # until it is answered, nobody knows what the central system knows
        try:
            await self.charge_point.call(request, triggered=triggered)
            self._told[connector] = status
            del self._silences[connector]
        except (ConnectionLost, NotConnected):
            raise
        except OcppError as error:
            self._not_told(connector, error)

    def _not_told(self, connector: int, error: OcppError) -> None:
        """Silence is no answer: try again, later each time. What was answered, however badly, is not repeated."""
        self.charge_point.note("!", f"StatusNotification for connector {connector}: {error}")
        if isinstance(error, CallTimeout):
            self._silences[connector] += 1
            wait = self.charge_point.retry_interval * self._silences[connector]
            self.charge_point.after_answer(self._tell_again(connector, wait), "StatusNotification again")

    async def _tell_again(self, connector: int, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if self._told.get(connector) != self.charge_point.connectors[connector].status:
            self.changed(connector)

    def _now(self, connector: int) -> Change:
        return connector, self.charge_point.connectors[connector].status, self.charge_point.now()
