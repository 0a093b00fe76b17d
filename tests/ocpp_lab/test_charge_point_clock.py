"""A charge point whose clock is wrong, or set, or both: what it says of its events, and what it does not lose by it.

The simulation's clock is the central system's; the charge point's own is ``Wrong``. On simulated time.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ocpp_lab import Call, CentralSystem, ChargePoint, Policy
from ocpp_lab import messages as m
from ocpp_lab.station.car import Car
from tests.fakes import NOON, Failing, power_cut
from tests.own_side import broken
from tests.pair import (
    central_system_alone,
    charge_point_alone,
    cut,
    heal,
    pair,
    payloads,
    sent_transaction_messages,
    simulated,
    simulated_now,
)
from tests.simulated import fresh_path

BOOT, STATUS = "BootNotification", "StatusNotification"
START, STOP, METER = "StartTransaction", "StopTransaction", "MeterValues"
OPTIONS: dict[str, Any] = {"delays": lambda: itertools.repeat(10.0), "ping_interval": 30}
MILLISECOND = timedelta(milliseconds=1)


class Wrong:
    """A clock that runs with the simulation's, so many seconds ahead; ``ahead`` can be changed at any time."""

    def __init__(self, ahead: float) -> None:
        self.ahead = ahead

    def __call__(self) -> datetime:
        return simulated_now() + timedelta(seconds=self.ahead)


@asynccontextmanager
async def online(now: Wrong, interval: int = 1000, **options: Any) -> AsyncIterator[tuple[CentralSystem, ChargePoint]]:
    """Both, a second after the boot; a heartbeat every ``interval`` seconds, no readings."""
    server = options.pop("server", None)
    async with pair(Policy(interval=interval), server, now=now, **(OPTIONS | options)) as (
        central_system,
        charge_point,
    ):
        charge_point.configuration["MeterValueSampleInterval"] = "0"
        await charge_point.wait_for("online")
        await asyncio.sleep(1)
        yield central_system, charge_point


def begin(charge_point: ChargePoint) -> None:
    """A car is plugged in and charges; nobody is asked. 1 Wh a second."""
    charge_point.charging.plug_in(1, Car(wanted=1e6, power=3_600))
    charge_point.charging.start(1, "TAG_A")


def instants(central_system: CentralSystem, *wanted: str) -> list[float]:
    """The timestamps of these messages, in the order in which they came: seconds since `NOON`."""
    found: list[str] = []
    for event in central_system.received:
        match event.frame:
            case Call(action=action, payload={"timestamp": timestamp}) if action in wanted:
                found.append(timestamp)
            case Call(action=action, payload={"meterValue": [{"timestamp": timestamp}]}) if action in wanted:
                found.append(timestamp)
    return [(datetime.fromisoformat(each) - NOON).total_seconds() for each in found]


def check(central_system: CentralSystem) -> None:
    """No timestamp twice, and none goes back. Statuses may overtake transaction messages (core 3.7)."""
    transaction = instants(central_system, START, METER, STOP)
    statuses = instants(central_system, STATUS)
    assert transaction == sorted(transaction) and statuses == sorted(statuses)
    assert len({*transaction, *statuses}) == len(transaction) + len(statuses)


# It is set ------------------------------------------------------------------------------------------------------------


@simulated
@pytest.mark.parametrize("ahead", [-7200.0, -1.5, 0.0, 1.5, 7200.0, -63 * 365 * 86_400.0])
async def test_events_have_the_central_systems_time(ahead: float) -> None:
    """Core 4.2: set by the boot, before anything else is said. Every kind of event; none shares its instant."""
    async with online(Wrong(ahead)) as (central_system, charge_point):
        charge_point.configuration["MeterValueSampleInterval"] = "60"
        begin(charge_point)
        await asyncio.sleep(61)
        charge_point.charging.unplug(1)
        await asyncio.sleep(1)
        assert instants(central_system, START, METER, STOP) == pytest.approx([1, 61, 62], abs=0.02)
        assert instants(central_system, STATUS) == pytest.approx([0, 0, 1, 1, 62, 62], abs=0.02)
        check(central_system)


