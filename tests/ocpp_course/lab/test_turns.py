"""What `Turns` records: each stretch between two waits, whoever ends it."""

from __future__ import annotations

import asyncio

import pytest

from ocpp_course.lab import Turns
from ocpp_course.lab.turns import Turn


async def nap(times: int) -> str:
    for _ in range(times):
        await asyncio.sleep(0.001)
    return "rested"


async def test_a_turn_ends_where_a_coroutine_waits() -> None:
    turns = Turns()
    results = await asyncio.gather(turns.watch("A", nap(2)), turns.watch("B", nap(0)))
    assert results == ["rested", "rested"]
    assert [turn.name for turn in turns.turns].count("A") == 3  # before, between and after two naps
    assert [turn.name for turn in turns.turns].count("B") == 1
    assert turns.overlaps() == 0


async def test_what_the_work_raises_comes_out() -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise ConnectionError("cut")

    turns = Turns()
    with pytest.raises(ConnectionError, match="cut"):
        await turns.watch("A", fail())
    assert len(turns.turns) == 2


async def test_a_cancellation_reaches_the_work() -> None:
    cleaned = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append(True)

    turns = Turns()
    task = asyncio.create_task(turns.watch("A", forever()))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled() and cleaned == [True]


async def test_a_work_that_answers_a_cancellation_goes_on() -> None:
    async def stubborn() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
        return "went on"

    task = asyncio.create_task(Turns().watch("A", stubborn()))
    await asyncio.sleep(0)
    task.cancel()
    assert await task == "went on"


async def test_the_picture_tells_the_finding_and_the_counts() -> None:
    turns = Turns()
    await asyncio.gather(turns.watch("A", nap(1)), turns.watch("B", nap(1)))
    picture = turns.picture("Two tasks, one thread")
    assert picture.alt == "Two tasks, one thread. A had 2 turns, B had 2 turns; 0 of them at the same time as another."
    assert picture.png.startswith(b"\x89PNG")


def test_turns_that_overlap_are_counted() -> None:
    """Two threads would do that; the count can fail."""
    turns = Turns()
    turns.turns = [Turn("A", 0.0, 2.0), Turn("B", 1.0, 3.0), Turn("A", 3.0, 4.0)]
    assert turns.overlaps() == 1
