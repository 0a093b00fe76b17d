"""1.3: a queue with a bound, and one writer."""

from __future__ import annotations

import asyncio
from typing import Any

from ocpp_lab.transport import Transport

from ..kit import Kit
from ..step import Step
from .line import Held, done

step = Step(
    "1.3", "`Transport`: one writer", ("Transport",), points=3, minutes=10, reference=lambda: Transport
)  # fmt: skip

FLOOD = 1000
SLOW = 0.001
"""Seconds that a text takes on a slow line."""


@step.check("1,000 texts of 10 senders arrive, each sender's in its order")
async def in_order(my: Any, kit: Kit) -> str:
    """What is sent arrives, in the order in which it was sent (RFC 6455: a WebSocket keeps it; so does a transport)."""
    held = Held(my, kit, delay=SLOW, limit=kit.rng.randint(3, 20))

    held.chatter(FLOOD, SLOW)

    async def speak(name: str) -> None:
        for number in range(FLOOD // 10):
            await held.transport.send(f"{name} {number}")

    names = [f"sender {n} {kit.rng.randint(0, 999)}" for n in range(10)]
    speakers = asyncio.gather(*map(speak, names))
    await kit.within(30, speakers, "a sender still waits after 30 s", "the line is slow but alive; a sender waits on.")
    await asyncio.sleep(5)
    sent = held.line.sent
    said = "texts are missing; a full queue must make the sender wait, not lose."
    kit.require(len(set(sent)) == FLOOD, f"{len(set(sent)):,} of 1,000", said)
    kit.require(len(sent) == FLOOD, f"{len(sent):,} texts", "a text went out more than once.")
    for name in names:
        mine = [int(text.rpartition(" ")[2]) for text in sent if text.startswith(f"{name} ")]
        kit.require(mine == sorted(mine), "texts overtook each other", "the first text in is the first text out.")
    await held.end()
    return "1,000, in order"


@step.check("never two sends on the pipe; the probe says 1")
async def one_in_flight(my: Any, kit: Kit) -> str:
    """One writer: the pipe never sees a second `send` before the first returned."""
    held = Held(my, kit, delay=SLOW)
    held.chatter(FLOOD, SLOW)
    held.send(*(f"text {n}" for n in range(FLOOD)))
    await asyncio.sleep(FLOOD * SLOW + 5)
    most = held.line.max_writes_in_flight
    said = f"{most:,} sends were on the pipe at once; a queue and one task that empties it keep it at 1."
    kit.require(most == 1, f"{most:,} at once" if most else "nothing was sent", said if most else None)
    kit.equal(len(held.line.sent), FLOOD, "the line is slow but alive: all texts go out.")
    probe = held.transport.max_writes_in_flight
    kit.equal(probe, 1, "`max_writes_in_flight` is the most that ever was on the pipe.")
    await held.end()
    return "1"


@step.check("on a stalled line `limit` texts are queued; the next sender waits")
async def bounded(my: Any, kit: Kit) -> str:
    """A bounded queue turns a slow peer into a wait: it costs time, not memory."""
    limit = kit.rng.randint(3, 30)
    held = Held(my, kit, limit=limit)
    held.line.stall()
    texts = [f"text {n} {kit.rng.getrandbits(16):04x}" for n in range(limit + 8)]
    texts[-1] = texts[0]  # the same text may be sent twice
    senders = held.send(*texts)
    await asyncio.sleep(60)
    queued, depth, begun = done(senders), held.transport.queue_depth, len(held.line.taken)
    said = "a write that stalls is only slow; yours gave up on it, and its text is lost: wait as long as it takes."
    kit.require(begun <= 1, f"{begun} writes begun", said)
    said = "your `send` waits for the wire, so nothing ever queues; it must return when the text is queued."
    kit.require(queued > 1, f"{queued} of {limit} queued", said)
    said = "a stalled peer let the queue grow past its limit; let `send` wait while `limit` texts wait."
    kit.require(depth <= limit, f"{depth} queued, limit {limit}", said)
    said = "`send` returned while the queue was full; it waits until its text is queued, however long that takes."
    kit.require(queued <= limit + 2, f"{queued} returned, limit {limit}", said)
    said = "`limit` texts may wait; a sender was made to wait before there were so many."
    kit.require(queued >= limit, f"{queued} queued, limit {limit}", said)
    held.line.resume()
    held.chatter(len(texts), 1.0)
    await asyncio.sleep(60)
    kit.equal(held.line.sent, texts, "when the peer reads again, all texts go out, in order, and no sender waits.")
    kit.equal(done(senders), len(texts), "when the peer reads again, no sender waits any more.")
    most = held.transport.max_queue_depth
    kit.require(most <= limit, f"max_queue_depth {most}, limit {limit}", "the queue was deeper than its limit.")
    await held.end()
    return "limit kept"


@step.check("while a write is stalled, incoming texts still come")
async def reads_go_on(my: Any, kit: Kit) -> str:
    """A peer that reads nothing may still talk: calls cross (J-spec 4.1.1)."""
    held = Held(my, kit)
    held.line.stall()
    held.send("one", "two", "three")
    await asyncio.sleep(1)
    texts = [f"incoming {kit.rng.getrandbits(16):04x}" for _ in range(9)]
    texts.append(texts[0])  # the same text may come twice
    for text in texts:
        held.line.feed(text)
    await asyncio.sleep(1)
    said = "a stalled write stopped your reading; two directions need two tasks."
    kit.require(len(held.read) == len(texts), f"{len(held.read)} of {len(texts)} texts read", said)
    kit.equal(held.read, texts, "what comes in is given on as it is, in its order.")
    await held.end()
    return "10 texts"


@step.check("the probes equal what the pipe saw")
async def probes_true(my: Any, kit: Kit) -> str:
    """A probe is what operations look at in the night: it counts, or it lies."""
    held = Held(my, kit, limit=50)
    probes, line = held.transport, held.line
    await kit.quiet()
    before = (probes.writes_in_flight, probes.max_writes_in_flight, probes.queue_depth, probes.max_queue_depth)
    said = "the probe is a constant; the pipe counted otherwise."
    kit.require(before == (0, 0, 0, 0), f"{before} before the first text", said)
    line.stall()
    number = kit.rng.randint(5, 40)
    for n in range(number):
        held.send(f"text {n}")
        await kit.quiet()
    kit.require(probes.writes_in_flight == 1, f"writes_in_flight {probes.writes_in_flight}, the pipe has 1", said)
    waiting = number - len(line.taken)
    got = f"queue_depth {probes.queue_depth}, {waiting} wait"
    kit.require(waiting <= probes.queue_depth <= waiting + 1, got, "`queue_depth` is how many texts wait to be sent.")
    line.resume()
    await asyncio.sleep(1)
    after = (probes.writes_in_flight, probes.max_writes_in_flight, probes.queue_depth)
    said = "all is sent: nothing is in flight, nothing waits, and one was the most on the pipe."
    kit.require(after == (0, 1, 0), f"{after} after the last text", said)
    got = f"max_queue_depth {probes.max_queue_depth}, {waiting} waited"
    kit.require(
        waiting <= probes.max_queue_depth <= waiting + 1, got, "`max_queue_depth` is the most that ever waited."
    )
    await held.end()
    return "as counted"