@simulated
async def test_a_heartbeat_sets_it_too() -> None:
    """Core 4.6: our clock drifts, or theirs is set; within one heartbeat events follow."""
    wrong = Wrong(0)
    async with online(wrong, interval=60) as (central_system, charge_point):
        begin(charge_point)
        wrong.ahead = -500.0
        await asyncio.sleep(70)
        charge_point.charging.stop(1, "Local")
        await asyncio.sleep(1)
        [row] = central_system.ledger.rows()
        stopped = (datetime.fromisoformat(row["stopped"]) - NOON).total_seconds()
        assert stopped == pytest.approx(71, abs=0.02)


@simulated
async def test_any_heartbeat_that_is_answered() -> None:
    """Also one that was triggered, or that somebody else's piece sends."""
    wrong = Wrong(0)
    async with online(wrong) as (central_system, charge_point):
        for ahead, beat in ((100.0, charge_point.call(m.HeartbeatRequest())), (-200.0, None)):
            wrong.ahead = ahead
            if beat:
                await beat
            else:
                await central_system["CP_1"].call(m.TriggerMessageRequest(requested_message="Heartbeat"))
            await asyncio.sleep(1)
            assert abs(charge_point.clock.now() - simulated_now()) < 20 * MILLISECOND


@simulated
async def test_skew_is_measured_against_the_unadjusted_clock() -> None:
    """``Heartbeat.clock_offset`` says how wrong our own clock is, however often it was set."""
    async with online(Wrong(-3600), interval=60) as (_, charge_point):
        await asyncio.sleep(200)
        assert charge_point.heartbeat.clock_offset == pytest.approx(3600, abs=0.02)
        assert charge_point.now() == simulated_now() - timedelta(hours=1)


@simulated
async def test_it_may_be_switched_off() -> None:
    """``set_clock=False``: events have our own time, however wrong; the skew is measured all the same."""
    async with online(Wrong(-3600), interval=60, set_clock=False) as (central_system, charge_point):
        await asyncio.sleep(100)
        assert instants(central_system, STATUS) == pytest.approx([-3600, -3600], abs=0.02)
        assert charge_point.heartbeat.clock_offset == pytest.approx(3600, abs=0.02)


@simulated
@pytest.mark.parametrize(
    ("told", "believed"),
    [
        ("0001-01-01T00:00:00Z", False),
        ("9999-12-31T23:59:59.999Z", False),
        ("1970-01-01T00:00:00Z", False),
        ("2050-01-15T12:00:00Z", False),
        ("2031-06-01T12:00:00", True),
        ("2029-06-01T12:00:00+14:00", True),
    ],
)
async def test_an_absurd_time_kills_nobody(told: str, believed: bool) -> None:
    """Online, charging, delivered; a time that cannot be true is not taken, one without an offset is UTC."""
    async with central_system_alone(policy=Policy(interval=60)) as central_system:
        answer = {"status": "Accepted", "interval": 60, "currentTime": told}
        central_system.faults.wrong_payload(BOOT, payload=answer, effect=True)
        central_system.faults.wrong_payload("Heartbeat", payload={"currentTime": told})
        async with charge_point_alone(**OPTIONS) as charge_point:
            await charge_point.wait_for("online")
            await asyncio.sleep(200)
            begin(charge_point)
            await asyncio.sleep(1)
            charge_point.charging.stop(1, "Local")
            await asyncio.sleep(1)
            assert charge_point.state == "online" and charge_point.life.failures == 0
            assert len(charge_point.outbox) == 0 and charge_point.uptime.losses == 0
            [row] = central_system.ledger.rows()
            away = abs(datetime.fromisoformat(row["started"]) - simulated_now())
            assert (away > timedelta(days=100)) == believed


