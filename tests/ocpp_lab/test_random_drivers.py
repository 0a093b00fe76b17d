"""Random drivers: any order of verbs, remote orders, resets, power cuts and lost connections, and what must hold.

No energy without cable and authorisation. One transaction at a time on a connector. Every Wh that left a meter is in
exactly one transaction of the ledger. The status is the table's. Nothing that the configuration forbids.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

import pytest

from ocpp_lab import ChargePoint, Policy
from ocpp_lab import messages as m
from ocpp_lab.errors import IllegalTransition, NotConnected, OcppError
from ocpp_lab.simulation import World, simulate
from ocpp_lab.station.car import Car
from ocpp_lab.station.facts import status_of
from ocpp_lab.station.status import CONNECTOR
from tests.house import scaled

TAGS = ["TAG_A", "tag_a", "TAG_B", "TAG_C", "BAD"]
FAMILY = {"TAG_A": "FAMILY", "TAG_B": "FAMILY"}
KEYS: dict[str, list[str]] = {
    "StopTransactionOnEVSideDisconnect": ["true", "true", "false"],
    "UnlockConnectorOnEVSideDisconnect": ["true", "false"],
    "StopTransactionOnInvalidId": ["true", "false"],
    "MaxEnergyOnInvalidId": ["0", "0", "150"],
    "AuthorizeRemoteTxRequests": ["true", "false"],
    "AllowOfflineTxForUnknownId": ["true", "false"],
    "AuthorizationCacheEnabled": ["true", "false"],
    "LocalPreAuthorize": ["true", "false"],
    "ConnectionTimeOut": ["20", "60"],
    "MeterValueSampleInterval": ["0", "30"],
}
ANYTHING = [
    "plug", "plug", "unplug", "tag", "tag", "app", "stop", "offer", "fault", "mend", "jam", "withdraw", "return",
    "unlock", "soft", "hard", "power", "line", "reader", "wait",
]  # fmt: skip
SENSIBLE = {
    "Available": ["plug"], "Preparing": ["tag", "tag", "app", "plug"], "Finishing": ["unplug"], "Faulted": ["mend"],
    "Unavailable": ["return"], "SuspendedEV": ["unplug", "tag", "plug"], "SuspendedEVSE": ["offer", "mend", "unplug"],
}  # fmt: skip
"""What somebody does who knows what the status means."""


class Groups(Policy):
    """TAG_A and TAG_B are a family."""

    def authorize(self, id_tag: str) -> m.IdTagInfo:
        return m.IdTagInfo(status=super().authorize(id_tag).status, parent_id_tag=FAMILY.get(id_tag.upper()))


class Evening:
    """What is known from outside of one charge point, over all its lives."""

    def __init__(self, world: World, cable: str) -> None:
        self.world = world
        self.cable = cable
        self.rng = world.rng("evening")
        self.statuses: dict[int, m.ChargePointStatus] = {}
        self.site: Any = None

    @property
    def point(self) -> ChargePoint:
        point: ChargePoint = self.site.charge_point
        return point

    async def begin(self) -> None:
        configuration = {key: self.rng.choice(values) for key, values in KEYS.items()}
        if self.cable == "fixed":
            del configuration["UnlockConnectorOnEVSideDisconnect"]
        policy = Groups(interval=86_400, id_tags={"BAD": "Blocked"})
        await self.world.start_central_system(policy=policy, ping_interval=None)
        await self.world.start_charge_point(
            "CP_1",
            connectors=2,
            cable=self.cable,
            ping_interval=None,
            configuration=configuration,
            resume_transactions=self.rng.random() < 0.5,
            delays=lambda: iter([5.0] * 100_000),
        )
        self.site = self.world.sites["CP_1"]
        await self.point.wait_for("online")
        self.listen()

    def listen(self) -> None:
        """Every status follows from the one before along an edge."""
        for number, place in self.point.connectors.items():
            self.statuses[number] = place.status
            tell: Callable[..., None] = place.on_change  # type: ignore[assignment]

            def changed(old: Any, event: Any, new: Any, number: int = number, tell: Any = tell) -> None:
                before, self.statuses[number] = self.statuses[number], new
                if number and new != before:
                    self.expect(new in CONNECTOR[before], f"connector {number}: {before} → {new} is no edge")
                tell(old, event, new)

            place.on_change = changed

    def expect(self, holds: object, message: str) -> None:
        self.world.expect(holds, "random drivers", message, "CP_1")

    async def touch(self, kind: str, connector: int) -> None:
        charging, tag = self.point.charging, self.rng.choice(TAGS)
        match kind:
            case "plug":
                power = self.rng.choice([3_700.0, 11_000.0, 22_000.0])
                try:
                    charging.plug_in(connector, Car(wanted=self.rng.uniform(100, 4_000), power=power))
                except IllegalTransition:
                    return
            case "unplug":
                charging.unplug(connector)
            case "tag":
                await charging.present(connector, tag)
            case "reader":
                await charging.present(0, tag)
            case "offer":
                charging.offer(connector, self.rng.choice([None, None, 0, 5.9, 6, 16]))
            case "fault":
                charging.fault(connector, self.rng.choice(["GroundFailure", "EVCommunicationError", "WeakSignal"]))
            case "mend":
                charging.jam_lock(connector, jammed=False)
                charging.clear_fault(connector)
            case "jam":
                charging.jam_lock(connector)
            case "app":
                wanted = self.rng.choice([connector, None])
                await self.ask(m.RemoteStartTransactionRequest(id_tag=tag, connector_id=wanted))
            case "stop":
                if runs := charging.runs(connector):
                    await self.ask(m.RemoteStopTransactionRequest(transaction_id=runs[0] or 0))
            case "unlock":
                await self.ask(m.UnlockConnectorRequest(connector_id=connector))
            case "withdraw" | "return":
                kind_: Any = "Inoperative" if kind == "withdraw" else "Operative"
                number = self.rng.choice([0, connector, connector])
                await self.ask(m.ChangeAvailabilityRequest(connector_id=number, type=kind_))
            case "soft" | "hard":
                await self.ask(m.ResetRequest(type="Soft" if kind == "soft" else "Hard"))
            case "line":
                self.world.cut()
                await asyncio.sleep(self.rng.uniform(0, 40))
                self.world.heal()

    async def ask(self, request: m.Request[Any]) -> None:
        try:
            await self.world.central_system_site.do(self.world.central_system["CP_1"].call(request, timeout=10))
        except (KeyError, OcppError):
            return

    async def power_cut(self) -> None:
        self.site.crash()
        await asyncio.sleep(self.rng.uniform(0, 20))
        await self.site.start()
        self.listen()

    def look(self) -> None:
        """What must hold at any instant."""
        running = [transaction.connector for transaction in self.point.transactions]
        self.expect(len(running) == len(set(running)), f"two transactions at once: {running}")
        for number, session in self.point.charging.bays.sessions.items():
            facts, place = session.facts, session.connector
            self.expect(place.status == status_of(facts), f"connector {number} says {place.status}, with {facts}")
            self.expect((facts.phase == "running") == (number in running), f"{number}: {facts}, and {running} run")
            allowed = facts.phase == "running" and facts.cable and facts.tag and facts.offers and not facts.fault
            self.expect(allowed or place.power == 0, f"{place.power} W with {facts}")
            self.expect(place.power == 0 or place.cable == "fixed" or place.locked, f"{place.power} W, and no lock")
            self.expect(facts.phase != "over" or place.cable_in, f"{number}: over, and nothing to pull")
            if facts.phase == "running" and session.denied:
                given = place.energy - self.point.charging.bays.begun[number].meter_start
                most = self.point.configuration.number("MaxEnergyOnInvalidId")
                self.expect(place.power == 0 or given <= most + 1, f"{given} Wh for a tag that is {session.denied}")

    async def end(self) -> None:
        """Everybody leaves; then the ledger has all that the meters showed."""
        for number in (1, 2):
            self.point.charging.offer(number, None)
            await self.touch("mend", number)
            self.point.charging.end(number, "Local")
            self.point.connectors[number].unlock()
            self.point.charging.unplug(number)
        await asyncio.sleep(200)
        self.expect(len(self.point.outbox) == 0, "messages are left")
        ledger = self.world.central_system_site.ledger
        rows = ledger.rows()
        unstopped = [row["id"] for row in rows if not row["stopped"]]
        self.expect(not unstopped and not ledger.orphans(), f"open in the end: {unstopped}, {ledger.orphans()}")
        for number in (1, 2):
            here = sorted((row["meter_start"], row["meter_stop"]) for row in rows if row["connector"] == number)
            energy = int(self.point.connectors[number].energy)
            ends = [0, *(each for pair in here for each in pair), energy]
            paid = all(one == other for one, other in zip(ends[::2], ends[1::2], strict=True))
            self.expect(paid, f"Wh of connector {number} that nobody pays for, or twice: {here}, {energy}")

    def next_touch(self) -> tuple[str, int]:
        """Anything, or what makes sense there."""
        connector = self.rng.choice([1, 2])
        sensible = SENSIBLE.get(self.statuses[connector], ["wait"])
        return self.rng.choice(sensible if self.rng.random() < 0.5 else ANYTHING), connector


async def evening(world: World, cable: str = "socket", touches: int = 50) -> int:
    """So many touches, and then everybody leaves. Returns how many transactions there were."""
    night = Evening(world, cable)
    await night.begin()
    for _ in range(touches):
        kind, connector = night.next_touch()
        if kind == "power":
            await night.power_cut()
        else:
            await night.site.do(night.touch(kind, connector))
        night.look()
        await asyncio.sleep(night.rng.choice([0.0, 0.5, 5.0, 5.0, 30.0, 300.0]))
        night.look()
    try:
        async with asyncio.timeout(200):
            await night.point.wait_for("online")
    except (TimeoutError, NotConnected):
        night.expect(False, f"not online in the end: {night.point.state}")
    await night.site.do(night.end())
    return len(world.central_system_site.ledger.rows())


SEEDS = scaled(300, 10_000)
PARTS = 10
TOUCHES = [10, 15, 25, 50]
"""In an evening, by seed: short ones try many beginnings, long ones get far."""


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.time_limit(scaled(120, 3600))
def test_random_drivers(part: int) -> None:
    """A third of the evenings on fixed cables. Not all of them may be quiet ones."""
    charged = 0
    for seed in range(part, SEEDS, PARTS):
        rng = Random(seed)
        cable = "fixed" if rng.random() < 0.3 else "socket"
        charged += simulate(partial(evening, cable=cable, touches=rng.choice(TOUCHES)), seed)
    assert charged > SEEDS / PARTS
