"""1.4: whatever the line does, closing ends, and nobody waits for ever."""

from __future__ import annotations

import asyncio
from typing import Any

from ocpp_lab.errors import ConnectionLost
from ocpp_lab.transport import Transport

from ..kit import Kit
from ..step import Step
from .line import Held, done

step = Step(
    "1.4", "`Transport.close`: nothing hangs", ("Transport",), points=2, minutes=7, reference=lambda: Transport
)  # fmt: skip

GRACE = 1.5
"""Seconds beyond its timeout that closing may take: to close the pipe itself."""
HANGS = "the peer reads no more, so the queue never empties; flush at most `timeout` seconds."
MARK = "your stop mark waits in the queue it should stop."
ONLY_OWN = "when the peer closes first, your writer dies silently and senders wait."


def texts(kit: Kit, number: int) -> list[str]:
    return [f"text {n} {kit.rng.getrandbits(16):04x}" for n in range(number)]


async def took(kit: Kit, work: Any, seconds: float, got: str, diagnosis: str) -> float:
    """How long it took; refused if it took longer."""
    started = kit.time
    await kit.within(seconds + 1e-3, work, got, diagnosis)
    return kit.time - started


async def gone(held: Held, kit: Kit) -> None:
    """After the close: the reader has ended, and nothing can be sent."""
    said = "after `close` the iteration ends, or the session would read for ever."
    await kit.within(1, asyncio.wait([held.reader]), "still iterating", said)
    kit.require(held.reader.exception() is None, repr(held.reader.exception()), "the iteration ends without an error.")
    await refused(held, kit, "after `close` nothing can be sent: raise ConnectionLost.")


async def refused(held: Held, kit: Kit, diagnosis: str) -> None:
    [late] = held.send("too late")
    await kit.within(1, asyncio.wait([late]), "`send` waits", diagnosis)
    error = late.exception()
    kit.require(isinstance(error, ConnectionLost), type(error).__name__ if error else "no error", diagnosis)


@step.check("all queued texts arrive, then the pipe is closed, once, with the code")
async def flush_sends_all(my: Any, kit: Kit) -> str:
    """What was accepted is sent, as far as time allows: an answer that is queued must not die of a polite close."""
    for number, options in ((40, {}), (kit.rng.randint(5, 30), {"flush": True, "timeout": 20.0})):
        held = Held(my, kit, delay=0.05)
        queued = texts(kit, number)
        held.send(*queued)
        await kit.quiet()
        code = kit.rng.choice([1000, 1001, 3001])
        said = "the writer is gone before the queue is empty."
        await took(kit, held.transport.close(code, "bye", **options), 30, "it never returns", said)
        kit.require(held.line.closes, "the pipe is still open", "`close` never closes the pipe, and the peer waits on.")
        at_close = held.line.sent_at_close
        if held.line.sent[: at_close or 0] != queued:
            got = f"{at_close or 0} of {number} sent before the close"
            kit.require(False, got, "the last text was still on its way." if at_close == number - 1 else said)
        kit.equal(held.line.closes, [(code, "bye")], "the pipe is closed once, with the code and reason given.")
        await gone(held, kit)
    return "all, then closed"


@step.check("with flush=False no further text is sent, and it is quick")
async def drop_sends_none_more(my: Any, kit: Kit) -> str:
    """Who drops the line on purpose does not wait for the queue."""
    held = Held(my, kit, delay=0.05)
    held.send(*texts(kit, 40))
    await asyncio.sleep(0.05 * kit.rng.randint(1, 9) + 0.02)
    begun = len(held.line.taken)
    said = "there is nothing to wait for: close the pipe at once."
    await took(kit, held.transport.close(1001, "", flush=False), 1, "not done after 1 s", said)
    more = len(held.line.taken) - begun
    kit.require(more <= 1, f"{more} more texts", "`flush=False` says that what waits is dropped; yours was sent.")
    kit.equal(held.line.closes, [(1001, "")], "the pipe is closed once, with the code and reason given.")
    await gone(held, kit)
    kit.require(len(held.line.taken) - begun <= 1, "texts after the close", "the writer goes on after the close.")
    return "none"


@step.check("on a stalled line it is done after `timeout`")
async def never_hangs(my: Any, kit: Kit) -> str:
    """A peer that reads nothing must not be able to hold us."""
    timeout = kit.rng.choice([1.0, 2.5, 4.0])
    full = await stalled(my, kit, 12, limit=8)
    await took(kit, full.transport.close(flush=False, timeout=timeout), timeout + GRACE, "it hangs", MARK)
    await let_go(full, kit)
    part = await stalled(my, kit, 4, limit=8)
    before = part.transport.queue_depth
    closing = asyncio.create_task(part.transport.close(timeout=timeout))
    await asyncio.wait([closing], timeout=timeout + GRACE)
    if not closing.done():
        kit.require(False, "it hangs", MARK if part.transport.queue_depth > before else HANGS)
    await closing
    await let_go(part, kit)
    full = await stalled(my, kit, 12, limit=8)
    await took(kit, full.transport.close(timeout=timeout), timeout + GRACE, "it hangs when the queue is full", MARK)
    await let_go(full, kit)
    slow = Held(my, kit, delay=0.1)
    slow.send(*texts(kit, 100))
    await kit.quiet()
    said = "the peer reads too slowly for the whole queue; flush at most `timeout` seconds."
    await took(kit, slow.transport.close(timeout=timeout), timeout + GRACE, f"more than {timeout:g} s", said)
    await let_go(slow, kit)
    return "done in time"


