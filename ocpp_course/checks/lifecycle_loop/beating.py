"""5.3: heartbeats on simulated time, with a peer that answers late, badly, or not any more."""

from __future__ import annotations

import asyncio
from typing import Any

from ocpp_lab.errors import CallFailed, CallTimeout, ConnectionLost, MalformedReply, OcppError
from ocpp_lab.heartbeat import Heartbeat
from ocpp_lab.messages import HeartbeatRequest, HeartbeatResponse

from ..kit import Kit
from ..step import Step
from .booting import SLIPS, near, over_at_once, told

step = Step("5.3", "`Heartbeat`: the sign of life", ("Heartbeat",), points=2, minutes=20, reference=lambda: Heartbeat)


MANY = 100
"""Beats in one check: more than any right answer sends."""


class Desk:
    """Notes when each heartbeat came; answers after ``seconds``, or fails as the script says."""

    def __init__(self, kit: Kit, *script: BaseException | None, seconds: float = 0.0) -> None:
        self.kit = kit
        self.script = script
        self.seconds = seconds
        self.begun = kit.time
        self.beats: list[float] = []
        self.answered: list[Any] = []
        self.strange = 0
        self.most = self._under_way = 0

    async def call(self, request: Any) -> HeartbeatResponse:
        self.strange += not isinstance(request, HeartbeatRequest)
        number = len(self.beats)
        self.beats.append(round(self.kit.time - self.begun, 6))
        if len(self.beats) > MANY:
            await asyncio.Event().wait()  # it beats without pause, and has been heard
        self._under_way += 1
        self.most = max(self.most, self._under_way)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self._under_way -= 1
        error = self.script[number] if number < len(self.script) else None
        if error is not None:
            raise error
        self.answered.append(self.kit.now())
        return HeartbeatResponse(current_time=self.answered[-1])


class Alive:
    """A heartbeat that runs, and its desk."""

    def __init__(self, my: Any, desk: Desk, interval: float, *, later: float = 0.0, **options: Any) -> None:
        self.desk = desk
        self.heart = my.Heartbeat(desk.call, interval, **options)
        self.task = asyncio.ensure_future(self._run(later))

    async def _run(self, later: float) -> None:
        if later:
            await asyncio.sleep(later)
        await self.heart.run()

    async def until(self, seconds: float) -> list[float]:
        """The beats up to that many seconds after the beginning. Raises what ended it."""
        left = self.desk.begun + seconds - asyncio.get_running_loop().time()
        await asyncio.wait([self.task], timeout=left)
        if self.task.done():
            self.task.result()
        return self.desk.beats

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task], timeout=1000)


ENDED_BY = (
    "one unanswered heartbeat ended all.",
    "one CallError ended all; the next heartbeat may be answered.",
    "one unreadable answer ended all; the next one may be better.",
    "a heartbeat was answered, and it ended.",
)
"""By the number of the heartbeat, as `survives_failure` lets them fail."""


@step.check("10 beats, each `interval` s after the one before was sent")
async def cadence(my: Any, kit: Kit) -> str:
    """The cadence is that of the central system's interval, whatever the latency (core 4.6)."""
    for interval, seconds in ((10.0, 0.0), (10.0, 2.0), (kit.rng.uniform(30, 300), kit.rng.uniform(1, 9))):
        alive = Alive(my, Desk(kit, seconds=seconds), interval)
        beats = list(await alive.until(10.5 * interval))
        await alive.end()
        kit.require(not alive.desk.strange, "another request", "send a HeartbeatRequest.")
        wanted = [number * interval for number in range(1, 11)]
        drifts = near(beats[:2], [interval, 2 * interval + seconds]) and seconds
        said = "a beat `interval` s after the one before, by the clock `asyncio.get_running_loop().time()`."
        if drifts:
            said = "each beat is late by the latency of all before; count from the send."
        elif beats and beats[0] < 0.001:
            said = "the first beat comes `interval` s after `Heartbeat` was made, and not at once."
        kit.require(near(beats, wanted), told(beats), said)
    for later in (4.0, 25.0):  # made now, run later
        alive = Alive(my, Desk(kit), 10.0, later=later)
        beats = list(await alive.until(39.0))
        await alive.end()
        wanted = [10.0, 20.0, 30.0] if later < 10.0 else [25.0, 35.0]
        said = "the first interval begins when `Heartbeat` was made."
        if beats[:1] == wanted[:1]:
            said = "a beat that is overdue goes at once, the next one `interval` s after it."
        kit.require(near(beats, wanted), told(beats), said)
    alive = Alive(my, Desk(kit, seconds=25.0), 10.0)
    await alive.until(99.0)
    await alive.end()
    said = "one heartbeat at a time: the next one waits for the answer."
    kit.require(alive.desk.most == 1, f"{alive.desk.most} at once", said)
    return "10, 20, 30 … s"


