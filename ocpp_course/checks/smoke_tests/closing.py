"""1.4: whatever the connection does, closing ends, and nobody waits for ever."""

from __future__ import annotations

import asyncio
from typing import Any

from ocpp_lab.transport import Transport

from ..kit import Kit
from ..step import Step, Wrong
from .played_pipe import Held, done, no_error, waits_in

step = Step(
    "1.4", "`Transport.close`: nothing hangs", ("Transport",), points=2, minutes=20, reference=lambda: Transport
)  # fmt: skip

GRACE = 0.9
"""Seconds beyond its timeout that closing may take: to close the pipe itself."""
HANGS = "the peer reads no more, so the queue never empties; flush at most `timeout` seconds."
MARK = "your stop mark waits in the queue it should stop."
LAST = "the last text was still on its way."
ORDER = "all left, but in another order than they were sent; step 1.3 keeps the order."
BETWEEN = "a text had left `send` and had not reached `pipe.send` when `close` was called; wait for it too."
AFTER = "the peer has closed: from then on `send` raises ConnectionLost."
CODE = "the code and the reason that `close` was given go to `pipe.close`."


def texts(kit: Kit, number: int) -> list[str]:
    return [f"text {n} {kit.rng.getrandbits(16):04x}" for n in range(number)]


async def closed(held: Held, kit: Kit, seconds: float, diagnosis: str, **options: Any) -> float:
    """How long `close` took; refused if it took longer than ``seconds``, and why if that can be seen."""
    started = kit.time
    closing = asyncio.create_task(held.transport.close(**options), name="the check's closer")
    await asyncio.wait([closing], timeout=seconds + 1e-3)
    if not closing.done():
        said = MARK if held.own_wait_in("Queue.put") else diagnosis
        kit.require(False, f"it still waits after {seconds:g} s", said)
    closing.result()
    return kit.time - started


def once(held: Held, kit: Kit, code: int, reason: str) -> None:
    """The pipe was closed, once, with this code and reason."""
    kit.require(held.pipe.closes, "the pipe is still open", "`close` never closes the pipe, and the peer waits on.")
    times = len(held.pipe.closes)
    kit.require(times == 1, f"closed {times} times", "the pipe is closed once, however often `close` is called.")
    kit.equal(held.pipe.closes, [(code, reason)], CODE)


async def gone(held: Held, kit: Kit) -> None:
    """After the close: the reader has ended, and nothing can be sent."""
    said = "after `close` the iteration ends, or the session would read for ever."
    await kit.within(1, asyncio.wait([held.reader]), "still iterating", said)
    done([held.reader])
    kit.require(held.reader.exception() is None, repr(held.reader.exception()), "the iteration ends without an error.")
    await refused(held, kit, "after `close` nothing can be sent: raise ConnectionLost.")


async def refused(held: Held, kit: Kit, diagnosis: str) -> None:
    [late] = held.send("too late")
    await kit.within(1, asyncio.wait([late]), "`send` waits", diagnosis)
    kit.require(not done([late]), "no error", diagnosis)


@step.check("all queued texts arrive, then the pipe is closed, once, with the code")
async def flush_sends_all(my: Any, kit: Kit) -> str:
    """What was accepted is sent, as far as time allows: an answer that is queued must not die of a polite close."""
    for number, options in ((90, {}), (kit.rng.randint(120, 160), {"flush": True, "timeout": 20.0})):
        held = Held(my, kit, delay=0.05)
        queued = texts(kit, number)
        held.send(*queued)
        await kit.quiet()
        code, before = kit.rng.choice([1000, 1001, 3001]), len(held.pipe.taken)
        late = asyncio.create_task(_during(held), name="the check's late sender")
        try:
            seconds = await closed(held, kit, 30, "", code=code, reason="bye", **options)
        except Wrong as wrong:
            all_sent = len(held.pipe.sent) == number
            said = "all is sent, and `close` still waits." if all_sent else _cut_short(held, number, before, 30.0)
            raise Wrong(wrong.got, wrong.diagnosis or said) from None
        kit.require(held.pipe.closes, "the pipe is still open", "`close` never closes the pipe, and the peer waits on.")
        at_close = held.pipe.sent_at_close or 0
        if held.pipe.sent[:at_close][:number] != queued:
            said = _cut_short(held, number, before, seconds) if at_close < number else ORDER
            kit.require(False, f"{at_close} of {number} sent when it closed, after {seconds:g} s", said)
        once(held, kit, code, "bye")
        said = "`close` was called and still flushes; from then on `send` raises ConnectionLost."
        kit.require(await late, "a new `send` was let in", said)
        await gone(held, kit)
    for turns in range(10):
        await _on_its_way(my, kit, turns)
    return "all, then closed"