async def stalled(my: Any, kit: Kit, number: int, **options: Any) -> Held:
    """A transport whose peer reads nothing, with so many texts handed to it."""
    held = Held(my, kit, **options)
    held.line.stall()
    held.send(*texts(kit, number))
    await asyncio.sleep(1)
    return held


async def let_go(held: Held, kit: Kit) -> None:
    """The check's own senders and reader are no business of this check."""
    kit.require(len(held.line.closes) == 1, f"pipe closed {len(held.line.closes)} times", "close the pipe, once.")
    for task in (*held.senders, held.reader):
        task.cancel()
    await asyncio.gather(*held.senders, held.reader, return_exceptions=True)


@step.check("senders that wait for room get ConnectionLost")
async def senders_released(my: Any, kit: Kit) -> str:
    """A call that can no longer be sent ends at once, not after its timeout."""
    for flush in (False, True):
        held = await stalled(my, kit, 20, limit=6)
        waiting = [each for each in held.senders if not each.done()]
        kit.require(waiting, "nobody waits", "a full queue makes the sender wait (step 1.3).")
        await kit.within(5, held.transport.close(flush=flush, timeout=2.0), "it hangs", HANGS)
        said = "a sender still waits in `put` of a queue nobody empties."
        await all_lost(kit, waiting, said)
        await gone(held, kit)
    await flushed_or_told(my, kit)
    return "ConnectionLost"


async def flushed_or_told(my: Any, kit: Kit) -> None:
    """While a `close` flushes, whoever waits for room is told, or has its text sent too."""
    held = Held(my, kit, delay=0.05, limit=6)
    queued = texts(kit, 20)
    senders = held.send(*queued)
    await asyncio.sleep(0.12)
    await kit.within(5 + GRACE, held.transport.close(), "it hangs", "the line is slow but alive: `close` flushes.")
    await asyncio.wait(senders, timeout=1)
    left = sum(not each.done() for each in senders)
    said = "a sender still waits in `put` of a queue nobody empties."
    kit.require(not left, f"{left} of {len(senders)} still wait", said)
    lost = [text for text, each in zip(queued, senders, strict=True) if done([each]) and text not in held.line.sent]
    said = "`send` returned and the flush left its text behind; raise ConnectionLost, or send it before the close."
    kit.require(not lost, f"{len(lost)} accepted, not sent", said)


async def all_lost(kit: Kit, senders: list[asyncio.Task[None]], diagnosis: str) -> None:
    """Within a second each of these has raised ConnectionLost."""
    await asyncio.wait(senders, timeout=1)
    left = sum(not each.done() for each in senders)
    kit.require(not left, f"{left} of {len(senders)} still wait", diagnosis)
    kit.require(not done(senders), "`send` returned", "a text that will never be sent was taken: raise ConnectionLost.")
    strange = [type(each.exception()).__name__ for each in senders if not isinstance(each.exception(), ConnectionLost)]
    kit.require(not strange, strange[0] if strange else "", "whoever waits to send is told by ConnectionLost.")


@step.check("any number of `close()`; the pipe is closed once")
async def twice_is_fine(my: Any, kit: Kit) -> str:
    """Who cleans up need not know whether somebody has cleaned up already."""
    held = Held(my, kit, delay=0.02)
    held.send(*texts(kit, kit.rng.randint(3, 20)))
    await kit.quiet()
    both = asyncio.gather(*(held.transport.close() for _ in range(3)))
    await kit.within(10, both, "a second close hangs", "a second `close` waits for the first, or returns.")
    await kit.within(1, held.transport.close(1001, "again"), "another close hangs", "closed is closed: just return.")
    times = len(held.line.closes)
    kit.require(times == 1, f"closed {times} times", "the pipe is closed once, however often `close` is called.")
    await gone(held, kit)
    idle = Held(my, kit)
    for _ in range(2):
        await kit.within(1, idle.transport.close(), "an idle line does not close", "nothing is queued: done at once.")
    await gone(idle, kit)
    return "closed once"


@step.check("iteration ends, senders are told, `close` is quick")
async def peer_close(my: Any, kit: Kit) -> str:
    """Either side may close; then the other side's calls fail at once."""
    held = await stalled(my, kit, 20, limit=6)
    waiting = [each for each in held.senders if not each.done()]
    held.line.end(1001)
    await asyncio.wait([held.reader], timeout=1)
    kit.require(held.reader.done(), "still iterating", "the pipe's iteration has ended, and so must yours.")
    await all_lost(kit, waiting, ONLY_OWN)
    await refused(held, kit, ONLY_OWN)
    said = "the line is dead: `close` has nothing to wait for."
    await kit.within(GRACE, held.transport.close(), f"not done after {GRACE:g} s", said)
    idle = Held(my, kit)
    idle.send("hello")
    await asyncio.sleep(1)
    idle.line.end(kit.rng.choice([1000, 1001, 1006]))
    await asyncio.wait([idle.reader], timeout=1)
    kit.require(idle.reader.done(), "still iterating", "the pipe's iteration has ended, and so must yours.")
    await refused(idle, kit, ONLY_OWN)
    await kit.within(GRACE, idle.transport.close(), f"not done after {GRACE:g} s", said)
    return "ConnectionLost"
