"""`Fleet`: many charge points with their drivers, against anybody's central system."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from ..charge_point import ChargePoint
from ..pipe import CLOSE_TIMEOUT, OPEN_TIMEOUT, PING_INTERVAL
from ..session import CALL_TIMEOUT
from ..trace import Trace
from .auto_driver import STREET_TAGS, AutoDriver

A_SECOND = 50
"""Charge points that begin to dial in one second: who is met by all at once shows nothing but that."""
FAREWELL = 30.0
"""Seconds at the end for what the outboxes still have to deliver."""
RESERVOIR = 100_000
"""Answers whose time is remembered; of more, a fair part."""


@dataclass
class Latencies:
    """How long answers took (s): of all that came, or of a fair part of them, chosen by ``rng``."""

    rng: Random
    count: int = 0
    times: list[float] = field(default_factory=list)

    def add(self, seconds: float) -> None:
        """One more."""
        self.count += 1
        if len(self.times) < RESERVOIR:
            self.times.append(seconds)
        elif (place := self.rng.randrange(self.count)) < RESERVOIR:
            self.times[place] = seconds

    def quantile(self, share: float) -> float:
        """The time within which so many answers came; 0.0 without any."""
        ordered = sorted(self.times)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0


class Fleet:
    """``count`` charge points of ``connectors`` connectors each, called ``prefix`` and a number, with their drivers.

    ``speed``: so many seconds of the loop are one of the wall clock (`FastLoop`); latencies are told in those of the
    wall clock. ``now()`` gives the timestamps; ``options`` are those of a `ChargePoint`.
    """

    def __init__(
        self,
        url: str,
        count: int,
        *,
        seed: int = 1,
        prefix: str = "FLEET_",
        connectors: int = 1,
        speed: float = 1.0,
        now: Callable[[], datetime],
        **options: Any,
    ) -> None:
        self.speed = speed
        self.latencies = Latencies(Random(seed))
        self.left_over = 0
        """Transaction messages that were not delivered; known when `run` has ended."""
        self._rng = Random(seed)
        width = len(str(count))
        self.charge_points = [
            ChargePoint(
                url,
                f"{prefix}{number:0{width}}",
                connectors=connectors,
                now=now,
                set_clock=speed == 1.0,
                trace=Trace(1),
                rng=Random(self._rng.random()),
                timeout=CALL_TIMEOUT * speed,
                ping_interval=PING_INTERVAL * speed,
                **options,
            )
            for number in range(1, count + 1)
        ]
        for charge_point in self.charge_points:
            charge_point.tally.observe = self._answered
            # What takes its time is the network, and that does not get faster with our clock.
            charge_point.dialler.options |= {
                "open_timeout": OPEN_TIMEOUT * speed,
                "close_timeout": CLOSE_TIMEOUT * speed,
            }

    def _answered(self, outcome: str, seconds: float) -> None:
        if outcome in ("result", "error"):
            self.latencies.add(seconds / self.speed)

    async def run(
        self, seconds: float, stop: asyncio.Event, tick: Callable[[Fleet], Coroutine[Any, Any, None]]
    ) -> None:
        """Let them live for so many seconds of the loop, or until ``stop``; ``tick`` runs beside and is ended then.

        At the end all cables are pulled, and what the outboxes hold is delivered, for at most `FAREWELL` seconds of the
        wall clock.
        """
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
            beside = [group.create_task(tick(self), name="fleet progress")]
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._open(stack, group, beside)
                    await stop.wait()
            for task in beside:
                task.cancel()
            await asyncio.wait(beside)
            await self._say_goodbye()

    async def _open(self, stack: AsyncExitStack, group: asyncio.TaskGroup, beside: list[asyncio.Task[None]]) -> None:
        """Let all of them dial, and their drivers come."""
        for number, charge_point in enumerate(self.charge_points, 1):
            await stack.enter_async_context(charge_point)
            beside += self._drivers(group, charge_point)
            if number % A_SECOND == 0:
                await asyncio.sleep(self.speed)

    def _drivers(self, group: asyncio.TaskGroup, charge_point: ChargePoint) -> list[asyncio.Task[None]]:
        return [
            group.create_task(
                AutoDriver(charge_point, number, Random(self._rng.random()), STREET_TAGS).run(),
                name=f"{charge_point.identity} driver {number}",
            )
            for number in charge_point.connectors
            if number
        ]

    async def _say_goodbye(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + FAREWELL * self.speed
        self.left_over = self.undelivered
        while self.left_over and loop.time() < deadline:
            await asyncio.sleep(0.1 * self.speed)
            self.left_over = self.undelivered

    # -- what came of it

    @property
    def online(self) -> int:
        """Charge points that are online now."""
        return sum(charge_point.state == "online" for charge_point in self.charge_points)

    @property
    def charging(self) -> int:
        """Connectors where a transaction runs."""
        return sum(place.in_use for charge_point in self.charge_points for place in charge_point.connectors.values())

    @property
    def undelivered(self) -> int:
        """Transaction messages that wait in outboxes."""
        return sum(len(charge_point.outbox) for charge_point in self.charge_points)

    @property
    def energy(self) -> float:
        """All that the meters have counted, in Wh."""
        return sum(place.energy for charge_point in self.charge_points for place in charge_point.connectors.values())

    def ended(self) -> Counter[tuple[str, str]]:
        """Calls by action and outcome: result, error, timeout, lost, cancelled."""
        return sum((charge_point.tally.ended for charge_point in self.charge_points), Counter())

    def errors(self) -> Counter[str]:
        """CallErrors that came, by code."""
        return sum((charge_point.tally.errors for charge_point in self.charge_points), Counter())
