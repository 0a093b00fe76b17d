"""Pending and Rejected: the interval is a minimum (core 4.2), whatever happens to the connection meanwhile."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from ocpp_lab import CentralSystem, ChargePoint, Policy
from ocpp_lab import messages as m
from ocpp_lab.charge_point.boot_interval import BootInterval
from tests.pair import calls, connections, on, pair, simulated, states
from tests.simulated import clock

BOOT = "BootNotification"
OPTIONS: dict[str, Any] = {"delays": lambda: itertools.repeat(5.0)}


def boots(central_system: CentralSystem) -> list[float]:
    return [round(at) for at, action in calls(central_system) if action == BOOT]


async def lose(central_system: CentralSystem, charge_point: ChargePoint) -> None:
    await on("cs", central_system["CP_1"].close(1001))
    await charge_point.wait_for("waiting")


@simulated
async def test_pending_survives_a_lost_connection() -> None:
    """Seen before: boots at 1, 7 and 21 s. It comes back, says nothing, and can be asked; the interval goes on."""
    async with pair(Policy("Pending", 300), **OPTIONS) as (central_system, charge_point):
        await charge_point.wait_for("pending")
        for lines in range(1, 4):
            await asyncio.sleep(10)
            await lose(central_system, charge_point)
            assert await charge_point.wait_for("pending") == "pending"
            assert connections(central_system) == lines + 1
        await asyncio.sleep(1)
        asked = await central_system["CP_1"].call(m.GetConfigurationRequest(key=["NumberOfConnectors"]))
        assert asked.configuration_key
        await asyncio.sleep(301 - clock())
        assert boots(central_system) == [0, 300]
        assert "online" not in states(charge_point)


@simulated
async def test_rejected_waits_to_connect() -> None:
    """Core 4.2: until the interval is over nothing may be said and nothing is answered, so a connection has no use."""
    policy = Policy("Rejected", 300)
    async with pair(policy, **OPTIONS) as (central_system, charge_point):
        await charge_point.wait_for("rejected")
        await asyncio.sleep(10)
        await lose(central_system, charge_point)
        policy.registration = "Accepted"
        await asyncio.sleep(280)
        assert (charge_point.state, charge_point.uptime.dials["connected"]) == ("waiting", 1)
        await charge_point.wait_for("online")
        assert boots(central_system) == [0, 300] and connections(central_system) == 2


@simulated
async def test_a_trigger_ends_the_interval_on_the_next_connection_too() -> None:
    """It was Accepted, and then the connection was lost before the boot went out."""
    async with pair(Policy("Pending", 300), **OPTIONS) as (central_system, charge_point):
        await charge_point.wait_for("pending")
        await asyncio.sleep(10)
        await lose(central_system, charge_point)
        await charge_point.wait_for("pending")
        await asyncio.sleep(1)
        request = m.TriggerMessageRequest(requested_message=BOOT)
        assert (await central_system["CP_1"].call(request)).status == "Accepted"
        await asyncio.sleep(1)
        assert boots(central_system) == [0, 16]
        charge_point.gate.boot_now()
        await on("cs", central_system["CP_1"].close(1001))
        await charge_point.wait_for("waiting")
        await asyncio.sleep(6)
        assert boots(central_system)[2] <= 23


@simulated
async def test_a_boot_that_nobody_answered_is_sent_on_the_next_connection() -> None:
    """The interval was over when it went out: there is nothing more to wait for."""
    async with pair(Policy("Pending", 100), **OPTIONS) as (central_system, charge_point):
        await charge_point.wait_for("pending")
        central_system.faults.ignore(BOOT, times=1)
        await asyncio.sleep(101)
        assert boots(central_system) == [0, 100] and charge_point.state == "booting"
        await lose(central_system, charge_point)
        await asyncio.sleep(6)
        assert boots(central_system) == [0, 100, 106]


@simulated
async def test_a_restart_boots_at_once() -> None:
    """Core 4.2: a BootNotification each time that it boots or reboots. Whoever asks for a reset wants one."""
    async with pair(Policy("Pending", 300), **OPTIONS) as (central_system, charge_point):
        await charge_point.wait_for("pending")
        await asyncio.sleep(10)
        assert (await central_system["CP_1"].call(m.ResetRequest(type="Soft"))).status == "Accepted"
        await asyncio.sleep(10)
        assert boots(central_system) == [0, 15]


@simulated
@pytest.mark.parametrize("status", ["Pending", "Rejected"])
async def test_it_stops_at_once_while_it_waits(status: Any) -> None:
    """Connected or not."""
    async with pair(Policy(status, 100_000), **OPTIONS) as (central_system, charge_point):
        await charge_point.wait_for(status.lower())
        await lose(central_system, charge_point)
        await asyncio.sleep(50)
        began = clock()
        await on("cp", charge_point.stop())
        assert clock() == began


@simulated
async def test_the_interval_itself() -> None:
    """The newest one counts; over is over."""
    interval = BootInterval()
    assert interval.left == 0
    interval.begin(10)
    await asyncio.sleep(4)
    assert interval.left == 6
    interval.begin(3)
    await asyncio.sleep(2)
    assert interval.left == 1
    interval.end()
    assert interval.left == 0
    interval.begin(1)
    await asyncio.sleep(2)
    assert interval.left == 0
