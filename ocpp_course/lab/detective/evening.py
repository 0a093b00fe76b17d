"""`Evening`: an hour of one charge point on the simulated network: drivers, an operator, and one fault that is planted.

It is the real stack, both ends of it. What is planted bends what one end sends, or how it answers; the other end meets
it on the wire, unprepared, and what passed is in the trace of the central system.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from datetime import timedelta
from itertools import count
from random import Random
from typing import Any

from ocpp_lab import messages as m
from ocpp_lab.central_system import Policy
from ocpp_lab.charge_point import ChargePoint
from ocpp_lab.errors import OcppError
from ocpp_lab.faults import Faults
from ocpp_lab.frames import Call, CallError, CallResult, decode, encode
from ocpp_lab.pipe import Pipe
from ocpp_lab.simulation import Violation, World, simulate
from ocpp_lab.simulation.explore import quiet
from ocpp_lab.simulation.world import NOON
from ocpp_lab.station.car import Car
from ocpp_lab.transport import Transport

TAGS = ("TAG_A", "TAG_B", "TAG_C", "TAG_D")
IDENTITY = "CP_1"
READING = 60
"""Seconds between two meter values."""

CONFIGURATION = {"MeterValueSampleInterval": READING, "TransactionMessageRetryInterval": 10}

Spoil = Callable[[Call], Iterable[Call]]
"""What a charge point sends instead of a call of its own."""
Reply = CallResult | CallError | None


class Evening:
    """A scenario for `simulate`. ``visits`` is how many drivers come; ``lively``: an operator, and one lost connection.

    Whoever plants a fault sets ``spoil`` or ``answer``, adds to ``faults`` (those of the central system), or to
    ``works``: coroutines that run beside all else once the charge point is online.
    """

    def __init__(self, world: World, chance: Random, *, visits: int, lively: bool) -> None:
        self.world = world
        self.chance = chance
        self.visits = visits
        self.lively = lively
        self.faults = Faults()
        self.spoil: Spoil = lambda call: [call]
        self.answer: Callable[[Call], Reply] | None = None
        """Answers a call of the central system in the charge point's place; what it leaves alone is None."""
        self.deaf: Callable[[Call], bool] = lambda call: False
        """Which calls of the central system the charge point leaves without an answer."""
        self.twice = False
        """The charge point answers each call two times."""
        self.works: list[Callable[[], Coroutine[Any, Any, None]]] = []
        self.stop_wrong_transaction = False
        """The operator names transactions that there are not."""
        self.with_app: bool | None = None
        """All drivers start with the app, or none; None: as it comes."""
        self.patient = False
        """A driver whose car does not charge stays there and waits."""
        self.sent: list[Call] = []
        """What the charge point has sent, as it meant it."""
        self._spare = count(1)  # ends the ids of `spare_id`

    async def play(self) -> None:
        """From the first boot until the last driver has left."""
        world = self.world
        policy = Policy(interval=self.chance.choice([120, 180, 240]))
        await world.start_central_system(policy=policy, faults=self.faults, ping_interval=None)
        await world.start_charge_point(
            IDENTITY,
            make=self._charge_point,
            transport=self._transport,
            connectors=2,
            configuration=CONFIGURATION | ({"ConnectionTimeOut": 0} if self.patient else {}),
            delays=lambda: iter(lambda: 10.0, 0),
            ping_interval=None,
        )
        world.set_latency(IDENTITY, 0.02, 0.3)
        await self.charge_point.wait_for("online")
        for number, work in enumerate(self.works):
            world.begin(work(), f"planted {number}")
        if self.lively:
            world.begin(self._operator(), "operator")
        for number in range(self.visits):
            await asyncio.sleep(self.chance.uniform(20, 60))
            if self.lively and number == self.visits // 2:
                await self._lose_the_connection()
            await self._visit(1 + number % 2)
        await asyncio.sleep(400 if self.patient else 100)

    # -- both ends

    @property
    def charge_point(self) -> ChargePoint:
        """The one there is."""
        return self.world.charge_point(IDENTITY)

    async def ask(self, request: m.Request[Any]) -> Any:
        """The central system asks the charge point; None if nothing good comes of it."""
        session = self.world.central_system.sessions.get(IDENTITY)
        with suppress(OcppError):
            return await session.call(request) if session else None

    async def send(self, action: str, payload: Any) -> None:
        """The charge point sends this, whatever else it is doing."""
        with suppress(OcppError):
            await self.wire.send(encode(Call(self.spare_id(), action, payload)))

    def spare_id(self) -> str:
        """A unique id that looks like the others: it shall not tell what is planted."""
        return f"{self.sent[-1].unique_id}{next(self._spare)}"

    def _charge_point(self, *args: Any, **options: Any) -> ChargePoint:
        return _Bent(self, *args, **options)

    def _transport(self, pipe: Pipe) -> Transport:
        self.wire = _Wire(self, pipe)
        return self.wire

    # -- who uses it

    async def _visit(self, connector: int) -> None:
        """Plug in, start, charge for some minutes, stop, unplug."""
        chance, charging = self.chance, self.charge_point.charging
        tag = chance.choice(TAGS)
        if self.charge_point.connectors[connector].car:  # of somebody who has waited long enough
            charging.unplug(connector)
            await asyncio.sleep(5)
        charging.plug_in(connector, Car(power=chance.choice([11_000.0, 22_000.0, 43_000.0])))
        await asyncio.sleep(chance.uniform(5, 15))
        by_chance = self.lively and chance.random() < 0.4
        with_app = by_chance if self.with_app is None else self.with_app
        if with_app:
            await self.ask(m.RemoteStartTransactionRequest(connector_id=connector, id_tag=tag))
        else:
            await charging.present(connector, tag)
        await asyncio.sleep(chance.uniform(2.2, 4.2) * READING)
        if with_app or self.stop_wrong_transaction:
            await self._stop_with_app(connector)
        if self.charge_point.transactions.on(connector):
            await charging.present(connector, tag)
        elif self.patient:
            return
        await asyncio.sleep(chance.uniform(5, 20))
        charging.unplug(connector)
        await asyncio.sleep(5)

    async def _stop_with_app(self, connector: int) -> None:
        running = self.charge_point.transactions.on(connector)
        known = self.charge_point.transaction_ids.get(running.name) if running else None
        if known is not None:
            wrong = self.chance.randint(40, 90) if self.stop_wrong_transaction else 0
            await self.ask(m.RemoteStopTransactionRequest(transaction_id=known + wrong))
            await asyncio.sleep(8)

    async def _operator(self) -> None:
        requests: list[m.Request[Any]] = [
            m.TriggerMessageRequest(requested_message="StatusNotification", connector_id=1),
            m.TriggerMessageRequest(requested_message="Heartbeat"),
            m.GetConfigurationRequest(key=["HeartbeatInterval", "NumberOfConnectors"]),
            m.ChangeConfigurationRequest(key="MeterValueSampleInterval", value=str(READING)),
        ]
        while True:
            await asyncio.sleep(self.chance.uniform(90, 200))
            await self.ask(self.chance.choice(requests))

    async def _lose_the_connection(self) -> None:
        await self.world.central_system[IDENTITY].close(1001, "maintenance")
        await self.charge_point.wait_for("waiting")
        await self.charge_point.wait_for("online")


