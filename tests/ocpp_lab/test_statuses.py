"""`Statuses`: what the central system is told of the connectors, and when (core 4.9; core errata 3.22)."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from ocpp_lab import CentralSystem, ChargePoint, Policy
from ocpp_lab import messages as m
from tests.fakes import NOON
from tests.pair import actions, calls, on, pair, payloads, simulated, simulated_now
from tests.simulated import clock

STATUS = "StatusNotification"


@asynccontextmanager
async def online(**options: Any) -> AsyncIterator[tuple[CentralSystem, ChargePoint]]:
    """Both, with two connectors, after the statuses that follow the boot."""
    options = {"connectors": 2, "delays": lambda: itertools.repeat(10.0), "now": simulated_now} | options
    async with pair(**options) as (central_system, charge_point):
        await charge_point.wait_for("online")
        await asyncio.sleep(1)
        yield central_system, charge_point


def told(central_system: CentralSystem) -> list[tuple[int, str]]:
    return [(each["connectorId"], each["status"]) for each in payloads(central_system, STATUS)]


ALL = [(0, "Available"), (1, "Available"), (2, "Available")]


async def lose(central_system: CentralSystem, charge_point: ChargePoint) -> None:
    """The line, for 10 s."""
    await on("cs", central_system["CP_1"].close(1001))
    await charge_point.wait_for("waiting")


async def back(charge_point: ChargePoint) -> None:
    await charge_point.wait_for("online")
    await asyncio.sleep(1)


@simulated
async def test_after_the_boot_all() -> None:
    """Core errata 3.22: connector 0 and each, with the instant, which no two share, and no error."""
    async with online() as (central_system, _):
        assert told(central_system) == ALL
        assert {each["errorCode"] for each in payloads(central_system, STATUS)} == {"NoError"}
        instants = [datetime.fromisoformat(each["timestamp"]) for each in payloads(central_system, STATUS)]
        assert instants == [NOON + timedelta(milliseconds=n) for n in range(3)]


@simulated
async def test_online_every_change_in_order() -> None:
    """Also those that follow each other faster than they are answered, each with its own instant."""
    async with online() as (central_system, charge_point):
        central_system.faults.delay(STATUS, seconds=3)
        began = clock()
        changes: list[tuple[int, m.ChargePointStatus]] = [
            (1, "Preparing"), (2, "Unavailable"), (1, "Charging"), (1, "Finishing"), (1, "Available"), (0, "Faulted"),
        ]  # fmt: skip
        for connector, status in changes:
            charge_point.connectors[connector].become(status)
            await asyncio.sleep(0.5)
        await asyncio.sleep(60)
        assert told(central_system) == ALL + changes
        instants = [datetime.fromisoformat(each["timestamp"]) - NOON for each in payloads(central_system, STATUS)[3:]]
        assert instants == [timedelta(seconds=began + 0.5 * n) for n in range(6)]


@simulated
async def test_what_is_no_change_is_not_told() -> None:
    async with online() as (central_system, charge_point):
        charge_point.connectors[1].become("Available")
        await asyncio.sleep(10)
        assert told(central_system) == ALL


@simulated
async def test_after_the_dark_only_what_changed_and_only_now() -> None:
    """Core 4.9: the current status, no history; what is as it was is not told again."""
    async with online() as (central_system, charge_point):
        await lose(central_system, charge_point)
        one, two = charge_point.connectors[1], charge_point.connectors[2]
        for status in ("Preparing", "Charging", "Finishing"):
            one.become(status)
        two.become("Unavailable")
        two.become("Available")
        await back(charge_point)
        assert told(central_system) == [*ALL, (1, "Finishing")]
        assert actions(central_system).count("BootNotification") == 1
        one.become("Available")
        await asyncio.sleep(1)
        assert told(central_system)[4:] == [(1, "Available")]


@simulated
async def test_report_all_after_the_dark() -> None:
    """As libocpp does: every connector after every reconnect."""
    async with online(report_all=True) as (central_system, charge_point):
        for _ in range(2):
            await lose(central_system, charge_point)
            await back(charge_point)
        assert told(central_system) == ALL * 3


@simulated
async def test_after_another_boot_all_again() -> None:
    """Core errata 3.22: a central system that accepts us anew knows nothing."""
    async with online(policy=Policy(interval=100)) as (central_system, charge_point):
        charge_point.connectors[2].become("Unavailable")
        await asyncio.sleep(1)
        central_system.registrations.clear()
        await asyncio.sleep(150)
        assert told(central_system)[4:] == [(0, "Available"), (1, "Available"), (2, "Unavailable")]


@simulated
async def test_what_was_lost_with_the_line_is_told_again() -> None:
    """Nobody knows whether it arrived."""
    async with online() as (central_system, charge_point):
        central_system.faults.abort(STATUS, times=1)
        charge_point.connectors[1].become("Preparing")
        charge_point.connectors[2].become("Unavailable")
        await charge_point.wait_for("waiting")
        await back(charge_point)
        assert told(central_system)[3:] == [(1, "Preparing"), (1, "Preparing"), (2, "Unavailable")]


@simulated
@pytest.mark.parametrize("fault", ["ignore", "call_error", "wrong_payload"])
async def test_a_refused_status_stops_nothing(fault: str) -> None:
    """Others follow meanwhile; after the next reconnect it is told again."""
    async with online() as (central_system, charge_point):
        getattr(central_system.faults, fault)(STATUS, times=1)
        charge_point.connectors[1].become("Charging")
        charge_point.connectors[2].become("Unavailable")
        await asyncio.sleep(60)
        assert told(central_system)[3:] == [(1, "Charging"), (2, "Unavailable")]
        await lose(central_system, charge_point)
        await back(charge_point)
        assert told(central_system)[5:] == [(1, "Charging")]


@simulated
@pytest.mark.parametrize("effect", [False, True])
async def test_silence_is_no_answer(effect: bool) -> None:
    """Told again a minute after the timeout, then two: the status of that moment, and only until it is answered."""
    async with online() as (central_system, charge_point):
        central_system.faults.ignore(STATUS, times=2, effect=effect)
        began = clock()
        charge_point.connectors[1].become("Charging")
        await asyncio.sleep(100)
        charge_point.connectors[2].become("Charging")  # the others are not held up
        await asyncio.sleep(600)
        at = [round(when - began) for when, action in calls(central_system) if action == STATUS][3:]
        assert at == [0, 90, 120, 240]
        assert told(central_system)[3:] == [(1, "Charging"), (1, "Charging"), (2, "Charging"), (1, "Charging")]


@simulated
async def test_silence_about_what_is_over_is_not_repaired() -> None:
    """A newer status was told meanwhile: there is nothing to say again."""
    async with online() as (central_system, charge_point):
        central_system.faults.ignore(STATUS, times=1)
        charge_point.connectors[1].become("Preparing")
        await asyncio.sleep(40)
        charge_point.connectors[1].become("Charging")
        await asyncio.sleep(600)
        assert told(central_system)[3:] == [(1, "Preparing"), (1, "Charging")]


@simulated
async def test_back_to_what_was_told_before_a_loss() -> None:
    """The lost one may have arrived: the central system must not go on believing it."""
    async with online() as (central_system, charge_point):
        central_system.faults.abort(STATUS, times=1, effect=True)
        charge_point.connectors[1].become("Preparing")
        await charge_point.wait_for("waiting")
        assert central_system.answers.statuses["CP_1", 1].status == "Preparing"
        charge_point.connectors[1].become("Available")
        await back(charge_point)
        assert told(central_system)[3:] == [(1, "Preparing"), (1, "Available")]


@simulated
async def test_until_accepted_nothing() -> None:
    """Core 4.2: what changed while Pending is in the statuses that follow the acceptance."""
    policy = Policy("Pending", 50)
    async with pair(policy, now=simulated_now) as (central_system, charge_point):
        await charge_point.wait_for("pending")
        charge_point.connectors[1].become("Preparing")
        charge_point.connectors[1].become("Charging")
        await asyncio.sleep(10)
        policy.registration = "Accepted"
        await asyncio.sleep(50)
        assert [action for _, action in calls(central_system)] == ["BootNotification"] * 2 + [STATUS] * 2
        assert told(central_system) == [(0, "Available"), (1, "Charging")]


@simulated
async def test_asked_for_it_is_told_again() -> None:
    """Core 5.17: also what is known already."""
    async with online() as (central_system, _):
        for connector in (1, None):
            request = m.TriggerMessageRequest(requested_message=STATUS, connector_id=connector)
            assert (await central_system["CP_1"].call(request)).status == "Accepted"
            await asyncio.sleep(1)
        assert told(central_system) == [*ALL, (1, "Available"), *ALL]
