"""1.3: a queue with a bound, and one writer."""

from __future__ import annotations

import asyncio
from typing import Any

from ocpp_lab.transport import Transport

from ..kit import Kit
from ..step import Step
from .played_pipe import Held, done

step = Step(
    "1.3", "`Transport`: one writer", ("Transport",), points=3, minutes=25, reference=lambda: Transport
)  # fmt: skip

FLOOD = 1000
PROBES = ("queue_depth", "writes_in_flight", "max_queue_depth", "max_writes_in_flight")
SLOW = 0.001
"""Seconds that a text takes on a slow connection."""
NOTHING = (
    "no text has reached the pipe. Does `start()` start the writer as a task? Are `put`, `get`, `pipe.send` awaited?"
)


def gave_up(held: Held) -> str:
    """Of what ended the writer while a write was stalled, "" if nothing is seen."""
    if held.pipe.given_up and not held.pipe.writes_in_flight and held.transport.queue_depth:
        return (
            "a write was stalled, and the writer gave up on it and has ended; wait for `pipe.send` as long as it takes."
        )
    return ""


def numbers(kit: Kit, held: Held) -> None:
    """Refuse a probe that is no number."""
    for name in PROBES:
        said = f"`{name}` is a method here, and a probe is an attribute; it lacks `@property`."
        if not callable(value := getattr(held.transport, name, 0)):
            said = f"`{name}` is a {type(value).__name__}; a probe is a number."
        kit.require(isinstance(value, int), f"{name}: a {type(value).__name__}", said)


def begun(kit: Kit, held: Held) -> None:
    """Refuse a transport that writes nothing at all."""
    done(held.senders)
    numbers(kit, held)
    said = f"`pipe.send` was given a {held.pipe.odd}, and not a text."
    if held.pipe.odd in ("coroutine", "Task", "Future"):
        said = f"{said} An `await` is missing where the text comes from."
    kit.require(not held.pipe.odd, f"a {held.pipe.odd} was sent", said)
    kit.require(held.pipe.taken, "nothing was sent", NOTHING)