class _Bent(ChargePoint):
    """Answers what the evening says, and what that leaves alone as it should."""

    def __init__(self, evening: Evening, *args: Any, **options: Any) -> None:
        self._evening = evening
        super().__init__(*args, **options)
        for connector in self.connectors.values():  # nobody's meter is new
            connector.meter._register = evening.chance.randint(20_000, 90_000)

    async def answer(self, call: Call) -> Reply:
        if self._evening.deaf(call):
            return None
        instead = self._evening.answer(call) if self._evening.answer else None
        reply = instead or await super().answer(call)
        if self._evening.twice and reply:
            self._evening.world.begin(self._again(encode(reply)), "answers again")
        return reply

    async def _again(self, text: str) -> None:
        await asyncio.sleep(3)
        with suppress(OcppError):
            await self._evening.wire.send(text)


class _Wire(Transport):
    """Sends what the evening makes of each call."""

    def __init__(self, evening: Evening, pipe: Pipe) -> None:
        super().__init__(pipe, name=IDENTITY)
        self._evening = evening

    async def send(self, text: str) -> None:
        frame = decode(text)
        if isinstance(frame, Call):
            self._evening.sent.append(frame)
            for each in self._evening.spoil(frame):
                await super().send(encode(each))
        else:
            await super().send(text)


def lines_of(plant: Callable[[Evening], object], seed: int, *, visits: int, lively: bool) -> list[str]:
    """What the central system wrote down in that evening, as lines of a trace file.

    The invariants of the simulation notice what is planted; here they may.
    """
    lines: list[str] = []

    async def play(world: World) -> None:
        evening = Evening(world, Random(f"{seed}:evening"), visits=visits, lively=lively)
        plant(evening)
        await evening.play()
        for event in world.central_system_site.trace:
            time = NOON + timedelta(seconds=event.at)
            lines.append(event.line(time=f"{time:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"))

    with quiet(), suppress(Violation):
        simulate(play, seed)
    return lines