@step.check("`touch()` at 7, 14, 21 s, interval 10: a beat at 31 s")
async def touch_postpones(my: Any, kit: Kit) -> str:
    """Any other call is a sign of life too: the interval is one of inactivity (core 4.6)."""
    alive = Alive(my, Desk(kit), 10.0)
    for moment in (7.0, 14.0, 21.0):
        await alive.until(moment)
        alive.heart.touch()
    beats = list(await alive.until(42.0))
    await alive.end()
    said = "after the last `touch()`, at 21 s, comes a beat each `interval` s."
    if near(beats[:1], [10.0]):
        said = "the interval is of inactivity (core 4.6)."
    kit.require(near(beats, [31.0, 41.0]), told(beats), said)
    alive = Alive(my, Desk(kit, seconds=4.0), 10.0)
    await alive.until(12.0)  # the first heartbeat's answer comes at 14 s
    alive.heart.touch()
    beats = list(await alive.until(25.0))
    await alive.end()
    said = "`touch()` at 12 s, while a heartbeat was under way: the next one is due at 22 s."
    if near(beats, [10.0, 20.0]):
        said = "touched while a heartbeat was under way, and forgotten when its answer came."
    kit.require(near(beats, [10.0, 22.0]), told(beats), said)
    return "31, 41 s"


@step.check("a new interval counts at once, shorter or longer")
async def new_interval_now(my: Any, kit: Kit) -> str:
    """A changed HeartbeatInterval takes effect at once (core 9.1.10, 5.3)."""
    alive = Alive(my, Desk(kit), 3600.0)
    await alive.until(4.0)
    alive.heart.interval = 10.0
    beats = list(await alive.until(25.0))
    said = "set to 10 s at 4 s, the beats come at 10 and 20 s."
    if not beats or near(beats[:1], [14.0]):
        said = "a new interval counts from the last own call." if beats else "the change waited an hour."
    kit.require(near(beats, [10.0, 20.0]), told(beats) if beats else "none in 25 s", said)
    alive.heart.interval = 50.0
    beats = list(await alive.until(75.0))
    await alive.end()
    said = "lengthened to 50 s, the next beat is 50 s after the last one."
    kit.require(near(beats, [10.0, 20.0, 70.0]), told(beats), said)
    alive = Alive(my, Desk(kit), 3600.0)
    await alive.until(100.0)
    alive.heart.interval = 10.0
    beats = list(await alive.until(105.0))
    await alive.end()
    kit.require(near(beats, [100.0]), told(beats) if beats else "none", "overdue by the new interval: it goes at once.")
    alive = Alive(my, Desk(kit), 3600.0)
    await alive.until(50.25)
    alive.heart.touch()
    await alive.until(60.0)  # due in a quarter of a second
    alive.heart.interval = 10.0
    reads = alive.heart.interval
    said = "`interval` gave None; is a `return` missing?" if reads is None else "`interval` reads what was set."
    kit.equal(reads, 10.0, said)
    beats = list(await alive.until(65.0))
    await alive.end()
    kit.require(near(beats, [60.25]), told(beats), "a new interval counts from the last own call, here a `touch()`.")
    return "at once"


@step.check("busy all day: a beat each `at_least` s all the same")
async def one_a_day(my: Any, kit: Kit) -> str:
    """A heartbeat's answer carries the time, as else only a boot's does; so at least one a day is sent (J-spec 5.3)."""
    at_least = float(kit.rng.randrange(200, 900))
    for options, limit in (({"at_least": at_least}, at_least), ({}, 86_400.0)):
        alive = Alive(my, Desk(kit, seconds=limit / 50), limit / 10, **options)
        for moment in range(1, 42):
            await alive.until(moment * limit / 20)
            alive.heart.touch()
        beats = alive.desk.beats
        await alive.end()
        said = "a busy charge point never learnt the time."
        kit.require(beats, "no beat", said)
        kit.require(
            near(beats, [limit, 2 * limit]), told(beats), f"one beat each {limit:g} s, and no more: it is busy."
        )
    alive = Alive(my, Desk(kit), 10 * at_least, at_least=at_least)
    beats = list(await alive.until(2.5 * at_least))
    await alive.end()
    said = "silent or busy: one each `at_least` s, also if `interval` is longer."
    kit.require(near(beats, [at_least, 2 * at_least]), told(beats), said)
    alive = Alive(my, Desk(kit), 0.3 * at_least, at_least=at_least)
    beats = list(await alive.until(2.2 * at_least))
    await alive.end()
    said = "each heartbeat carries the time, also one that `interval` asked for: `at_least` counts from the last one."
    kit.require(near(beats, [0.3 * number * at_least for number in range(1, 8)]), told(beats), said)
    return "one"


