"""Waiting for what no event announces ends in time, one way or the other."""

from __future__ import annotations

import asyncio

import pytest

from ocpp_course.lab import now, until


async def test_it_goes_on_as_soon_as_the_condition_holds() -> None:
    start = now()
    ready = asyncio.Event()
    asyncio.get_running_loop().call_later(0.02, ready.set)
    await until(ready.is_set)
    assert 0.02 <= now() - start < 5


async def test_it_gives_up_after_its_timeout() -> None:
    with pytest.raises(TimeoutError):
        await until(lambda: False, timeout=0.02)
