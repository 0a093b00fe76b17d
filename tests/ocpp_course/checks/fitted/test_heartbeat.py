"""A learner's heartbeat and machine in the stack: the clock is measured, the table can be looked at."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from ocpp_course import fit
from ocpp_lab import CallTimeout, IllegalTransition
from ocpp_lab import messages as m
from tests.learner import MyHeartbeat, MyMachine
from tests.ocpp_course.checks.fitted.nonsense import nonsense
from tests.pair import simulated, simulated_now
from tests.simulated import clock


@simulated
async def test_a_heartbeat_measures_the_clock() -> None:
    """Theirs minus ours at the middle of the round trip; a beat that fails measures nothing."""
    beats: list[float] = []

    async def call(request: Any) -> m.HeartbeatResponse:
        beats.append(clock())
        await asyncio.sleep(1)
        answer = m.HeartbeatResponse(current_time=simulated_now() + timedelta(seconds=42))
        await asyncio.sleep(1)
        if len(beats) == 2:
            raise CallTimeout
        return answer

    heartbeat = fit(heartbeat=nonsense("heartbeat", MyHeartbeat))["heartbeat"](call, 100.0, now=simulated_now)
    running = asyncio.create_task(heartbeat.run())
    assert (heartbeat.clock_offset, heartbeat.interval) == (None, 100)
    await asyncio.sleep(150)
    assert beats == [100] and heartbeat.clock_offset == pytest.approx(42, abs=0.01)
    heartbeat.touch()
    heartbeat.interval = 10
    await asyncio.sleep(15)
    assert beats == [100, 160] and heartbeat.clock_offset == pytest.approx(42, abs=0.01)
    running.cancel()
    await asyncio.wait([running])


@simulated
async def test_without_our_clock_nothing_is_measured() -> None:
    async def call(request: Any) -> m.HeartbeatResponse:
        return m.HeartbeatResponse(current_time=simulated_now())

    heartbeat = fit(heartbeat=MyHeartbeat)["heartbeat"](call, 1.0)
    running = asyncio.create_task(heartbeat.run())
    await asyncio.sleep(1.5)
    assert heartbeat.clock_offset is None
    running.cancel()
    await asyncio.wait([running])


def test_a_machine_shows_its_table() -> None:
    table = {"off": {"switch": "on"}, "on": {}}
    changes: list[tuple[str, str, str]] = []
    machine = fit(machine=nonsense("machine", MyMachine))["machine"](
        table, "off", lambda *change: changes.append(change)
    )
    assert (machine.state, machine.table) == ("off", table)
    assert machine.fire("switch") == machine.state == "on"
    assert changes == [("off", "switch", "on")]
    with pytest.raises(IllegalTransition):
        machine.fire("switch")