@step.check("CallError, silence, an unreadable answer: it goes on")
async def survives_failure(my: Any, kit: Kit) -> str:
    """A heartbeat that fails says nothing about the next one."""
    errors = [CallTimeout(), CallFailed("InternalError"), MalformedReply("no time")]
    alive = Alive(my, Desk(kit, *errors, seconds=1.0), 10.0)
    try:
        beats = list(await alive.until(45.0))
    except OcppError as error:
        kit.require(False, f"{type(error).__name__} ended it", ENDED_BY[len(alive.desk.beats) - 1])
    await alive.end()
    said = "a heartbeat that failed is over; the next comes `interval` s after it was sent."
    kit.require(near(beats, [10, 20, 30, 40]), told(beats), said)
    at_least = float(kit.rng.randrange(200, 900))
    answered = await _busy(my, kit, at_least)
    beats = await _busy(my, kit, at_least, CallTimeout())
    said = "`at_least` counts from the instant of the send, answered or not."
    kit.require(near(beats, [at_least, 2 * at_least]), told(beats), said if beats != answered else None)
    return "it goes on"


async def _busy(my: Any, kit: Kit, at_least: float, *script: BaseException) -> list[float]:
    """The beats of a charge point that is busy all the time; they fail as the script says."""
    alive = Alive(my, Desk(kit, *script, seconds=5.0), at_least / 10, at_least=at_least)
    for moment in range(1, 42):
        await alive.until(moment * at_least / 20)
        alive.heart.touch()
    beats = list(alive.desk.beats)
    await alive.end()
    return beats


@step.check("ConnectionLost: `run` raises it")
async def ends_on_loss(my: Any, kit: Kit) -> str:
    """On a dead connection no heartbeat helps; who owns the connection must know."""
    alive = Alive(my, Desk(kit, None, ConnectionLost("cut"), seconds=0.5), 10.0)
    await asyncio.wait([alive.task], timeout=95.0)
    beats = len(alive.desk.beats)
    if not alive.task.done():
        await alive.end()
        said = "beating on a dead connection." if beats > 2 else "`call` raised ConnectionLost; `run` raises it, too."
        kit.require(False, f"{beats} beats, and `run` goes on", said)
    error = None if alive.task.cancelled() else alive.task.exception()
    if isinstance(error, SLIPS):
        raise error
    kit.require(isinstance(error, ConnectionLost), repr(error), "the loss is the caller's business; let it leave.")
    kit.require(beats == 2, f"{beats} beats", "the second beat finds the connection lost: `run` ends with it.")
    alive = Alive(my, Desk(kit, LookupError("a bug")), 10.0)
    await asyncio.wait([alive.task], timeout=95.0)
    ended = alive.task.done() and not alive.task.cancelled()
    error = alive.task.exception() if ended else None
    await alive.end()
    said = "only the three errors of the contract are no reason to stop."
    kit.require(error is not None, "a bug is kept", said)
    kit.require(isinstance(error, LookupError), repr(error), "any other error of `call` comes out as it is.")
    return "ConnectionLost"


@step.check("cancelled, in any moment: over at once")
async def cancel(my: Any, kit: Kit) -> str:
    """Whoever owns the line ends the heartbeat with it."""
    for moment in (5.0, 12.0):  # between two heartbeats, and while one is under way
        alive = Alive(my, Desk(kit, seconds=4.0), 10.0)
        await alive.until(moment)
        beats = len(alive.desk.beats)
        await over_at_once(kit, alive.task)
        await asyncio.sleep(50.0)
        kit.equal(len(alive.desk.beats), beats, "it beats after its end.")
    return "over"


@step.check("`on_time` is told the `current_time` of each answer")
async def on_time(my: Any, kit: Kit) -> str:
    """The answer carries the central system's clock, which the charge point should adopt (core 4.6)."""
    told_of: list[Any] = []
    alive = Alive(my, Desk(kit, None, CallTimeout(), seconds=1.0), 10.0, on_time=told_of.append)
    await alive.until(35.0)
    await alive.end()
    kit.require(told_of == alive.desk.answered, f"{len(told_of)} times", "call `on_time(response.current_time)`.")
    return f"{len(told_of)} times"
