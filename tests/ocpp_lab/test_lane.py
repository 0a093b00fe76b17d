"""`Lane`: one own call on the wire, which belongs to the wire and not to its caller (J-spec 4.1.1)."""

from __future__ import annotations

import asyncio

import pytest

from ocpp_lab.lane import Lane
from tests.simulated import clock, quiet, simulated


async def _leaves(lane: Lane, unique_id: str, seconds: float) -> None:
    async with lane:
        lane.leave(unique_id, seconds)


async def _enters(lane: Lane, entered: list[float]) -> None:
    async with lane:
        entered.append(clock())


@simulated
async def test_it_is_a_lock() -> None:
    """One at a time, in the order in which they came; what nobody left is free at the end of the block."""
    lane, order = Lane(), []

    async def caller(name: str) -> None:
        async with lane:
            order.append(name)
            await asyncio.sleep(1)

    callers = []
    for name in "abc":
        callers.append(asyncio.create_task(caller(name)))
        await quiet()
    assert lane.locked()
    callers[1].cancel()
    await asyncio.wait(callers)
    assert order == ["a", "c"] and not lane.locked() and clock() == 2


@pytest.mark.parametrize(("ended", "at"), [(True, 3), (False, 30)])
@simulated
async def test_whoever_leaves_is_free_and_the_lane_is_not(ended: bool, at: float) -> None:
    """Until its end is told, or its time is up; and then it is the next one's at once."""
    lane, entered = Lane(), []
    await _leaves(lane, "1", 30)
    assert lane.locked() and lane.left == "1" and clock() == 0
    waiting = [asyncio.create_task(_enters(lane, entered)) for _ in range(2)]
    await asyncio.sleep(3)
    if ended:
        lane.end()
    await asyncio.wait(waiting)
    assert entered == [at, at] and not lane.locked() and lane.left is None


@simulated
async def test_what_comes_afterwards_frees_nobody_else() -> None:
    """A second end, and the time that is up: the lane is somebody else's by then."""
    lane, entered = Lane(), []
    await _leaves(lane, "1", 30)
    lane.end()
    async with lane:
        lane.end()
        waiting = asyncio.create_task(_enters(lane, entered))
        await asyncio.sleep(40)
        assert lane.locked() and entered == []
    await waiting
    lane.end()
    assert not lane.locked()


@simulated
async def test_time_that_is_up_already() -> None:
    lane, entered = Lane(), []
    await _leaves(lane, "1", -1.0)
    await _enters(lane, entered)
    assert entered == [0]
