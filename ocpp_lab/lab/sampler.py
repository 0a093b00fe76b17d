"""`Sampler`: read probes on a timer, so that a plot goes on when nothing else does."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple, Self


class Sample(NamedTuple):
    """One reading: loop time (s), name of the probe, value."""

    at: float
    name: str
    value: float


class Sampler:
    """``async with Sampler({"queue_depth": lambda: transport.queue_depth}, interval=0.01) as sampler:``

    Reads every probe each ``interval`` seconds, whatever else happens, and keeps the newest ``keep`` samples. A sampler
    that reads when something is sent is blind in an outage, exactly when the plot is wanted.
    """

    def __init__(self, probes: dict[str, Callable[[], float]], *, interval: float = 0.05, keep: int = 10_000) -> None:
        if interval <= 0:
            raise ValueError(f"expected an interval above 0 s, came {interval}")
        self.probes = probes
        self.interval = interval
        self.samples: deque[Sample] = deque(maxlen=keep)
        self._task: asyncio.Task[None] | None = None

    def read(self) -> None:
        """One sample of every probe, now. A probe that raises reads as nan, and the others go on."""
        at = asyncio.get_running_loop().time()
        for name, probe in self.probes.items():
            try:
                value = float(probe())
            except Exception:
                value = math.nan
            self.samples.append(Sample(at, name, value))

    async def run(self) -> None:
        """Sample until cancelled, on a grid that does not drift."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            self.read()
            due = max(due + self.interval, loop.time())  # a late turn is not made up for by a burst
            await asyncio.sleep(due - loop.time())

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.run(), name="sampler")
        await asyncio.sleep(0)  # the first sample is taken before anything happens
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])
            self.read()
