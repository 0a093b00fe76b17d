"""`hour`: half an hour of one charge point, simulated, of which two snapshots of its metrics are left.

Everything is real but clock and network: the stack, its faults, its metrics. The checks of 6.5 read hours that were
played before, from ``hours.json``; ``python -m ocpp_course.checks.integration_and_metrics.hours`` plays them again. A
test proves that file and simulation agree.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from functools import cache
from itertools import repeat
from pathlib import Path
from random import Random

from ocpp_lab.central_system import CentralSystem, Policy
from ocpp_lab.charge_point import ChargePoint
from ocpp_lab.errors import OcppError
from ocpp_lab.messages import AuthorizeRequest, GetConfigurationRequest
from ocpp_lab.metrics import watch_charge_point
from ocpp_lab.simulation import World, simulate

CALM, SECONDS = 120.0, 1800.0
"""Before the first snapshot, and between the two."""
SEEDS = range(8)
KEY, NEW_KEY = "the key of yesterday", "the key of tomorrow"
SMALL_BUFFER = 256
"""Bytes that the connection takes before a write has to wait: a modem, not a network card."""
FILE = Path(__file__).with_name("hours.json")

Snapshot = dict[str, float]
Pair = tuple[Snapshot, Snapshot]


class Hour:
    """The scenario: a charge point with a call every few seconds, and one thing that goes wrong more or less."""

    def __init__(self, world: World, verdict: str) -> None:
        self.world = world
        self.verdict = verdict
        self.chance = Random(f"{verdict} {world.seed}")
        self.central_system: CentralSystem
        self.charge_point: ChargePoint

    async def play(self) -> Pair:
        world, pause = self.world, self.chance.uniform(5, 12)
        world.net.set_flow_control()
        # A ping notices a peer that reads no more, as it notices a dead connection; a stalled one is without pings.
        pings = None if self.verdict == "link-stalled" else 60.0
        self.central_system = await world.start_central_system(
            passwords={"CP_1": KEY}, ping_interval=None, policy=Policy(interval=300)
        )
        self.charge_point = await world.start_charge_point(
            "CP_1", password=KEY, delays=lambda: repeat(20.0), ping_interval=pings, send_buffer=SMALL_BUFFER
        )
        world.set_latency("CP_1", 0.02, 0.08)
        metrics = watch_charge_point(self.charge_point)
        await self.charge_point.wait_for("online")
        world.begin(self._drivers(pause), "drivers")
        await asyncio.sleep(CALM)
        before = metrics.snapshot()
        world.begin(self._break(), "fault")
        await asyncio.sleep(SECONDS)
        return _lean(before), _lean(metrics.snapshot())

    async def _break(self) -> None:
        await FAULTS[self.verdict](self)

    async def _drivers(self, pause: float) -> None:
        while True:
            await asyncio.sleep(pause)
            with suppress(OcppError):
                await self.charge_point.call(AuthorizeRequest(id_tag="TAG_A"))


async def _healthy(hour: Hour) -> None:
    """One call in a hundred and more goes wrong on any Friday."""
    await asyncio.sleep(hour.chance.uniform(100, 900))
    hour.central_system.faults.ignore("Authorize", times=1)
    await asyncio.sleep(hour.chance.uniform(100, 700))
    if hour.chance.random() < 0.5:
        await hour.central_system["CP_1"].close(1001, "maintenance")


async def _silent(hour: Hour) -> None:
    hour.central_system.faults.ignore(probability=hour.chance.uniform(0.15, 0.95))


async def _slow(hour: Hour) -> None:
    hour.central_system.faults.delay(seconds=hour.chance.uniform(3, 15))


async def _refuses(hour: Hour) -> None:
    hour.central_system.faults.call_error("Authorize", probability=hour.chance.uniform(0.12, 0.95))


async def _cut(hour: Hour) -> None:
    hour.central_system.faults.abort("Authorize", probability=hour.chance.uniform(0.12, 0.4))


async def _half_open(hour: Hour) -> None:
    """What the central system sends is not heard for a while: not an answer, not a pong, not a handshake."""
    long = hour.chance.uniform(150, 260)
    while True:
        await asyncio.sleep(hour.chance.uniform(30, 80))
        hour.world.silence("cs", "CP_1")
        await asyncio.sleep(long)
        hour.world.set_latency("CP_1", 0.02, 0.08)


async def _stalled(hour: Hour) -> None:
    """It reads no more, and still asks. Our own calls are taken back when their time is up; the answers wait."""
    await asyncio.sleep(hour.chance.uniform(5, 200))
    hour.central_system.faults.stop_reading()
    while True:
        with suppress(OcppError):
            asking = hour.central_system["CP_1"].call(GetConfigurationRequest(key=["HeartbeatInterval"]))
            await hour.world.central_system_site.do(asking)
        await asyncio.sleep(hour.chance.uniform(10, 60))


async def _credentials(hour: Hour) -> None:
    """Somebody changes the key on one side only; then the connection goes down once."""
    await asyncio.sleep(hour.chance.uniform(5, 1000))
    hour.central_system.passwords["CP_1"] = NEW_KEY
    await hour.central_system["CP_1"].close(1001, "maintenance")


FAULTS: dict[str, Callable[[Hour], Awaitable[None]]] = {
    "healthy": _healthy,
    "peer-silent": _silent,
    "peer-slow": _slow,
    "peer-refuses": _refuses,
    "link-cut": _cut,
    "half-open": _half_open,
    "link-stalled": _stalled,
    "credentials": _credentials,
}
VERDICTS = tuple(FAULTS)
"""What an hour may have been."""


def hour(verdict: str, seed: int) -> Pair:
    """Play one: the snapshots before and after. The same seed is the same hour."""
    return simulate(lambda world: Hour(world, verdict).play(), seed)


def example(verdict: str, seed: int = 0) -> Pair:
    """One that was played before. Raises ValueError for a verdict or a seed that is not in the file."""
    if verdict not in VERDICTS or seed not in SEEDS:
        raise ValueError(f"expected one of {', '.join(VERDICTS)}, 0 to {SEEDS[-1]}; came {verdict!r}, {seed!r}")
    before, after = _played()[verdict][seed]
    return dict(before), dict(after)


@cache
def _played() -> dict[str, list[Pair]]:
    stored: dict[str, list[Pair]] = json.loads(FILE.read_text(encoding="utf-8"))
    return stored


def _lean(snapshot: Snapshot) -> Snapshot:
    """Without the instants of creation and the series at 0; to the microsecond."""
    return {key: round(value, 6) for key, value in snapshot.items() if value and "_created" not in key}


def _lines() -> Iterator[str]:
    for verdict in VERDICTS:
        hours = ",\n".join(json.dumps(hour(verdict, seed), sort_keys=True) for seed in SEEDS)
        yield f"{json.dumps(verdict)}: [\n{hours}\n]"


if __name__ == "__main__":
    FILE.write_text("{\n" + ",\n".join(_lines()) + "\n}\n", encoding="utf-8")
