"""`StateWatch`: no state is missed by who waits for it, however short it lasts."""

from __future__ import annotations

import asyncio

from ocpp_lab.charge_point.state_watch import StateWatch
from tests.simulated import simulated


@simulated
async def test_a_state_of_an_instant_wakes_who_waits_for_it() -> None:
    """Two changes in one turn of the loop: each waiter gets the first of its own, and only that."""
    watch: StateWatch[str] = StateWatch()
    first, second = (asyncio.create_task(watch.wait_for(*states)) for states in (("lost", "up"), ("down",)))
    await asyncio.sleep(1)
    for state in ("up", "down", "lost"):
        watch.changed(state)
    assert [await first, await second] == ["up", "down"]


@simulated
async def test_the_state_of_this_moment_does_not_count() -> None:
    """Whoever may be there already looks before."""
    watch: StateWatch[str] = StateWatch()
    watch.changed("up")
    waiter = asyncio.create_task(watch.wait_for("up"))
    await asyncio.sleep(1)
    assert not waiter.done()
    watch.changed("up")
    assert await waiter == "up"


@simulated
async def test_who_was_cancelled_waits_no_more() -> None:
    """Nothing is kept of it, and another who waits for the same gets it."""
    watch: StateWatch[str] = StateWatch()
    gone, stays = (asyncio.create_task(watch.wait_for("up")) for _ in range(2))
    await asyncio.sleep(1)
    gone.cancel()
    watch.changed("up")
    assert await stays == "up"
    await asyncio.wait([gone])
    assert gone.cancelled() and watch._waiters == []
