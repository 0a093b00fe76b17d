"""`Case`: an hour of one charge point, of which only the metrics are left, and a fault that nobody names.

Everything is simulated (`ocpp_lab.simulation`): the real stack, on a seeded clock and network. Half an hour is as it
should be; then the fault, if there is one. What is left are two snapshots, as two scrapes would leave them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import repeat
from random import Random

from ocpp_lab.central_system import CentralSystem
from ocpp_lab.charge_point import ChargePoint
from ocpp_lab.errors import OcppError
from ocpp_lab.messages import AuthorizeRequest
from ocpp_lab.metrics import watch_charge_point
from ocpp_lab.simulation import World, simulate

from .snapshots import moved

HALF = 1800.0
"""Seconds before the fault, and with it."""

KEY = "the key of yesterday"

Pair = tuple[dict[str, float], dict[str, float]]
Fault = Callable[["Hour"], Awaitable[None]]


class Hour:
    """The scenario: a charge point with calls every few seconds; after half of the hour the fault begins."""

    def __init__(self, world: World, fault: str, chance: Random) -> None:
        self.world = world
        self.fault = FAULTS[fault]
        self.chance = chance
        self.central_system: CentralSystem
        self.charge_point: ChargePoint

    async def play(self) -> Pair:
        """The snapshots at the beginning of the fault and at the end of the hour."""
        world = self.world
        self.central_system = await world.start_central_system(passwords={"CP_1": KEY}, ping_interval=None)
        self.charge_point = await world.start_charge_point("CP_1", password=KEY, delays=lambda: repeat(20.0))
        world.set_latency("CP_1", 0.02, 0.08)
        metrics = watch_charge_point(self.charge_point)
        await self.charge_point.wait_for("online")
        world.begin(self._drivers(), "drivers")
        await asyncio.sleep(HALF)
        before = metrics.snapshot()
        world.begin(self._break(), "fault")
        await asyncio.sleep(HALF)
        return before, metrics.snapshot()

    async def _drivers(self) -> None:
        while True:
            await asyncio.sleep(10)
            with suppress(OcppError):
                await self.charge_point.call(AuthorizeRequest(id_tag="TAG_A"))

    async def _break(self) -> None:
        await self.fault(self)

    @property
    def strength(self) -> float:
        """The share of calls that a fault hits: drawn anew whenever somebody asks."""
        return self.chance.uniform(0.3, 0.7)

    async def now_and_then(self, begin: Callable[[], object], end: Callable[[], object], seconds: float) -> None:
        """Again and again: some calm, then so many seconds of it."""
        while True:
            await asyncio.sleep(self.chance.uniform(100, 200))
            begin()
            await asyncio.sleep(seconds)
            end()


async def _healthy(hour: Hour) -> None:
    """Two timeouts are a Friday, and no fault."""
    hour.central_system.faults.ignore("Authorize", times=2)


async def _silent(hour: Hour) -> None:
    hour.central_system.faults.ignore("Authorize", probability=hour.strength)


async def _slow(hour: Hour) -> None:
    hour.central_system.faults.delay(seconds=hour.chance.uniform(3, 8))


async def _refuses(hour: Hour) -> None:
    hour.central_system.faults.call_error(probability=hour.strength)


async def _cut(hour: Hour) -> None:
    hour.central_system.faults.abort("Authorize", probability=hour.strength / 4)


async def _half_open(hour: Hour) -> None:
    """What the central system sends is not heard: not an answer, not a pong, not a handshake."""
    world = hour.world

    def silence() -> None:
        world.silence("cs", "CP_1")

    await hour.now_and_then(silence, lambda: world.set_latency("CP_1", 0.02, 0.08), hour.chance.uniform(150, 250))


async def _credentials(hour: Hour) -> None:
    """Somebody changes the key on one side only; the line goes down once."""
    hour.central_system.passwords["CP_1"] = "the key of tomorrow"
    await hour.central_system["CP_1"].close(1001, "maintenance")


FAULTS: dict[str, Fault] = {
    "healthy": _healthy,
    "peer-silent": _silent,
    "peer-slow": _slow,
    "peer-refuses": _refuses,
    "link-cut": _cut,
    "half-open": _half_open,
    "credentials": _credentials,
}
"""What an hour may have been; the names are those of the exercise."""


class Case:
    """``Case(1)`` is an hour: ``before`` and ``after`` the fault; ``answer`` says which of `FAULTS` it was.

    The same number is the same hour; it decides what breaks, unless ``fault`` is told, and how badly.
    """

    faults = tuple(FAULTS)

    def __init__(self, number: int, fault: str | None = None) -> None:
        if fault not in (None, *FAULTS):
            raise ValueError(f"expected one of {', '.join(FAULTS)}, came {fault!r}")
        chance = Random(number)
        drawn = chance.choice(self.faults)
        self.number = number
        self._answer = fault or drawn
        self.before, self.after = simulate(lambda world: Hour(world, self._answer, chance).play(), number)
        self.seconds = HALF

    @property
    def answer(self) -> str:
        """Look here last."""
        return self._answer

    def __repr__(self) -> str:
        return f"Case {self.number}: {len(moved(self.before, self.after))} series moved in {self.seconds:g} s"
