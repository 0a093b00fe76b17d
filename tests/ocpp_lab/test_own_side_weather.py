"""A disk that fails again and again while two drivers charge: nothing is lost, nothing is sent twice.

On simulated time, by seed. No connection is lost here but by our own failures, so no reply is lost either.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from contextlib import suppress
from random import Random
from typing import Any

from ocpp_lab import CentralSystem, ChargePoint, Policy
from ocpp_lab import messages as m
from ocpp_lab.errors import OcppError
from ocpp_lab.station.car import Car
from tests.house import scaled
from tests.own_side import START, STOP, broken, online, refusing
from tests.pair import payloads, simulated

HOURS = 0.25
FAILS_AT = ["BEGIN", "COMMIT", "INTO outbox", "FROM outbox", "transaction_ids", "INTO tags", "FROM transactions"]
"""Words of the statements that fail together."""


class Driver:
    """Does what can be done at one connector, and hears no as often as the disk fails."""

    def __init__(self, central_system: CentralSystem, charge_point: ChargePoint, connector: int, rng: Random) -> None:
        self.central_system = central_system
        self.charging = charge_point.charging
        self.place = charge_point.connectors[connector]
        self.connector = connector
        self.rng = rng

    async def live(self) -> None:
        while True:
            await asyncio.sleep(self.rng.uniform(0.5, 20))
            with suppress(OcppError, KeyError):  # a no; or the charge point is not connected
                await self.act()

    async def act(self) -> None:
        if self.place.car is None:
            self.charging.plug_in(self.connector, Car(power=36_000, wanted=self.rng.uniform(50, 5000)))
            return
        match self.rng.randrange(5):
            case 0 | 1:
                self.charging.unplug(self.connector)
            case 2 | 3:
                await self.charging.present(self.connector, self.rng.choice(["TAG_A", "TAG_A", "BAD"]))
            case 4:
                request = m.RemoteStartTransactionRequest(id_tag="TAG_A", connector_id=self.connector)
                await self.central_system["CP_1"].call(request)


async def fail_now_and_then(charge_point: ChargePoint, rng: Random) -> None:
    while True:
        await asyncio.sleep(rng.uniform(1, 40))
        failing: Any = broken(charge_point, rng.randint(1, 12))
        if rng.random() < 0.5:
            failing = refusing(charge_point, rng.choice(FAILS_AT))
        with failing:
            await asyncio.sleep(rng.choice([0.01, 0.5, 1.5, 12]))


@simulated(seeds=scaled(3, 100))
async def test_two_drivers_and_a_bad_disk() -> None:
    """Afterwards every transaction is complete, in order, with its real id; each message came once."""
    loop: Any = asyncio.get_running_loop()
    rng = Random(loop.seed)
    keys = {"MeterValueSampleInterval": "7", "AllowOfflineTxForUnknownId": "true"}
    options: dict[str, Any] = {"connectors": 2, "policy": Policy(id_tags={"BAD": "Blocked"})}
    async with online(keys, delays=lambda: (rng.uniform(1, 5) for _ in itertools.count()), **options) as both:
        central_system, charge_point = both
        works = [Driver(central_system, charge_point, connector, rng).live() for connector in (1, 2)]
        tasks = [asyncio.create_task(work) for work in (*works, fail_now_and_then(charge_point, rng))]
        await asyncio.sleep(HOURS * 3600)
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in ended), ended
        charge_point.charging.unplug(1)
        charge_point.charging.unplug(2)
        await asyncio.sleep(100)
        assert charge_point.state == "online" and charge_point.memory.store.failures > 0
        check(central_system, charge_point)


def check(central_system: CentralSystem, charge_point: ChargePoint) -> None:
    left = len(charge_point.outbox), len(charge_point.charging.owed), list(charge_point.transactions)
    assert left == (0, 0, []) and charge_point.outbox.drops == {}
    rows = central_system.ledger.rows()
    assert len(rows) > 5 and central_system.ledger.orphans() == []
    assert [row["id"] for row in rows if row["stopped"] is None] == []
    starts = [(each["connectorId"], each["timestamp"]) for each in payloads(central_system, START)]
    stops = [each["transactionId"] for each in payloads(central_system, STOP)]
    assert max(Counter(starts).values()) == max(Counter(stops).values()) == 1
    for connector in (1, 2):
        times = [
            (row[name], row[meter])
            for row in rows
            for name, meter in (("started", "meter_start"), ("stopped", "meter_stop"))
            if row["connector"] == connector
        ]
        assert times == sorted(times), "one after the other, and no meter goes back"