@step.check("1,000 texts of 10 senders arrive, each sender's in its order")
async def in_order(my: Any, kit: Kit) -> str:
    """What is sent arrives, in the order in which it was sent (RFC 6455: a WebSocket keeps it; so does a transport)."""
    held = Held(my, kit, delay=SLOW, limit=kit.rng.randint(3, 20))

    held.chatter(FLOOD, SLOW)

    async def speak(name: str) -> None:
        for number in range(FLOOD // 10):
            await held.transport.send(f"{name} {number}")

    names = [f"sender {n} {kit.rng.randint(0, 999)}" for n in range(10)]
    speakers = [asyncio.create_task(speak(name)) for name in names]
    await asyncio.wait(speakers, timeout=30)
    numbers(kit, held)
    left = len(speakers) - done(speakers)
    begun(kit, held)
    said = "the connection is slow but alive; there is room in the queue again, and a sender waits on."
    if held.transport.queue_depth and not held.pipe.writes_in_flight:
        said = "the writer has stopped: texts wait in the queue, and none is on the pipe."
    kit.require(not left, f"{left} of 10 senders still wait after 30 s", said)
    await asyncio.sleep(5)
    sent = held.pipe.sent
    if len(set(sent)) < FLOOD:
        kit.require(False, f"{len(set(sent)):,} of 1,000", await _missing(my, kit))
    kit.require(len(sent) == FLOOD, f"{len(sent):,} texts", "a text went out more than once.")
    for name in names:
        mine = [int(text.rpartition(" ")[2]) for text in sent if text.startswith(f"{name} ")]
        kit.require(mine == sorted(mine), "texts overtook each other", "the first text in is the first text out.")
    await held.end()
    return "1,000, in order"


async def _missing(my: Any, kit: Kit) -> str:
    """Why texts are missing: with room for all of them, are they there?"""
    held = Held(my, kit, limit=FLOOD + 1)
    held.send(*(f"text {n}" for n in range(FLOOD)))
    await asyncio.sleep(5)
    if len(held.pipe.sent) == FLOOD:
        return "texts are missing; a full queue must make the sender wait, not lose."
    return f"`send` returned for 1,000 texts, and {len(held.pipe.sent):,} of them have reached the pipe."


@step.check("never two sends on the pipe; the probe says 1")
async def one_in_flight(my: Any, kit: Kit) -> str:
    """One writer: the pipe never sees a second `send` before the first returned."""
    held = Held(my, kit, delay=SLOW)
    held.chatter(FLOOD, SLOW)
    held.send(*(f"text {n}" for n in range(FLOOD)))
    await asyncio.sleep(FLOOD * SLOW + 5)
    begun(kit, held)
    most = held.pipe.max_writes_in_flight
    said = f"{most:,} sends were on the pipe at once; a queue and one task that empties it keep it at 1."
    kit.require(most == 1, f"{most:,} at once", said)
    kit.equal(len(held.pipe.sent), FLOOD, "the connection is slow but alive: all texts go out.")
    probe = held.transport.max_writes_in_flight
    said = f"never were two texts on the pipe, and one was; `max_writes_in_flight` says {probe}."
    kit.equal(probe, 1, said)
    await held.end()
    return "1"


@step.check("on a stalled connection `limit` texts are queued; the next sender waits")
async def bounded(my: Any, kit: Kit) -> str:
    """A bounded queue turns a slow peer into a wait: it costs time, not memory."""
    limit = kit.rng.randint(3, 30)
    held = Held(my, kit, limit=limit)
    held.pipe.stall()
    texts = [f"text {n} {kit.rng.getrandbits(16):04x}" for n in range(limit + 8)]
    texts[-1] = texts[0]  # the same text may be sent twice
    senders = held.send(*texts)
    await asyncio.sleep(60)
    begun(kit, held)
    _as_many_as_may(kit, held, limit)
    held.pipe.resume()
    held.chatter(len(texts), 1.0)
    await asyncio.sleep(60)
    if said := gave_up(held):
        kit.require(False, f"{len(held.pipe.sent)} of {len(texts)} texts sent", said)
    kit.equal(held.pipe.sent, texts, "when the peer reads again, all texts go out, in order, and no sender waits.")
    kit.equal(done(senders), len(texts), "when the peer reads again, no sender waits any more.")
    most = held.transport.max_queue_depth
    kit.require(most <= limit, f"max_queue_depth {most}, limit {limit}", "the queue was deeper than its limit.")
    await held.end()
    usual = Held(my, kit)
    usual.pipe.stall()
    usual.send(*(f"text {n}" for n in range(1005)))
    await asyncio.sleep(1)
    said = "without an argument the limit is 1,000 texts, and one more is on the pipe."
    kit.require(1000 <= done(usual.senders) <= 1001, f"{done(usual.senders):,} texts taken", said)
    await usual.end()
    return "limit kept"


def _as_many_as_may(kit: Kit, held: Held, limit: int) -> None:
    """One text is on the stalled pipe, ``limit`` wait, and the senders of the others wait too."""
    queued, depth, taken = done(held.senders), held.transport.queue_depth, len(held.pipe.taken)
    said = "a write that stalls is only slow; yours gave up on it, and its text is lost: wait as long as it takes."
    if held.pipe.max_writes_in_flight > 1:
        said = f"{held.pipe.max_writes_in_flight} sends were on the pipe at once; one task alone calls `pipe.send`."
    kit.require(taken <= 1, f"{taken} writes begun", said)
    said = "your `send` waits for the wire, so nothing ever queues; it must return when the text is queued."
    kit.require(queued > 1, f"{queued} of {limit} queued", said)
    said = "a stalled peer let the queue grow past its limit; let `send` wait while `limit` texts wait."
    if queued <= limit + taken:
        said = f"`queue_depth` counts what waits to be given to the pipe: {queued - taken} texts; yours says {depth}."
    kit.require(depth <= limit, f"queue_depth {depth}, limit {limit}", said)
    said = "`send` returned while the queue was full; it waits until its text is queued, however long that takes."
    kit.require(queued <= limit + taken, f"{queued} returned, limit {limit}", said)
    said = "`limit` texts may wait; a sender was made to wait before there were so many."
    kit.require(queued >= limit, f"{queued} queued, limit {limit}", said)


@step.check("while a write is stalled, incoming texts still come")
async def reads_go_on(my: Any, kit: Kit) -> str:
    """A peer that reads nothing may still talk: calls cross (J-spec 4.1.1)."""
    held = Held(my, kit)
    held.pipe.feed(first := f"first {kit.rng.getrandbits(16):04x}")
    await asyncio.sleep(1)
    done([held.reader])
    said = "a text came in, and `async for` has not given it on; nothing has been sent yet."
    kit.require(held.read == [first], f"{len(held.read)} of 1 texts read", said)
    held.pipe.stall()
    held.send("one", "two", "three")
    await asyncio.sleep(1)
    texts = [f"incoming {kit.rng.getrandbits(16):04x}" for _ in range(9)]
    texts.append(texts[0])  # the same text may come twice
    for text in texts:
        held.pipe.feed(text)
    await asyncio.sleep(1)
    said = "a stalled write stopped your reading; two directions need two tasks."
    done([held.reader])
    read = held.read[1:]
    kit.require(len(read) == len(texts), f"{len(read)} of {len(texts)} texts read", said)
    kit.equal(read, texts, "what comes in is given on as it is, in its order.")
    await held.end()
    return "10 texts"


@step.check("the probes equal what the pipe saw")
async def probes_true(my: Any, kit: Kit) -> str:
    """A probe is what operations look at in the night: it counts, or it lies."""
    held = Held(my, kit, limit=50)
    probes, pipe = held.transport, held.pipe
    await kit.quiet()
    numbers(kit, held)
    for name in PROBES:
        said = f"nothing has been sent yet, and `{name}` says {getattr(probes, name)}; at first all four are 0."
        kit.equal(getattr(probes, name), 0, said)
    pipe.stall()
    number = kit.rng.randint(5, 40)
    for n in range(number):
        held.send(f"text {n}")
        await kit.quiet()
    begun(kit, held)
    said = f"one text is on the pipe, and `writes_in_flight` says {probes.writes_in_flight}."
    kit.require(probes.writes_in_flight == 1, f"writes_in_flight {probes.writes_in_flight}, the pipe has 1", said)
    waiting = number - len(pipe.taken)
    got = f"queue_depth {probes.queue_depth}, {waiting} wait"
    kit.require(waiting <= probes.queue_depth <= waiting + 1, got, "`queue_depth` is how many texts wait to be sent.")
    pipe.resume()
    await asyncio.sleep(1)
    for name, wanted in (("writes_in_flight", 0), ("max_writes_in_flight", 1), ("queue_depth", 0)):
        said = f"all is sent: nothing is in flight and nothing waits; `{name}` must be {wanted}."
        kit.equal(getattr(probes, name), wanted, said)
    got = f"max_queue_depth {probes.max_queue_depth}, {waiting} waited"
    kit.require(
        waiting <= probes.max_queue_depth <= waiting + 1, got, "`max_queue_depth` is the most that ever waited."
    )
    await held.end()
    return "as counted"