async def _on_its_way(my: Any, kit: Kit, turns: int) -> None:
    """`close` comes so many turns after the second of two texts, which may be anywhere between `send` and the pipe."""
    held = Held(my, kit)
    held.pipe.turns = 2
    both, seen = texts(kit, 2), list[str]()

    async def say_and_close() -> None:
        for text in both:
            await held.transport.send(text)
        for _ in range(turns):
            await asyncio.sleep(0)
        seen.extend(held.pipe.taken)
        await held.transport.close()

    held.senders.append(asyncio.create_task(say_and_close(), name="the check's sender"))
    await kit.within(5, asyncio.wait(held.senders), "`close` waits", "all is sent, and `close` still waits.")
    held.senders[0].result()
    if held.pipe.sent[: held.pipe.sent_at_close] != both:
        said = f"two were sent, {turns} turns of the loop later came `close`, and {held.pipe.sent_at_close} arrived"
        kit.require(False, said, LAST if seen == both else BETWEEN)
    await gone(held, kit)


async def _during(held: Held) -> bool:
    """Whether a `send` in the midst of the flush is refused."""
    await asyncio.sleep(1.0)
    [late] = held.send("too late")
    await asyncio.wait([late], timeout=1.0)
    return late.done() and not done([late])


def _cut_short(held: Held, number: int, before: int, seconds: float) -> str:
    """Why a flush did not send everything: what happened between the call of `close` and the end of the pipe."""
    if held.pipe.sent_at_close == number - 1 and len(held.pipe.taken) == number:
        return LAST
    if len(held.pipe.taken) > before:
        return "the flush ended before its time was over, and texts still waited."
    if seconds < 0.5:
        return "the pipe was closed at once; with `flush` first send what is queued."
    return "the writer is gone before the queue is empty."


@step.check("with flush=False no further text is sent, and it is quick")
async def drop_sends_none_more(my: Any, kit: Kit) -> str:
    """Who drops the connection on purpose does not wait for the queue."""
    held = Held(my, kit, delay=0.05)
    held.send(*texts(kit, 40))
    await asyncio.sleep(0.05 * kit.rng.randint(1, 9) + 0.02)
    begun = len(held.pipe.taken)
    said = "there is nothing to wait for: close the pipe at once."
    await closed(held, kit, 1, said, code=1001, flush=False)
    more = len(held.pipe.taken) - begun
    kit.require(more <= 1, f"{more} more texts", "`flush=False` says that what waits is dropped; yours was sent.")
    once(held, kit, 1001, "")
    await gone(held, kit)
    kit.require(len(held.pipe.taken) - begun <= 1, "texts after the close", "the writer goes on after the close.")
    return "none"


@step.check("on a stalled connection it is done after `timeout`")
async def never_hangs(my: Any, kit: Kit) -> str:
    """A peer that reads nothing must not be able to hold us."""
    timeout = kit.rng.choice([1.0, 2.0, 3.0])
    for number, flush in ((12, False), (4, True), (12, True)):
        held = await stalled(my, kit, number, limit=8)
        dropped = "`flush=False` drops what waits, and the peer reads nothing: do not wait for the writer or the queue."
        await closed(held, kit, timeout + GRACE, HANGS if flush else dropped, flush=flush, timeout=timeout)
        await let_go(held, kit)
    at_once = await stalled(my, kit, 4)
    said = "with `timeout=0` there is no time to flush; `close` still waits, as if there were no limit."
    await closed(at_once, kit, GRACE, said, timeout=0)
    await let_go(at_once, kit)
    usual = await stalled(my, kit, 4)
    await closed(usual, kit, 5 + GRACE, HANGS)
    await let_go(usual, kit)
    slow = Held(my, kit, delay=0.1)
    slow.send(*texts(kit, 1005))
    await kit.quiet()
    said = "without an argument the limit is 1,000 texts, as in step 1.3."
    kit.require(1000 <= done(slow.senders) <= 1001, f"{done(slow.senders):,} texts taken", said)
    said = "the peer reads too slowly for the whole queue; flush at most `timeout` seconds."
    await closed(slow, kit, timeout + GRACE, said, timeout=timeout)
    await let_go(slow, kit)
    return "done in time"


