"""`Statuses`: what the central system knows of each connector, and what it has to be told (core 4.9).

Online, every change is told, in order. After a time offline only the current status is, and only if it changed: nobody
wants the history. After a boot, all of them (core errata 3.22). What had no answer may not have arrived: the status of
that moment is told again, after the next reconnect or some time later.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from ..errors import CallTimeout, ConnectionLost, NotConnected, OcppError
from ..messages import ChargePointErrorCode, StatusNotificationRequest
from ..station.connector import Connector, Shown

MOST_CHANGES = 1000
"""Changes that wait to be told: a central system that answers none may cause as many as it likes."""


class Change(NamedTuple):
    """What is told of a connector, and since when; None if nobody could tell the time then."""

    connector: int
    shown: Shown
    at: datetime | None


class Sends(Protocol):
    """What sends a status: `Gate.call`."""

    def __call__(self, request: StatusNotificationRequest, /, *, triggered: bool = False) -> Awaitable[object]: ...


class Statuses:
    """Tells the central system the status of each connector.

    ``later(work, what)`` does something beside, on this connection. ``retry_interval`` (s) is the wait before what had
    no answer is told again. ``minimum()`` (s) is how long a status has to last before it is told. ``report_all``: see
    `ChargingOptions`.
    """

    def __init__(
        self,
        connectors: Mapping[int, Connector],
        call: Sends,
        *,
        later: Callable[[Coroutine[Any, Any, object], str], None],
        now: Callable[[], datetime],
        note: Callable[[str, str], None],
        retry_interval: float,
        minimum: Callable[[], float] = lambda: 0.0,
        report_all: bool = False,
    ) -> None:
        self.connectors = connectors
        self.call = call
        self.later = later
        self.now = now
        self.note = note
        self.retry_interval = retry_interval
        self.minimum = minimum
        self.report_all = report_all
        self._told: dict[int, Shown] = {}
        """By connector, what the central system has answered; absent while nobody knows what it knows."""
        self._silences: Counter[int] = Counter()
        """By connector, calls without an answer since the last answer."""
        self._again: set[int] = set()
        """Connectors for which `_tell_again` waits: one each, however often there was no answer."""
        self._changes: asyncio.Queue[Change] | None = None
        """What is still to be told; None while not online, when nobody keeps a history. With more than `MOST_CHANGES`
        the history is given up, and the current statuses are told, as after a time offline."""
        self._young: dict[int, asyncio.TimerHandle] = {}
        """By connector, what tells a status that has not lasted long enough yet; a newer one takes its place."""

    def changed(self, connector: int) -> None:
        """A connector has a new status, or another error with the same."""
        if self._changes is None:
            return
        try:
            change = self._now(connector)
        except Exception:  # whoever tells the time fails: `run` asks again and takes the blame, not the driver
            change = Change(connector, self.connectors[connector].shown, None)
        if young := self._young.pop(connector, None):
            young.cancel()
        if (seconds := self.minimum()) > 0:
            self._young[connector] = asyncio.get_running_loop().call_later(seconds, self._has_lasted, change)
        else:
            self._enqueue(change)

    def _has_lasted(self, change: Change) -> None:
        """What came and went meanwhile is told to nobody (core 4.9, MinimumStatusDuration)."""
        del self._young[change.connector]
        if self._told.get(change.connector) != change.shown:
            self._enqueue(change)

    def _enqueue(self, change: Change) -> None:
        if self._changes is None:
            return
        if self._changes.qsize() >= MOST_CHANGES + len(self.connectors):
            self._give_up_history(self._changes)
        else:
            self._changes.put_nowait(change)

    def _give_up_history(self, changes: asyncio.Queue[Change]) -> None:
        while not changes.empty():
            changes.get_nowait()
        for number, connector in self.connectors.items():
            if self._told.get(number) != connector.shown:
                changes.put_nowait(Change(number, connector.shown, None))

    def forget(self) -> None:
        """The central system wants to hear of every connector again."""
        self._told.clear()

    async def run(self) -> None:
        """While online: first what it does not know, then every change. ConnectionLost leaves."""
        changes: asyncio.Queue[Change] = asyncio.Queue()
        self._changes = changes
        self._again.clear()  # those of the connection before are cancelled, or never began
        if self.report_all:
            self.forget()
        try:
            for number, connector in self.connectors.items():
                if self._told.get(number) != connector.shown:
                    changes.put_nowait(self._now(number))
            while True:
                await self._tell(await changes.get())
        finally:
            self._changes = None
            for young in self._young.values():
                young.cancel()
            self._young.clear()

    def warn(self, connector: int, error_code: ChargePointErrorCode, info: str) -> None:
        """Tell of something beside the status, once: nothing has changed, and nobody has to hear that it is over."""
        self.later(self._warn(connector, error_code, info), f"warning {error_code}")

    async def _warn(self, connector: int, error_code: ChargePointErrorCode, info: str) -> None:
        status = self.connectors[connector].status
        request = StatusNotificationRequest(
            connector_id=connector, error_code=error_code, info=info, status=status, timestamp=self.now()
        )
        try:
            await self.call(request)
        except OcppError as error:
            self.note("!", f"StatusNotification with {error_code}: {error}")

    async def tell(self, connectors: Iterable[int], *, triggered: bool = False) -> None:
        """Tell the current status of these connectors, because somebody asked."""
        for connector in connectors:
            await self._tell(self._now(connector), triggered=triggered)

    async def _tell(self, change: Change, *, triggered: bool = False) -> None:
        connector, (status, error_code, info), at = change
        request = StatusNotificationRequest(
            connector_id=connector, error_code=error_code, info=info, status=status, timestamp=at or self.now()
        )
        self._told.pop(connector, None)  # until it is answered, nobody knows what the central system knows
        try:
            await self.call(request, triggered=triggered)
            self._told[connector] = change.shown
            del self._silences[connector]
        except (ConnectionLost, NotConnected):
            raise
        except OcppError as error:
            self._not_told(connector, error)

    def _not_told(self, connector: int, error: OcppError) -> None:
        """Silence is no answer: try again, later each time. What was answered, however badly, is not repeated."""
        self.note("!", f"StatusNotification for connector {connector}: {error}")
        if isinstance(error, CallTimeout):
            self._silences[connector] += 1
            if connector not in self._again:
                self._again.add(connector)
                wait = self.retry_interval * self._silences[connector]
                self.later(self._tell_again(connector, wait), "StatusNotification again")

    async def _tell_again(self, connector: int, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._again.discard(connector)
        if self._told.get(connector) != self.connectors[connector].shown:
            self._enqueue(self._now(connector))

    def _now(self, connector: int) -> Change:
        return Change(connector, self.connectors[connector].shown, self.now())
