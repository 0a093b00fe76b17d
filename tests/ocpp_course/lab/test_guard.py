"""The loop guard: names where a cell waits, frees a blocked loop, and tells what was left behind."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import re
import threading
import time
import types

import pytest

from ocpp_course.lab import Guard, LoopBlocked, tasks_left
from ocpp_course.lab import guard as room
from ocpp_course.lab.guard import waits_in

CELL = """
async def naive_boot(pipe):
    # nobody answers
    async for text in pipe:
        return text

async def outer(pipe):
    return await naive_boot(pipe)

async def spin():
    n = 0
    while True:
        n += 1

async def sleepy(seconds):
    import time
    time.sleep(seconds)

async def draw(compute):
    compute(0.5)
"""


@pytest.fixture
def cell() -> types.SimpleNamespace:
    """Functions that were defined in a notebook's cell, as the kernel compiles them."""
    space: dict[str, object] = {}
    exec(compile(CELL, "/tmp/ipykernel_1/1.py", "exec"), space)
    return types.SimpleNamespace(**space)


async def silence() -> object:
    await asyncio.get_running_loop().create_future()
    yield "never"


async def test_a_wait_is_named_by_the_innermost_function_of_a_cell(cell: types.SimpleNamespace) -> None:
    task = asyncio.create_task(cell.outer(silence()))
    await asyncio.sleep(0)
    assert waits_in(task) == "naive_boot, line 3"
    task.cancel()
    await asyncio.wait([task])


async def test_a_long_wait_is_told_once_and_then_after_twice_the_time(
    cell: types.SimpleNamespace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "TICK", 0.01)
    guard = Guard(after=0.1)

    async def run_a_cell() -> None:
        guard._cell_starts(None)
        try:
            async with asyncio.timeout(0.35):
                await cell.naive_boot(silence())
        except TimeoutError:
            guard._cell_ends(None)

    await asyncio.create_task(run_a_cell())
    assert await guard.stop() == []
    assert capsys.readouterr().out.splitlines() == [
        "waiting 0.1 s in naive_boot, line 3",
        "waiting 0.2 s in naive_boot, line 3",
    ]


async def test_a_cell_without_context_variables_is_told_too(
    cell: types.SimpleNamespace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A context that holds nothing is false, and yet it is the cell's."""
    monkeypatch.setattr(room, "TICK", 0.01)
    guard = Guard(after=0.05)

    async def run_a_cell() -> None:
        guard._cell_starts(None)
        assert guard._context is not None and len(guard._context) == 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.08):
                await cell.naive_boot(silence())
        guard._cell_ends(None)

    await asyncio.create_task(run_a_cell(), context=contextvars.Context())
    assert await guard.stop() == []
    assert "waiting 0.05 s in naive_boot, line 3" in capsys.readouterr().out


async def test_an_endless_loop_in_a_task_is_freed_and_named(
    cell: types.SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "TICK", 0.02)
    monkeypatch.setattr(room, "BLOCKED", 0.2)
    guard = Guard()
    task = asyncio.create_task(cell.spin())
    with pytest.raises(LoopBlocked):
        await task
    assert len(guard.blocked) == 1
    assert re.fullmatch(r"spin, line [34] held the loop for more than 0.2 s", guard.blocked[0])
    assert await guard.stop() == []


async def test_a_task_that_sleeps_on_the_loop_is_named_and_not_broken(
    cell: types.SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It costs no work of this process, as little as a machine that is busy elsewhere."""
    monkeypatch.setattr(room, "TICK", 0.01)
    monkeypatch.setattr(room, "BLOCKED", 0.04)
    monkeypatch.setattr(room, "LONG", 0.1)
    guard = Guard()
    await asyncio.create_task(cell.sleepy(0.3))
    assert guard.blocked[0] == "sleepy, line 3 held the loop for more than 0.04 s"
    assert await guard.stop() == []


def compute(seconds: float) -> None:
    """Not a cell's: a drawing, for instance."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


async def test_what_a_cell_calls_may_take_longer(cell: types.SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A drawing of half a second takes two on a busy machine; broken off, it would never be shown."""
    monkeypatch.setattr(room, "TICK", 0.01)
    monkeypatch.setattr(room, "BLOCKED", 0.1)
    guard = Guard()
    await asyncio.create_task(cell.draw(compute))
    assert guard.blocked == []
    monkeypatch.setattr(room, "LONG", 0.2)
    with pytest.raises(LoopBlocked):
        await asyncio.create_task(cell.draw(compute))
    assert guard.blocked == ["draw, line 2 held the loop for more than 0.1 s"]
    assert await guard.stop() == []


async def test_tasks_that_were_left_are_named_and_the_guard_is_none_of_them() -> None:
    guard = Guard()
    forgotten = asyncio.create_task(asyncio.sleep(100), name="forgotten heartbeat")
    assert await tasks_left() == ["forgotten heartbeat", "guard"]
    assert await guard.stop() == ["forgotten heartbeat"]
    forgotten.cancel()
    assert await tasks_left() == []


async def test_stopping_twice_is_fine() -> None:
    guard = Guard()
    await guard.stop()
    assert await guard.stop() == []


async def test_where_there_are_no_threads_the_rest_works(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A browser's Python refuses to start one."""

    def refuses(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuses)
    guard = Guard(after=0.1)
    guard._cell_starts(None)
    await asyncio.sleep(3 * room.TICK)
    assert "waiting 0.1 s in" in capsys.readouterr().out
    assert await guard.stop() == []
