"""`Timeline`: samples on a timer, for plots. Who samples when nothing happens? This does.

A number that is noted only when something is sent is flat in an outage, which is when it matters.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import NamedTuple, Self

log = logging.getLogger(__name__)


class Sample(NamedTuple):
    """One probe at one instant: loop time in seconds, the probe's name, its value."""

    at: float
    name: str
    value: float


class Timeline:
    """``async with Timeline({"queue_depth": lambda: transport.queue_depth}, interval=0.01) as timeline:``

    Every ``interval`` seconds the value of each probe; the newest ``keep`` samples are kept. ``high_water`` is the
    highest value of each, and of what was reported with ``note``: a peak of 10 ms is over before the timer looks. A
    probe that raises reads as nan, and the others go on. Raises ValueError for an interval of 0 or less.
    """

    def __init__(
        self, probes: Mapping[str, Callable[[], float]], *, interval: float = 0.25, keep: int = 10_000
    ) -> None:
        if interval <= 0:
            raise ValueError(f"expected an interval above 0 s, came {interval}")
        self.probes = dict(probes)
        self.interval = interval
        self.high_water: dict[str, float] = {}
        self.samples: deque[Sample] = deque(maxlen=keep)
        self._task: asyncio.Task[None] | None = None  # what samples, inside ``async with``

    def series(self, name: str) -> tuple[list[float], list[float]]:
        """Instants and values of one probe: what a plot wants."""
        mine = [sample for sample in self.samples if sample.name == name]
        return [sample.at for sample in mine], [sample.value for sample in mine]

    def note(self, name: str, value: float) -> None:
        """A value between two samples; only its peak is kept."""
        if not math.isnan(value):
            self.high_water[name] = max(self.high_water.get(name, -math.inf), value)

    def read(self) -> None:
        """One sample of every probe, now."""
        at = asyncio.get_running_loop().time()
        for name, probe in self.probes.items():
            try:
                value = float(probe())
            except Exception as error:
                log.warning("! the probe %s failed: %s", name, error)
                value = math.nan
            else:
                self.note(name, value)
            self.samples.append(Sample(at, name, value))

    async def run(self) -> None:
        """Sample until cancelled, on a grid that does not drift."""
        time = asyncio.get_running_loop().time
        due = time()
        while True:
            self.read()
            missed = (time() - due) // self.interval
            due += self.interval * (1 + max(0.0, missed))  # a late turn is not made up for by a burst
            await asyncio.sleep(due - time())

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.run(), name="timeline")
        await asyncio.sleep(0)  # the first sample is taken before anything happens
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])
            self.read()