@simulated
async def test_pending_tells_no_time() -> None:
    """Core 4.2 speaks of the time of an answer that says Accepted."""
    policy = Policy("Pending", 50)
    async with pair(policy, now=Wrong(-500), **OPTIONS) as (_, charge_point):
        await charge_point.wait_for("pending")
        assert charge_point.clock.offset == timedelta()
        policy.registration = "Accepted"
        await charge_point.wait_for("online")
        assert charge_point.clock.offset.total_seconds() == pytest.approx(500, abs=0.02)


# It is set back -------------------------------------------------------------------------------------------------------


@simulated
async def test_set_back_no_event_goes_back() -> None:
    """An hour: the next events are a millisecond apart, in order, and no start is taken for a repeat of another."""
    theirs = Wrong(3600)
    async with online(Wrong(0), interval=60, server={"now": theirs}) as (central_system, charge_point):
        for _ in range(3):
            begin(charge_point)
            charge_point.charging.unplug(1)
            theirs.ahead = 0.0
            await asyncio.sleep(70)
        check(central_system)
        assert instants(central_system, START, STOP) == pytest.approx([3601] * 6, abs=0.1)
        assert abs(charge_point.clock.now() - simulated_now()) < 20 * MILLISECOND
        assert len(central_system.ledger.rows()) == 3


@simulated
async def test_the_meter_knows_no_clock() -> None:
    """Register, sample interval and the car's end are loop time, whatever jumps."""
    wrong = Wrong(0)
    async with online(wrong, interval=10) as (central_system, charge_point):
        charge_point.configuration["MeterValueSampleInterval"] = "100"
        charge_point.charging.plug_in(1, Car(wanted=450, power=3_600))
        charge_point.charging.start(1, "TAG_A")
        for ahead in (7200.0, -7200.0, 1e7, 0.0):
            await asyncio.sleep(100)
            wrong.ahead = ahead
        await asyncio.sleep(101)
        charge_point.charging.stop(1, "Local")
        await asyncio.sleep(1)
        readings = [f"Meter {wh}" for wh in (100, 200, 300, 400, 450)]
        assert sent_transaction_messages(central_system) == ["Start 0", *readings, "Stop 450"]
        check(central_system)


@simulated
async def test_a_repeat_is_still_a_repeat() -> None:
    """The timestamp was written down with the message: set meanwhile, it goes out as it was, and is one transaction."""
    wrong = Wrong(0)
    async with online(wrong, interval=60) as (central_system, charge_point):
        central_system.faults.abort(START, times=1, effect=True)
        begin(charge_point)
        wrong.ahead = -3600.0
        await asyncio.sleep(100)
        charge_point.charging.stop(1, "Local")
        await asyncio.sleep(1)
        one, two = payloads(central_system, START)
        assert one == two
        [row] = central_system.ledger.rows()
        assert row["reason"] == "Local" and row["started"] < row["stopped"]


@simulated
async def test_a_tag_expires_by_the_central_systems_date() -> None:
    """Its date is theirs too. To look at the clock is no event: it makes no timestamp later."""
    wrong = Wrong(-3600)
    async with online(wrong, interval=60) as (_, charge_point):
        info = m.IdTagInfo(status="Accepted", expiry_date=simulated_now() + timedelta(seconds=100))
        charge_point.cache.learn("TAG_A", info)
        charge_point.configuration["AuthorizationCacheEnabled"] = "true"
        cut()
        await charge_point.wait_for("waiting")
        assert await charge_point.charging.authorize("TAG_A") == "Accepted"
        newest = charge_point.memory.store.execute("SELECT newest FROM clock")
        await asyncio.sleep(100)
        assert await charge_point.charging.authorize("TAG_A") == "Expired"
        assert charge_point.memory.store.execute("SELECT newest FROM clock") == newest
        heal()


# The power goes -------------------------------------------------------------------------------------------------------


