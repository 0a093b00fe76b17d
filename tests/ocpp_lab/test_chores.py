"""`Chores`: every task has a name and a parent, which hears of its bug and ends it."""

from __future__ import annotations

import asyncio
import logging

import pytest

from ocpp_lab.charge_point.chores import Chores


async def test_a_chore_that_fails_is_heard(caplog: pytest.LogCaptureFixture) -> None:
    """With its traceback, counted by what it did; the others go on."""

    async def divide() -> None:
        raise ZeroDivisionError("of ours")

    chores, done = Chores("CP_1"), asyncio.Event()
    with caplog.at_level(logging.ERROR, logger="ocpp_lab"):
        failing = chores.start(divide(), "meter 1")
        chores.start(done.wait(), "meter 2")
        await asyncio.wait([failing])
        await asyncio.sleep(0)
    assert failing.get_name() == "CP_1 meter 1"
    assert chores.bugs == {"meter 1": 1}
    assert "CP_1: meter 1 failed" in caplog.text and "ZeroDivisionError: of ours" in caplog.text
    chores.end()


async def test_the_end_ends_them_all() -> None:
    """One that is over, or was cancelled by somebody else, is no bug."""
    chores = Chores("CP_1")
    waiting = [chores.start(asyncio.Event().wait(), f"meter {n}") for n in range(3)]
    over = chores.start(asyncio.sleep(0), "patience")
    waiting[0].cancel()
    await asyncio.wait([over, waiting[0]])
    chores.end()
    await asyncio.wait(waiting)
    assert all(task.cancelled() for task in waiting)
    assert chores.bugs == {}
