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


@pytest.mark.parametrize(("ends", "at"), [("reply", 3), ("time", 30), ("the end", 3), ("another's reply", 30)])
@simulated
async def test_whoever_leaves_is_free_and_the_lane_is_not(ends: str, at: float) -> None:
    """Until a reply with that id, or its time is up, or the connection ends; and then for the next one at once."""
    lane, entered = Lane(), []
    await _leaves(lane, "1", 30)
    assert lane.locked() and clock() == 0
    waiting = [asyncio.create_task(_enters(lane, entered)) for _ in range(2)]
    await asyncio.sleep(3)
    if ends == "the end":
        lane.end()
    elif ends != "time":
        lane.replied("1" if ends == "reply" else "2")
    await asyncio.wait(waiting)
    assert entered == [at, at] and not lane.locked()


@simulated
async def test_what_comes_afterwards_frees_nobody_else() -> None:
    """A second reply with that id, and the end: the lane is somebody else's by then."""
    lane, entered = Lane(), []
    await _leaves(lane, "1", 30)
    lane.replied("1")
    async with lane:
        lane.replied("1")
        lane.end()
        waiting = asyncio.create_task(_enters(lane, entered))
        await asyncio.sleep(40)
        assert lane.locked() and entered == []
    await waiting
    lane.end()
    lane.replied("1")
    assert not lane.locked()


@simulated
async def test_time_that_is_up_already() -> None:
    lane, entered = Lane(), []
    await _leaves(lane, "1", -1.0)
    await _enters(lane, entered)
    assert entered == [0]
