"""`Heartbeat`: the cadence, the interval, one a day, and the clock (core 4.6; J-spec 5.3)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from ocpp_lab import messages as m
from ocpp_lab.errors import CallFailed, CallTimeout, ConnectionLost, MalformedReply, NotAccepted, NotConnected
from ocpp_lab.heartbeat import A_DAY, Heartbeat
from tests.fakes import NOON
from tests.simulated import clock, simulated


class CentralClock:
    """Something that calls, and answers after ``latency`` seconds with a clock that runs ``ahead`` of ours."""

    def __init__(self, *, latency: float = 0.0, ahead: float = 0.0) -> None:
        self.latency, self.ahead = latency, ahead
        self.beats: list[float] = []
        self.fails_with: Exception | None = None

    def time(self) -> datetime:
        return our_time() + timedelta(seconds=self.ahead)

    async def call(self, request: Any) -> Any:
        assert request == m.HeartbeatRequest()
        self.beats.append(clock())
        await asyncio.sleep(self.latency / 2)
        told = self.time()
        await asyncio.sleep(self.latency / 2)
        if self.fails_with:
            raise self.fails_with
        return m.HeartbeatResponse(current_time=told)


def our_time() -> datetime:
    return NOON + timedelta(seconds=asyncio.get_running_loop().time())


@asynccontextmanager
async def beating(central: CentralClock, interval: float, **options: Any) -> AsyncIterator[Heartbeat]:
    heartbeat = Heartbeat(central.call, interval, **options)
    running = asyncio.create_task(heartbeat.run(), name="heartbeat")
    try:
        yield heartbeat
    finally:
        running.cancel()
        await asyncio.wait([running])
        assert running.cancelled() or isinstance(running.exception(), ConnectionLost | NotConnected | TypeError)


# The cadence ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("latency", [0.0, 3.0])
@simulated
async def test_ten_beats_without_drift(latency: float) -> None:
    """Core 4.6: every ``interval`` seconds, counted from the send, whatever the latency."""
    central = CentralClock(latency=latency)
    async with beating(central, 60) as heartbeat:
        await asyncio.sleep(60 * 10 + 5)
        assert central.beats == [60 * n for n in range(1, 11)]
        assert heartbeat.sent == heartbeat.answered == 10


@simulated
async def test_an_answer_slower_than_the_interval_makes_no_burst() -> None:
    """One beat at a time; the next goes out when the answer is there."""
    central = CentralClock(latency=100)
    async with beating(central, 60):
        await asyncio.sleep(300)
        assert central.beats == [60, 160, 260]


# Signs of life --------------------------------------------------------------------------------------------------------


@simulated
async def test_another_call_postpones_the_beat() -> None:
    """Core 4.6: the interval is one of inactivity."""
    central = CentralClock()
    async with beating(central, 60) as heartbeat:
        for _ in range(10):
            await asyncio.sleep(50)
            heartbeat.touch()
        assert central.beats == []
        await asyncio.sleep(59)
        assert central.beats == []
        await asyncio.sleep(2)
        assert central.beats == [560]


@simulated
async def test_a_fixed_beat_if_wanted() -> None:
    """``skip_when_active=False``: other calls do not count (core 4.6 only permits it)."""
    central = CentralClock()
    async with beating(central, 60, skip_when_active=False) as heartbeat:
        for _ in range(10):
            await asyncio.sleep(50)
            heartbeat.touch()
        assert central.beats == [60, 120, 180, 240, 300, 360, 420, 480]


@simulated
async def test_one_a_day_whatever_else_is_said() -> None:
    """J-spec 5.3: the answer to a Heartbeat carries the time, as else only a boot's does."""
    central = CentralClock()
    async with beating(central, 3600) as heartbeat:
        while clock() < 3.5 * A_DAY:
            await asyncio.sleep(3000)
            heartbeat.touch()
        assert central.beats == [A_DAY, 2 * A_DAY, 3 * A_DAY]


@simulated
async def test_one_a_day_even_if_the_interval_is_longer() -> None:
    central = CentralClock()
    async with beating(central, 10 * A_DAY):
        await asyncio.sleep(2.5 * A_DAY)
        assert central.beats == [A_DAY, 2 * A_DAY]


