"""Capstone 5: a charge point of nothing but the learner's pieces: their own smoke tests, and fifty bad nights."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from random import Random
from typing import Any

from ocpp_lab import messages as m
from ocpp_lab.central_system import CentralSystem, Policy
from ocpp_lab.errors import OcppError
from ocpp_lab.simulation import Profile, World
from ocpp_lab.simulation.mischief import Mischief
from ocpp_lab.simulation.site import Site
from ocpp_lab.simulation.weather import Weather
from ocpp_lab.trace import EVERYTHING, Trace

from ..capstone import survives
from ..course import mine
from ..kit import Kit
from ..session_reconnect.capstone import Books
from ..smoke_tests.bench import failure
from ..smoke_tests.stacks import Stack
from ..step import Step
from .station import LATER, Station, pieces

NAMES = tuple(" ".join(LATER).split())

step = Step(
    "5.capstone",
    "your charge point, from the first piece to the last",
    NAMES,
    points=4,
    minutes=25,
    reference=lambda: tuple(getattr(_ours(), name) for name in NAMES),
    capstone=True,
)

NIGHT = Profile(name="capstone", charge_points=1, connectors=2, seconds=240.0, pause=(10.0, 40.0), mischief=0.2)
INTERVAL = 20
RATHER_LONG = 600.0
"""Seconds of calm until it is online: a loss is noticed, the longest wait, and a boot whose answer is lost."""
SETTLED = 1800.0
"""Seconds until the outbox is empty: each message may have to wait for its attempts."""
BEATS = 10
"""Intervals in which the heartbeats are counted."""
INVOICED = "each transaction once, and whole"


def _ours() -> Any:
    from ..step import step as step_of

    found: dict[str, Any] = {}
    for names, number in LATER.items():
        found |= dict(zip(names.split(), step_of(number).references(), strict=True))
    return type("Ours", (), found)


@step.check("your tests of 1.5 and 1.6 pass on your charge point")
async def smoke_tests(my: Any, kit: Kit) -> str:
    """What a stack must do before anything else: boot, time out, refuse, take a flood, end its calls (core 4.2)."""
    whole, tests = pieces(my), (*mine("1.5"), *mine("1.6"))
    for number, test in enumerate(tests):
        stack = Own(whole, kit.path(f"smoke{number}"))
        said = await failure(test, kit, stack)
        name = getattr(test, "__name__", "a test")
        kit.require(not said, said, f"your test `{name}` fails on your own charge point.")
        await asyncio.sleep(60.0)  # the last packets arrive
    return f"{len(tests)} pass"


class Own(Stack):
    """A right stack whose charge point is the learner's own."""

    def __init__(self, my: Any, path: str) -> None:
        super().__init__()
        self.my = my
        self.path = path

    def make_charge_point(self, url: str, identity: str, **options: Any) -> Any:
        return Station(self.my, url, identity, path=self.path, **options)


@step.check("50 nights: back in time, each transaction once, nothing left", seconds=40)
def bad_nights(my: Any, kit: Kit) -> str:
    """Cuts, half-open connections, crashes, bad answers: nothing is lost (core 3.7), nothing invoiced twice."""
    return survives(kit, night, profile=NIGHT, my=pieces(my))


# --- the night


class Home(Site):
    """The charge point's machine: switch it on, cut its power, switch it on again."""

    def __init__(self, world: World, identity: str, my: Any) -> None:
        super().__init__(world.ground, identity, Trace(limit=1_000_000, max_bytes=EVERYTHING))
        self.my = my
        self.running: dict[str, int] = {}
        """What the meter's memory knows: transactions that run, and their last value."""
        self.charge_point: Station

    async def start(self) -> Station:
        await self._power_on()
        started = await self.do(self._start())
        assert started is not None
        return started

    async def _start(self) -> Station:
        found, self.running = self.running, {}
        self.charge_point = Station(
            self.my,
            "ws://cs:9000",
            self.name,
            path=self.path,
            connectors=2,
            found=found,
            ids=self.ids(),
            rng=self.ground.rng(f"{self.name} {self.starts}"),
            trace=self.trace,
            now=self.ground.now,
            judge=self.ground.invariants,
        )
        return await self.charge_point.start()

    async def stop(self) -> None:
        """Politely; a violation if that takes for ever."""
        if not self.up:
            return
        try:
            async with asyncio.timeout(30.0):
                await self.do(self.charge_point.stop())
        except TimeoutError:
            self.ground.invariants.broken("stopping never hangs", "not stopped after 30 s", self.name)

    def bury(self) -> None:
        self.charge_point.close()