async def stalled(my: Any, kit: Kit, number: int, **options: Any) -> Held:
    """A transport whose peer reads nothing, with so many texts handed to it."""
    held = Held(my, kit, **options)
    held.pipe.stall()
    held.send(*texts(kit, number))
    await asyncio.sleep(1)
    return held


async def let_go(held: Held, kit: Kit) -> None:
    """The check's own senders and reader are no business of this check."""
    kit.require(len(held.pipe.closes) == 1, f"pipe closed {len(held.pipe.closes)} times", "close the pipe, once.")
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
        await closed(held, kit, 5, HANGS, flush=flush, timeout=2.0)
        await all_lost(kit, waiting, "`close` has returned, and a sender still waits.")
        await gone(held, kit)
    await flushed_or_told(my, kit)
    return "ConnectionLost"


async def flushed_or_told(my: Any, kit: Kit) -> None:
    """While a `close` flushes, whoever waits for room is told, or has its text sent too."""
    held = Held(my, kit, delay=0.05, limit=6)
    queued = texts(kit, 20)
    senders = held.send(*queued)
    await asyncio.sleep(0.12)
    await closed(held, kit, 5 + GRACE, "all is sent, and `close` still waits.")
    await asyncio.wait(senders, timeout=1)
    left = [each for each in senders if not each.done()]
    said = still(left, "`close` has returned, and a sender still waits.")
    kit.require(not left, f"{len(left)} of {len(senders)} still wait", said)
    lost = [text for text, each in zip(queued, senders, strict=True) if done([each]) and text not in held.pipe.sent]
    said = "`send` returned and the flush left its text behind; raise ConnectionLost, or send it before the close."
    kit.require(not lost, f"{len(lost)} accepted, not sent", said)


async def all_lost(kit: Kit, senders: list[asyncio.Task[None]], diagnosis: str) -> None:
    """Within a second each of these has raised ConnectionLost."""
    await asyncio.wait(senders, timeout=1)
    left = [each for each in senders if not each.done()]
    kit.require(not left, f"{len(left)} of {len(senders)} still wait", still(left, diagnosis))
    kit.require(not done(senders), "`send` returned", "a text that will never be sent was taken: raise ConnectionLost.")
    cancelled = any(each.cancelled() for each in senders)
    kit.require(not cancelled, "CancelledError", "whoever waits to send is told by ConnectionLost.")


def still(senders: list[asyncio.Task[None]], diagnosis: str) -> str:
    """What is said of senders that wait: where, if it can be seen."""
    if any("Queue.put" in waits_in(each) for each in senders):
        return "a sender still waits in `put` of a queue nobody empties."
    return diagnosis


@step.check("what `send` has started is over when it returns")
async def leaves_nothing(my: Any, kit: Kit) -> str:
    """A connection may live for months: what each text leaves behind adds up."""
    held, left = Held(my, kit), []
    for _ in range(2):
        held.send(*texts(kit, 20))
        await asyncio.sleep(1)
        done(held.senders)
        left.append(len(held.own_tasks()))
    said = "each `send` leaves a task behind; end what you start, also if nobody needs it any more."
    kit.require(left[1] <= left[0], f"{left[0]} tasks after 20 texts, {left[1]} after 40", said)
    await closed(held, kit, 1, "nothing is queued: done at once.")
    await gone(held, kit)
    return "nothing more"