# The interval ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "beats"),
    [
        (3600, 60, [60, 120, 180]),  # shortened, and not yet due
        (3600, 20, [30, 50, 70]),  # shortened, and overdue: at once
        (60, 3600, [3600]),  # lengthened
    ],
)
@simulated
async def test_a_new_interval_takes_effect_at_once(old: float, new: float, beats: list[float]) -> None:
    """In the middle of a wait, counted from the last sign of life."""
    central = CentralClock()
    async with beating(central, old) as heartbeat:
        await asyncio.sleep(30)
        heartbeat.interval = new
        assert heartbeat.interval == new
        await asyncio.sleep(beats[-1] - 29)
        assert central.beats == beats


@pytest.mark.parametrize("bad", [0, -1, -0.5])
@simulated
async def test_an_interval_must_be_positive(bad: float) -> None:
    """It would beat without end; the old interval stays."""
    central = CentralClock()
    async with beating(central, 60) as heartbeat:
        with pytest.raises(ValueError, match="above 0 s"):
            heartbeat.interval = bad
        assert heartbeat.interval == 60
    with pytest.raises(ValueError, match="above 0 s"):
        Heartbeat(central.call, bad)


# Failures -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "failure", [CallFailed("InternalError"), CallTimeout(), MalformedReply("no time"), NotAccepted("booting")]
)
@simulated
async def test_a_failed_beat_is_no_reason_to_stop(failure: Exception) -> None:
    """Nor to beat faster; the clock keeps its last measure."""
    central = CentralClock()
    async with beating(central, 60, now=our_time) as heartbeat:
        central.fails_with = failure
        await asyncio.sleep(130)
        assert (heartbeat.sent, heartbeat.answered, heartbeat.clock_offset) == (2, 0, None)
        central.fails_with = None
        await asyncio.sleep(60)
        assert central.beats == [60, 120, 180]
        assert (heartbeat.sent, heartbeat.answered, heartbeat.clock_offset) == (3, 1, 0.0)


@pytest.mark.parametrize("failure", [ConnectionLost(), NotConnected("gone"), TypeError("a bug")])
@simulated
async def test_a_lost_line_ends_it(failure: Exception) -> None:
    """No beating on a dead connection, and a bug is a bug: both leave `run`."""
    central = CentralClock()
    central.fails_with = failure
    with pytest.raises(type(failure)):
        await Heartbeat(central.call, 60).run()
    assert central.beats == [60]


@simulated
async def test_cancelling_ends_it_at_once() -> None:
    """Between two beats and in the middle of one."""
    for moment in (30, 65):
        central = CentralClock(latency=10)
        running = asyncio.create_task(Heartbeat(central.call, 60).run())
        started = clock()
        await asyncio.sleep(moment)
        running.cancel()
        await asyncio.wait([running])
        assert running.cancelled() and clock() == started + moment


# The clock ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("latency", [0.0, 10.0])
@pytest.mark.parametrize("ahead", [0.0, 42.5, -3600.0])
@simulated
async def test_the_clock_offset(ahead: float, latency: float) -> None:
    """Their clock minus ours, measured at the middle of the round trip."""
    central = CentralClock(latency=latency, ahead=ahead)
    async with beating(central, 60, now=our_time) as heartbeat:
        assert heartbeat.clock_offset is None
        await asyncio.sleep(75)
        assert heartbeat.clock_offset == pytest.approx(ahead, abs=0.001)


@simulated
async def test_the_central_systems_time_is_told() -> None:
    """Core 4.2 recommends to set the clock by it; without ``now`` nothing is measured."""
    told: list[datetime] = []
    central = CentralClock(ahead=5)
    async with beating(central, 60, on_time=told.append) as heartbeat:
        await asyncio.sleep(125)
        assert told == [NOON + timedelta(seconds=65), NOON + timedelta(seconds=125)]
        assert heartbeat.clock_offset is None


@simulated
async def test_a_beat_out_of_turn() -> None:
    """`beat` sends one now and returns its answer; the next is due an interval later."""
    central = CentralClock()
    async with beating(central, 60) as heartbeat:
        await asyncio.sleep(30)
        response = await heartbeat.beat()
        assert response and response.current_time == NOON + timedelta(seconds=30)
        await asyncio.sleep(61)
        assert central.beats == [30, 90]