class Drivers:
    """Come, charge, and go; ``deeds`` is what they will be invoiced for: tag, meter at the start, and at the stop."""

    def __init__(self, home: Home, rng: Random) -> None:
        self.home = home
        self.rng = rng
        self.deeds: dict[str, tuple[str, int, set[int]]] = {}
        self.perhaps: set[str] = set()
        """Whose start may never have been written down: the power went in that instant."""
        self.meter = 0

    async def drive(self, connector: int) -> None:
        """One driver after the other, for ever."""
        while True:
            await asyncio.sleep(self.rng.uniform(1.0, 20.0))
            if self.home.up:
                await self._charge(connector, f"{connector}-{len(self.deeds)}")

    async def _charge(self, connector: int, name: str) -> None:
        life, tag = self.home.starts, f"TAG_{self.rng.getrandbits(24):06X}"
        now, begun = self.home.ground.now, self._meter()
        start = m.StartTransactionRequest(connector_id=connector, id_tag=tag, meter_start=begun, timestamp=now())
        self.deeds[name] = tag, begun, {begun}
        self.home.running[name] = begun
        if not await self.submit(start, name):
            self.perhaps.add(name)
        for _ in range(self.rng.randrange(1, 5)):
            await asyncio.sleep(self.rng.uniform(2.0, 15.0))
            if not self.home.up or life != self.home.starts:
                return  # the power went: what was found running is stopped by the next life
            value = self.home.running[name] = self._meter()
            self.deeds[name][2].add(value)
            await self.submit(_values(connector, value, now()), name)
        if self.home.up and life == self.home.starts:
            stop = m.StopTransactionRequest(transaction_id=-1, meter_stop=self._meter(), timestamp=now())
            self.deeds[name][2].add(stop.meter_stop)
            await self.submit(stop, name)
            if life == self.home.starts:
                self.home.running.pop(name, None)

    async def submit(self, request: m.Request[Any], name: str) -> bool:
        """Whether it is written down; else the power went meanwhile."""

        async def put() -> bool:
            await self.home.charge_point.submit(request, name)
            return True

        return bool(await self.home.do(put()))

    def _meter(self) -> int:
        self.meter += self.rng.randrange(1, 500)
        return self.meter


def _values(connector: int, value: int, now: Any) -> m.MeterValuesRequest:
    reading = m.MeterValue(timestamp=now, sampled_value=[m.SampledValue(value=str(value))])
    return m.MeterValuesRequest(connector_id=connector, transaction_id=-1, meter_value=[reading])


async def night(world: World, *, profile: Profile, my: Any) -> Counter[str]:
    """Two drivers in the rain, at a charge point of the learner's; then it is calm, and everything must settle."""
    mischief, books = Mischief(world.rng("mischief"), profile), Books()
    world.net.set_defaults(latency=(0.005, 0.2))
    await world.start_central_system(
        ledger=lambda path: books.of(my.Ledger(f"{path}.ledger")),
        policy=Policy(interval=INTERVAL),
        faults=mischief,
        ping_interval=20.0,
    )
    home: Any = Home(world, "CP_1", my)
    world.sites["CP_1"] = home
    await home.start()
    weather, drivers = Weather(world, profile, world.rng("weather")), Drivers(home, world.rng("drivers"))
    await _rage(world, profile, [drivers.drive(1), drivers.drive(2), weather.blow()])
    mischief.active = False
    await weather.calm()
    await _settle(world, home, drivers)
    _check(world, drivers)
    return Counter(mischief.applied) + Counter(lives=home.starts, transactions=len(drivers.deeds))


async def _rage(world: World, profile: Profile, works: Iterable[Any]) -> None:
    users = [world.begin(work, f"user {number}") for number, work in enumerate(works)]
    await asyncio.wait(users, timeout=profile.seconds, return_when=asyncio.FIRST_EXCEPTION)
    for user in users:
        user.cancel()
    for outcome in await asyncio.gather(*users, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome
    await asyncio.sleep(0.01)


async def _settle(world: World, home: Home, drivers: Drivers) -> None:
    for name, meter in list(home.running.items()):
        stop = m.StopTransactionRequest(transaction_id=-1, meter_stop=meter, timestamp=world.now(), reason="Local")
        await drivers.submit(stop, name)
    home.running.clear()
    probe = home.charge_point
    deadline = world.time + SETTLED
    while (len(probe.outbox) or probe.state != "online") and world.time < deadline:
        await asyncio.sleep(5.0)
        if bug := probe.bug:
            world.broken("nothing kills it", f"its life ended with {type(bug).__name__}: {bug}", "CP_1")
            return
    world.expect(probe.state == "online", "back online in time", f"{probe.state} after {SETTLED:g} s of calm", "CP_1")
    left = len(probe.outbox)
    world.expect(not left, "everything settles", f"{left} messages wait after {SETTLED:g} s of calm", "CP_1")
    await _look_alive(world)


async def _look_alive(world: World) -> None:
    """In calm there is one heartbeat in each interval, and a call is answered."""
    await asyncio.sleep(60.0)
    system: CentralSystem = world.central_system
    begun = len(system.heartbeats)
    await asyncio.sleep(BEATS * INTERVAL)
    beats = len(system.heartbeats) - begun
    world.expect(abs(beats - BEATS) <= 1, "one heartbeat an interval", f"{beats} in {BEATS} intervals", "CP_1")
    answer: Any = None
    if session := system.sessions.get("CP_1"):
        try:
            answer = await world.central_system_site.do(session.call(m.DataTransferRequest(vendor_id="night")))
        except OcppError as error:
            answer = error
    world.expect(isinstance(answer, m.DataTransferResponse), "calls cross", f"DataTransfer: {answer!r}", "CP_1")


def _check(world: World, drivers: Drivers) -> None:
    """Each deed is one row, with an end that its meter has shown."""
    rows = world.central_system_site.ledger.rows()
    for name, (tag, begun, meters) in drivers.deeds.items():
        found = [row for row in rows if (row["id_tag"], row["meter_start"]) == (tag, begun)]
        if len(found) != 1 and not (name in drivers.perhaps and not found):
            world.broken(INVOICED, f"transaction {name} has {len(found)} rows in the ledger", "CP_1")
        elif found and found[0]["meter_stop"] not in meters:
            world.broken(INVOICED, f"transaction {name} ended with {found[0]['meter_stop']!r}", "CP_1")
    known = {(tag, begun) for tag, begun, _ in drivers.deeds.values()}
    strange = sum((row["id_tag"], row["meter_start"]) not in known for row in rows)
    world.expect(not strange, INVOICED, f"{strange} rows of which no driver knows", "CP_1")
