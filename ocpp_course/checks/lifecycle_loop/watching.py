"""5.5: pings, and pongs that come late or never."""

from __future__ import annotations

import asyncio
from typing import Any

from ocpp_lab.errors import ConnectionLost

from ..kit import Kit
from ..step import Step, Wrong
from .booting import LONG, MOMENT, SLIPS, SWALLOWED, near, over_at_once, told
from .ours import watch

step = Step("5.5", "`watch`: silence is a fault", ("watch",), points=2, minutes=15, reference=lambda: watch)


class Wire:
    """Answers each ping after so many seconds by script, the last for ever; None: never."""

    def __init__(self, kit: Kit, *seconds: float | None, error: Exception | None = None) -> None:
        self.kit = kit
        self.seconds = seconds
        self.error = error
        self.begun = kit.time
        self.pings: list[float] = []
        self.most = 0
        self._under_way = 0

    async def ping(self) -> None:
        number = min(len(self.pings), len(self.seconds) - 1)
        self.pings.append(round(self.kit.time - self.begun, 6))
        if len(self.pings) > 2 * LONG:
            await asyncio.Event().wait()  # it pings without pause, and has been heard
        self._under_way += 1
        self.most = max(self.most, self._under_way)
        try:
            wait = self.seconds[number]
            await (asyncio.Event().wait() if wait is None else asyncio.sleep(wait))
            if self.error is not None:
                raise self.error
        finally:
            self._under_way -= 1


async def watched(my: Any, wire: Wire, seconds: float, **options: Any) -> asyncio.Task[None]:
    """Watch that long at most; not over then, it is cancelled."""
    task: asyncio.Task[None] = asyncio.ensure_future(my.watch(wire.ping, **options))
    await asyncio.wait([task], timeout=seconds)
    if not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=1000)
        if not task.cancelled():
            raise Wrong("no CancelledError", SWALLOWED)
    elif not task.cancelled() and isinstance(error := task.exception(), SLIPS) and error is not wire.error:
        raise error
    return task


@step.check("a ping each `interval` s")
async def every_interval(my: Any, kit: Kit) -> str:
    """A silent connection is tested at a steady pace (J-spec 5.3; WebSocketPingInterval, J-spec 7)."""
    interval = kit.rng.uniform(7, 70)
    wire = Wire(kit, 0.0)
    task = await watched(my, wire, 5.5 * interval, interval=interval)
    unasked = "it ended before its first ping; the time limit is for the ping alone."
    said = "each pong came; there is no reason to end." if wire.pings else unasked
    kit.require(task.cancelled(), "it ended", said)
    wanted = [number * interval for number in range(1, 6)]
    kit.require(near(wire.pings, wanted), told(wire.pings), "wait `interval` s, ping, and again.")
    wire = Wire(kit, 0.0)
    task = await watched(my, wire, (LONG + 0.5) * interval, interval=interval)
    ended = "each pong came; there is no reason to end."
    if not task.cancelled() and isinstance(task.exception(), RecursionError):
        ended = "each ping is one level deeper than the one before, and the levels run out; a loop has no end."
    kit.require(task.cancelled(), f"over after {len(wire.pings)} pings", ended)
    return "5 pings"


@step.check("interval 0: never a ping, never an end")
async def off(my: Any, kit: Kit) -> str:
    """WebSocketPingInterval 0 switches the client's pings off (J-spec 7)."""
    wire = Wire(kit, 1.0)
    task = await watched(my, wire, 100.0, interval=0)
    kit.require(not wire.pings, f"{len(wire.pings)} pings", "0 switches pings off; yours pinged without pause.")
    kit.require(task.cancelled(), "it ended", "0 switches pings off; there is nothing to report, so do not end.")
    return "none"


