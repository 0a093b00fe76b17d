"""`obey`: the next change of a limit is a timer (core 3.13)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from ocpp_lab.smart_charging import obey
from tests.pair import simulated, simulated_now
from tests.profiles import after
from tests.simulated import clock, quiet


class Plan:
    """Limits from certain seconds on; counts the looks, and records what is offered and when (s)."""

    def __init__(self, steps: dict[float, float]) -> None:
        self.steps = steps
        self.changed = asyncio.Event()
        self.looks = 0
        self.offered: list[tuple[float, float]] = []
        self.while_offering: Callable[[], object] = lambda: None
        self.fast = timedelta()

    def now(self) -> datetime:
        return simulated_now() + self.fast

    def look(self, at: datetime) -> tuple[float, datetime | None]:
        self.looks += 1
        seconds = (at - after(0)).total_seconds()
        current = max(when for when in self.steps if when <= seconds)
        later = [when for when in self.steps if when > seconds]
        return self.steps[current], after(min(later)) if later else None

    def offer(self, amps: float) -> None:
        self.offered.append((clock(), amps))
        self.while_offering()


@asynccontextmanager
async def obeying(plan: Plan) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(obey(plan.look, plan.offer, plan.changed, plan.now))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


@simulated
async def test_at_once_and_at_each_change() -> None:
    plan = Plan({0: 16, 10: 8, 10.5: 32})
    async with obeying(plan):
        await quiet()
        assert plan.offered == [(0, 16)]
        await asyncio.sleep(20)
        assert plan.offered == [(0, 16), (10, 8), (10.5, 32)]


@simulated
async def test_what_changes_is_obeyed_at_once() -> None:
    """A new profile does not wait for the timer of the old ones."""
    plan = Plan({0: 16, 100: 8})
    async with obeying(plan):
        await asyncio.sleep(30)
        plan.steps = {0: 6, 40: 7}
        plan.changed.set()
        await asyncio.sleep(30)
        assert plan.offered == [(0, 16), (30, 6), (40, 7)]


@simulated
async def test_only_what_differs_is_offered() -> None:
    plan = Plan({0: 16, 10: 16, 20: 8})
    async with obeying(plan):
        await asyncio.sleep(5)
        plan.changed.set()
        await asyncio.sleep(25)
        assert plan.offered == [(0, 16), (20, 8)]


@simulated(limit=40 * 86_400)
async def test_it_sleeps_in_between() -> None:
    """In 30 days at most two looks for each change."""
    plan = Plan({0: 16, 86_400: 8, 2_000_000: 10, 2_000_001: 16})
    async with obeying(plan):
        await asyncio.sleep(30 * 86_400)
    assert len(plan.offered) == 4 and plan.looks <= 8


@simulated
async def test_what_changes_while_it_offers_is_not_forgotten() -> None:
    plan = Plan({0: 16})

    def news() -> None:
        plan.while_offering, plan.steps = lambda: None, {0: 6}
        plan.changed.set()

    plan.while_offering = news
    async with obeying(plan):
        await quiet()
        assert plan.offered == [(0, 16), (0, 6)]


@simulated
async def test_a_clock_that_is_set() -> None:
    """Who sets the clock says that something changed: the wait that has begun belongs to the old one."""
    plan = Plan({0: 16, 100: 8})
    async with obeying(plan):
        await asyncio.sleep(10)
        plan.fast = timedelta(seconds=60)
        plan.changed.set()
        await asyncio.sleep(29)
        assert plan.offered == [(0, 16)]
        await asyncio.sleep(1.001)
        assert plan.offered == [(0, 16), (40, 8)]


@simulated
@pytest.mark.parametrize("where", ["look", "offer"])
async def test_exceptions_leave_it(where: str) -> None:
    plan: Any = Plan({0: 16})

    def fail(given: object) -> None:
        raise OSError(where)

    setattr(plan, where, fail)
    with pytest.raises(OSError, match=where):
        await obey(plan.look, plan.offer, plan.changed, plan.now)
