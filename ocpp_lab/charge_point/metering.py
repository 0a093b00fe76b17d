"""`Metering`: when meters are read: every so often from the start of a transaction, and by the clock (core 3.16).

An interval above 0 makes readings a duty (core errata 3.15). One that cannot be written down is missed, and the next is
tried at its time: reading never stops.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ..station.decisions import Decisions
from ..station.grids import next_sample
from .chores import Chores
from .meter_readings import Due, MeterReadings

log = logging.getLogger(__name__)

CLOCK_RETRY = 60.0
"""Seconds until the clock is looked at again after nobody could tell the time."""

JUST_PASSED = timedelta(seconds=0.5)
"""An instant of the clock counts as reached for so long: it may have passed because the clock was set."""


@dataclass
class _Watched:
    """A transaction whose meter is read. All instants are loop time (s)."""

    began: float
    due: float = 0.0  # the next periodic reading
    tasks: list[asyncio.Task[None]] = field(default_factory=list)


class Metering:
    """``readings`` are what is written down, ``date()`` looks at the clock."""

    def __init__(
        self,
        readings: MeterReadings,
        chores: Chores,
        *,
        date: Callable[[], datetime],
        decisions: Decisions = Decisions(),
    ) -> None:
        self.readings = readings
        self.chores = chores
        self.date = date
        self.decisions = decisions
        self.connectors = readings.connectors
        self.configuration = readings.configuration
        self.full: Callable[[int], None] = lambda connector: None
        """Told the connector whose car takes no more; set by whoever follows the session."""
        self.missed = 0
        """Readings that were due and could not be written down in this life; each is a gap in a curve."""
        self._time = asyncio.get_running_loop().time
        self._watched: dict[int, _Watched] = {}  # by connector; begun by `watch`, ended by `leave`
        self._on = False  # from `begin` on
        self._clock: asyncio.Task[None] | None = None  # reads by the clock, if there is an interval
        self._clock_was_set = asyncio.Event()  # ends the wait for the next instant, to look at the clock again

    def begin(self) -> None:
        """The power is on: from now on, readings by the clock."""
        self._on = True
        self.new_grid()

    def watch(self, connector: int, started: datetime | None = None) -> None:
        """From now on, a reading at every interval from the start of the transaction here: now, or then.

        Watched already: go on, for power flows differently now.
        """
        if connector not in self._watched:
            elapsed = max((self.date() - started).total_seconds(), 0.0) if started else 0.0
            self._watched[connector] = _Watched(self._time() - elapsed)
        self._rearm(connector)

    def leave(self, connector: int) -> None:
        """No more readings at intervals."""
        if watched := self._watched.pop(connector, None):
            for task in watched.tasks:
                task.cancel()

    def power_changed(self, connector: int) -> None:
        """The car is offered something else, so it is full at another time."""
        if connector in self._watched:
            self._rearm(connector)

    def new_interval(self) -> None:
        """MeterValueSampleInterval was changed: the next reading is the next of the new grid."""
        for connector in self._watched:
            self._rearm(connector)

    def new_grid(self) -> None:
        """ClockAlignedDataInterval was changed: the next reading is the next of the new grid."""
        if self._clock:
            self._clock.cancel()
        self._clock = None
        if self._on and (interval := self.configuration.number("ClockAlignedDataInterval")):
            self._clock = self.chores.start(self._read_by_the_clock(interval), "readings by the clock")

    def clock_was_set(self) -> None:
        """The clock was set: the next instant of the grid is nearer now, or further away."""
        self._clock_was_set.set()

    def _rearm(self, connector: int) -> None:
        watched = self._watched[connector]
        for task in watched.tasks:
            task.cancel()
        watched.tasks = [self.chores.start(self._until_full(connector), f"car {connector}")]
        if interval := self.configuration.seconds("MeterValueSampleInterval"):
            self._set_due(watched, interval)
            watched.tasks.append(self.chores.start(self._keep_reading(connector, interval), f"meter {connector}"))

    def _set_due(self, watched: _Watched, interval: float) -> None:
        elapsed = self._time() - watched.began + 1e-6  # an instant that is computed may be a hair late
        watched.due = watched.began + next_sample(elapsed, interval)

    async def _until_full(self, connector: int) -> None:
        """The status follows when the car is full."""
        place = self.connectors[connector]
        while (seconds := place.seconds_to_full) is not None:
            await asyncio.sleep(seconds)
            if place.full and place.status == "Charging":
                self.full(connector)

    async def _keep_reading(self, connector: int, interval: float) -> None:
        watched = self._watched[connector]
        while True:
            await asyncio.sleep(watched.due - self._time())
            self._read_if_due(connector, interval)

    def _read_if_due(self, connector: int, interval: float) -> None:
        watched = self._watched.get(connector)
        if watched and interval and self._time() >= watched.due - 1e-6:
            self._set_due(watched, interval)
            self._try_to_read(connector, "Sample.Periodic")

    async def _read_by_the_clock(self, interval: int) -> None:
        done: datetime | None = None  # the newest instant; not read again if the clock is set back a little
        while True:
            try:
                done = await self._next_instant(interval, done)
            except Exception:  # a bug of whoever tells the time
                self.missed += 1
                log.exception("! no readings by the clock")
                await asyncio.sleep(CLOCK_RETRY)
                continue
            sampled = self.configuration.seconds("MeterValueSampleInterval")
            for connector in self.connectors:
                if connector:
                    self._read_if_due(connector, sampled)  # at one instant, first: the order of `grids.readings`
                    self._try_to_read(connector, "Sample.Clock")

    async def _next_instant(self, interval: int, done: datetime | None) -> datetime:
        """Wait until the clock shows the next instant of the grid, whoever sets it meanwhile."""
        due = self.decisions.next_clock(self.date() - (JUST_PASSED if done else timedelta()), interval)
        while due is not None:
            if due == done:
                due = self.decisions.next_clock(due, interval)
                continue
            wait = (due - self.date()).total_seconds()
            if wait <= 0:
                return due
            self._clock_was_set.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(max(wait, 1e-5)):
                    await self._clock_was_set.wait()
                due = self.decisions.next_clock(self.date() - JUST_PASSED, interval)
        raise ValueError(f"expected an interval above 0 s, came {interval}")

    def _try_to_read(self, connector: int, context: Due) -> None:
        try:
            self.readings.take(connector, context)
        except Exception:  # a full disk, or a bug of whoever tells the time
            self.missed += 1
            log.exception("! connector %d: a reading was missed", connector)

    def read_all(self) -> None:
        """The last readings before the power goes; see `MeterReadings.read_all`."""
        self.readings.read_all(self._watched)