@simulated
@pytest.mark.parametrize("ahead", [0.0, -3600.0, -63 * 365 * 86_400.0], ids=["right", "an hour behind", "in 1967"])
async def test_a_restart_with_another_clock(ahead: float, tmp_path: Path) -> None:
    """Seen: two starts at 1970-01-01 with the same tag and meter are one transaction. Nothing is said before the start,
    for the charge point is offline: what was given before the cut is in the file."""
    path = fresh_path(tmp_path, "cp")
    async with central_system_alone() as central_system:
        async with charge_point_alone(path=path, **OPTIONS) as charge_point:
            charge_point.configuration["MeterValueSampleInterval"] = "0"
            await charge_point.wait_for("online")
            cut()
            await charge_point.wait_for("waiting")
            begin(charge_point)
            charge_point.charging.unplug(1)
            left = power_cut(path)
        async with charge_point_alone(path=left, now=Wrong(ahead), **OPTIONS) as charge_point:
            begin(charge_point)
            heal()
            await charge_point.wait_for("online")
            await asyncio.sleep(1)
            rows = central_system.ledger.rows()
            assert len(rows) == 2 and rows[0]["started"] < rows[0]["stopped"] < rows[1]["started"]


@simulated
async def test_closed_with_its_newest_reading(tmp_path: Path) -> None:
    """Core 4.10: a stop after a power cut has the instant of that reading, which was given then; none goes back."""
    path = fresh_path(tmp_path, "cp")
    async with central_system_alone() as central_system:
        async with charge_point_alone(path=path, now=Wrong(600), **OPTIONS) as charge_point:
            charge_point.configuration["MeterValueSampleInterval"] = "100"
            await charge_point.wait_for("online")
            begin(charge_point)
            await asyncio.sleep(150)
            left = power_cut(path)
        async with charge_point_alone(path=left, now=Wrong(-600), **OPTIONS) as charge_point:
            await charge_point.wait_for("online")
            await asyncio.sleep(1)
            [row] = central_system.ledger.rows()
            [reading] = central_system.ledger.readings(row["id"])
            assert (row["reason"], row["stopped"]) == ("PowerLoss", reading["at"])
            assert row["started"] < row["stopped"]


@simulated
async def test_a_restart_after_what_was_owed(tmp_path: Path) -> None:
    """The stop could not be written when it happened. Once it is, so is its timestamp: no later start gets it."""
    path = fresh_path(tmp_path, "cp")
    async with central_system_alone() as central_system:
        async with charge_point_alone(path=path, **OPTIONS) as charge_point:
            charge_point.configuration["MeterValueSampleInterval"] = "0"
            await charge_point.wait_for("online")
            cut()
            await charge_point.wait_for("waiting")
            begin(charge_point)
            await asyncio.sleep(1000)
            with broken(charge_point):
                charge_point.charging.unplug(1)
            charge_point.charging.owed.pay()
            left = power_cut(path)
        async with charge_point_alone(path=left, now=Wrong(-3600), **OPTIONS) as charge_point:
            begin(charge_point)
            heal()
            await charge_point.wait_for("online")
            await asyncio.sleep(1)
            first, second = central_system.ledger.rows()
            assert first["started"] < first["stopped"] < second["started"]


@simulated
async def test_a_status_is_told_though_the_disk_is_full() -> None:
    """It needs nothing written; the transaction that cannot be written has not begun."""
    async with online(Wrong(0)) as (central_system, charge_point):
        charge_point.memory.store.before = Failing(1, once=False)
        charge_point.connectors[1].become("Faulted")
        charge_point.connectors[1].become("Available")
        await asyncio.sleep(1)
        told = [(each["connectorId"], each["status"]) for each in payloads(central_system, STATUS)]
        assert told[-2:] == [(1, "Faulted"), (1, "Available")]
        check(central_system)
        charge_point.memory.store.before = lambda sql: None