@step.check("any number of `close()`; the pipe is closed once")
async def twice_is_fine(my: Any, kit: Kit) -> str:
    """Who cleans up need not know whether somebody has cleaned up already."""
    held = Held(my, kit, delay=0.02)
    number = kit.rng.randint(30, 60)
    held.send(*texts(kit, number))
    await kit.quiet()
    first = asyncio.create_task(held.transport.close(1001, "first"), name="the check's closer")
    await asyncio.sleep(0.1)
    said = "a second `close` waits for the first, or returns when all is over."
    more = [asyncio.create_task(held.transport.close(), name="the check's closer") for _ in range(2)]
    await asyncio.wait(more, timeout=10, return_when=asyncio.FIRST_COMPLETED)
    await kit.quiet()
    kit.require(more[0].done() or more[1].done(), "a second close hangs", said)
    said = "a second `close` returned while the first still worked; whoever calls it, on return nothing is left."
    early = "" if held.pipe.closes and first.done() else f"{len(held.pipe.sent)} of {number} texts sent"
    _, late = await asyncio.wait([first, *more], timeout=10)
    times = len(held.pipe.closes)
    kit.require(times < 2, f"closed {times} times", "the pipe is closed once, however often `close` is called.")
    kit.require(not early, early, said)
    kit.require(not late, "a second close hangs", "a second `close` waits for the first, or returns when all is over.")
    await asyncio.gather(first, *more)
    await kit.within(1, held.transport.close(1001, "again"), "another close hangs", "closed is closed: just return.")
    once(held, kit, 1001, "first")
    await gone(held, kit)
    idle = Held(my, kit)
    for _ in range(2):
        await closed(idle, kit, 1, "nothing is queued: done at once.")
    once(idle, kit, 1000, "")
    await gone(idle, kit)
    return "closed once"


@step.check("the caller of `close` is cancelled: the closing goes on")
async def goes_on(my: Any, kit: Kit) -> str:
    """Who waits for the end may give up; the connection must end all the same."""
    held = Held(my, kit, delay=0.02)
    number = kit.rng.randint(100, 150)
    held.send(*texts(kit, number))
    await kit.quiet()
    first = asyncio.create_task(held.transport.close(), name="the check's closer")
    await asyncio.sleep(0.1)
    first.cancel()
    await asyncio.wait([first], timeout=0.5)
    said = "the caller of `close` was cancelled, and waits on; a cancellation ends its wait at once."
    kit.require(first.done(), "it waits on", said)
    said = "the caller of `close` was cancelled, and `close` returned as if all were over; let CancelledError pass."
    kit.require(first.cancelled(), "it returned", said)
    said = "a caller of `close` was cancelled, and the next one waits for ever; nobody ends what it began."
    await closed(held, kit, 5 + GRACE, said)
    said = (
        "a caller of `close` was cancelled, and the closing ended with it; give it a task of its own and shield that."
    )
    kit.require(held.pipe.closes, "the pipe is still open", said)
    kit.require(held.pipe.sent_at_close == number, f"{held.pipe.sent_at_close} of {number} sent", said)
    once(held, kit, 1000, "")
    await gone(held, kit)
    return "to its end"


@step.check("iteration ends, senders are told, `close` is quick")
async def peer_close(my: Any, kit: Kit) -> str:
    """Either side may close; then the other side's calls fail at once."""
    held = await stalled(my, kit, 20, limit=6)
    waiting = [each for each in held.senders if not each.done()]
    held.pipe.end(1001)
    await asyncio.wait([held.reader], timeout=1)
    kit.require(held.reader.done(), "still iterating", "the pipe's iteration has ended, and so must yours.")
    await all_lost(kit, waiting, "the peer has closed, and a sender still waits.")
    await refused(held, kit, AFTER)
    no_error(held, kit)
    said = "the connection is dead: `close` has nothing to wait for."
    await closed(held, kit, GRACE, said)
    idle = Held(my, kit)
    idle.send("hello")
    await asyncio.sleep(1)
    idle.pipe.end(kit.rng.choice([1000, 1001, 1006]))
    await asyncio.wait([idle.reader], timeout=1)
    kit.require(idle.reader.done(), "still iterating", "the pipe's iteration has ended, and so must yours.")
    await refused(idle, kit, AFTER)
    no_error(idle, kit)
    await closed(idle, kit, GRACE, said)
    for each in (held, idle):
        said = "the peer has closed, and `close` did not call `pipe.close`; it does, so that the pipe is freed."
        kit.require(each.pipe.closes, "`pipe.close` was not called", said)
    return "ConnectionLost"
