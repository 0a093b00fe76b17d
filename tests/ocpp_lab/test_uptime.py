"""How long the line held, how often it was dialled, how long it took to come back; on simulated time."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from ocpp_lab import HandshakeRefused, Policy
from ocpp_lab import messages as m
from ocpp_lab.charge_point.uptime import Uptime
from tests.pair import central_system_alone, charge_point_alone, on, pair, serving
from tests.simulated import simulated

EVERY_10_S: dict[str, Any] = {"delays": lambda: itertools.repeat(10.0)}


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_life_by_hand() -> None:
    """100 s online, 30 s away with one failed dial and a line that died while booting, 50 s online, the end."""
    clock, outages = Clock(), []
    uptime = Uptime(clock, outages.append)
    story = [
        (0, "disconnected", "connecting"),
        (5, "connecting", "booting"),
        (10, "booting", "online"),
        (110, "online", "waiting"),
        (112, "waiting", "connecting"),
        (115, "connecting", "waiting"),  # a failed dial: no connection was lost
        (120, "waiting", "connecting"),
        (121, "connecting", "booting"),
        (125, "booting", "waiting"),
        (135, "waiting", "connecting"),
        (140, "connecting", "online"),
        (190, "online", "stopped"),
    ]
    for clock.now, old, new in story:
        uptime.changed(old, new)
    clock.now = 1000
    assert uptime.connected_seconds == 150
    assert uptime.losses == 2
    assert outages == [30]


def test_to_boot_again_is_no_loss() -> None:
    """SecurityError: the line is good, it is only booted again (J-errata 3.8)."""
    clock, outages = Clock(), []
    uptime = Uptime(clock, outages.append)
    for clock.now, old, new in [(0, "booting", "online"), (10, "online", "booting"), (12, "booting", "online")]:
        uptime.changed(old, new)
    clock.now = 20
    assert (uptime.losses, outages, uptime.connected_seconds) == (0, [], 18)


def test_dials_by_outcome() -> None:
    """A status that HTTP does not know is "other": the peer must not invent outcomes without end."""
    uptime = Uptime(Clock())
    for error in [None, OSError(), HandshakeRefused(401), HandshakeRefused(404), HandshakeRefused(503)]:
        uptime.dialled(error)
    for status in range(600, 900):
        uptime.dialled(HandshakeRefused(status))
    once = ("connected", "unreachable", "refused_401", "refused_404", "refused_503")
    assert uptime.dials == {**dict.fromkeys(once, 1), "refused_other": 300}


@simulated
@pytest.mark.parametrize(
    ("options", "status"),
    [({"identities": ["CP_2"]}, 404), ({"passwords": {"CP_1": "0123456789abcdef0"}}, 401), ({}, 503)],
)
async def test_a_door_that_is_shut(options: dict[str, Any], status: int) -> None:
    """J-spec 3.2: each dial is counted once, by the status it met."""
    async with central_system_alone(**options) as server, charge_point_alone(**EVERY_10_S) as point:
        if status == 503:
            server.faults.refuse(status=503)
        await asyncio.sleep(25)
        assert point.uptime.dials == {f"refused_{status}": 3}
        assert server.refused == {status: 3}
        assert (point.uptime.losses, point.uptime.connected_seconds) == (0, 0)


@simulated
async def test_nobody_is_there_and_then_somebody_is() -> None:
    async with charge_point_alone(**EVERY_10_S) as point:
        await asyncio.sleep(25)
        assert set(point.uptime.dials) == {"unreachable"} and point.uptime.dials["unreachable"] == 3
        server = await serving()
        await point.wait_for("online")
        assert point.uptime.dials == {"unreachable": 3, "connected": 1}
        await on("cs", server.stop())


@simulated
async def test_an_outage_is_measured_from_the_loss() -> None:
    """Ten seconds of waiting and a handshake; a minute online before, a minute after."""
    async with pair(**EVERY_10_S) as (server, point):
        outages: list[float] = []
        point.uptime.observe = outages.append
        await point.wait_for("online")
        await asyncio.sleep(60)
        await on("cs", server["CP_1"].close(1001))
        await point.wait_for("waiting")
        await asyncio.sleep(5)
        assert point.uptime.connected_seconds == pytest.approx(60, abs=1)
        await point.wait_for("online")
        await asyncio.sleep(60)
        assert outages == [pytest.approx(10, abs=1)]
        assert point.uptime.connected_seconds == pytest.approx(120, abs=1)
        assert (point.uptime.losses, point.uptime.dials) == (1, {"connected": 2})
    held = point.uptime.connected_seconds
    await asyncio.sleep(100)
    assert point.uptime.connected_seconds == held and point.uptime.losses == 1  # stopping is no loss


@simulated
async def test_forgotten_on_a_good_line() -> None:
    """J-errata 3.8: a central system that lost its memory costs a boot, not a line."""
    async with pair(Policy(interval=20), **EVERY_10_S) as (server, point):
        await point.wait_for("online")
        server.registrations.clear()
        await asyncio.sleep(60)
        assert point.state == "online" and server.registrations == {"CP_1": "Accepted"}
        assert (point.uptime.losses, point.uptime.dials) == (0, {"connected": 1})
        await point.call(m.HeartbeatRequest())