@step.check("no pong: ConnectionLost at interval + timeout")
async def noticed(my: Any, kit: Kit) -> str:
    """A half-open connection neither answers nor closes; only a ping without its pong tells (J-errata 3.9)."""
    later, patience = kit.rng.uniform(20, 90), kit.rng.uniform(2, 9)
    for interval, timeout, pongs in ((10.0, 5.0, 0), (60.0, 5.0, 2), (later, patience, 1)):
        wire = Wire(kit, *[0.0] * pongs, None)
        task = await watched(my, wire, 100 * interval, interval=interval, timeout=timeout)
        said = "a half-open connection never answers and never closes; you waited for ever."
        kit.require(not task.cancelled(), "never", said)
        error = task.exception()
        said = "the caller takes a return for good news; raise ConnectionLost."
        kit.require(error is not None, "it returned", said)
        kit.require(isinstance(error, ConnectionLost), type(error).__name__, "raise ConnectionLost.")
        took, wanted = kit.time - wire.begun, (pongs + 1) * interval + timeout
        said = "noticed too late: a ping that has no pong after `timeout` s is enough."
        kit.require(took < wanted + MOMENT, f"{took - wanted:.1f} s later", said)
        kit.require(took > wanted - MOMENT, f"{wanted - took:.1f} s earlier", "a pong had `timeout` s to come.")
    wire = Wire(kit, None)
    await watched(my, wire, 1000.0, interval=10.0)
    kit.require(abs(kit.time - wire.begun - 15.0) < MOMENT, "another default", "`timeout` is 5 s if nobody says.")
    return "interval + timeout"


@step.check("a pong just in time is good")
async def slow_pong_ok(my: Any, kit: Kit) -> str:
    """A slow connection is not a dead one."""
    wire = Wire(kit, 4.999, 0.2, 4.9)
    task = await watched(my, wire, 200.0, interval=10.0)
    kit.require(task.cancelled(), "it ended", "the pong came within `timeout`; the connection is slow and not lost.")
    kit.require(len(wire.pings) > 5, f"{len(wire.pings)} pings", "after a slow pong it goes on.")
    task = await watched(my, Wire(kit, 3.0), 100.0, interval=kit.rng.uniform(0.5, 2.5), timeout=4.0)
    said = "`timeout` is longer than `interval` here, and the pong came within `timeout`."
    kit.require(task.cancelled(), "it ended", said)
    return "it goes on"


@step.check("one ping at a time")
async def never_two(my: Any, kit: Kit) -> str:
    """A ping that waits for its pong is test enough."""
    wire = Wire(kit, 3.0)
    await watched(my, wire, 30.0, interval=1.0)
    said = "a second ping went out before the pong of the first; one at a time."
    kit.require(wire.most == 1, f"{wire.most} at once", said)
    wire = Wire(kit, 3.0)
    await watched(my, wire, 50.0, interval=10.0)
    said = "the next wait begins when the pong has come, and not when its ping went out."
    kit.require(near(wire.pings, [10.0, 23.0, 36.0, 49.0]), told(wire.pings), said)
    return "one"


@step.check("what `ping()` raises comes out")
async def ping_fails(my: Any, kit: Kit) -> str:
    """A ping on a closed connection fails at once; whoever owns the connection must hear of it."""
    task = await watched(my, Wire(kit, 0.0, error=ConnectionLost("closed")), 1000.0, interval=10.0)
    error = None if task.cancelled() else task.exception()
    said = "the ping says that the connection is closed; let that out."
    other = "what `ping()` raises comes out as it is."
    kit.require(isinstance(error, ConnectionLost), repr(error) if error else "it goes on", other if error else said)
    task = await watched(my, Wire(kit, 0.0, error=LookupError("a bug")), 1000.0, interval=10.0)
    error = None if task.cancelled() else task.exception()
    said = "what `ping()` raises comes out as it is; a bug is not a lost connection."
    kit.require(isinstance(error, LookupError), "it goes on" if task.cancelled() else repr(error), said)
    return "ConnectionLost"


@step.check("cancelled: over at once, in any moment")
async def cancel(my: Any, kit: Kit) -> str:
    """Whoever owns the connection ends the watch with it."""
    for moment in (4.0, 12.0):
        wire = Wire(kit, None)
        task = asyncio.ensure_future(my.watch(wire.ping, interval=10.0))
        await asyncio.sleep(moment)
        await over_at_once(kit, task)
    await watched(my, Wire(kit, 1.0), 10.0, interval=0)
    return "over"
