"""3.6: the outbox is emptied in order, one message at a time, and a message goes only when it was answered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import Any

import msgspec

from ocpp_lab.errors import CallFailed, CallTimeout, ConnectionLost, MalformedReply, NotAccepted
from ocpp_lab.messages import Request, StopTransactionRequest
from ocpp_lab.outbox import Outbox

from ..kit import Kit
from ..step import Step
from . import crowds
from .boxes import Boxes, messages, start, stop, values
from .halting import cut_short, ends_with, halts
from .peer import FIRST_ID, INTERVAL, NIGHT, Peer, begin, drained, order_of, side_by_side, told
from .power_cuts import Cuts, bug_in, killed_once

step = Step(
    "3.6",
    "`Outbox.drain`: in order, one at a time",
    ("Outbox",),
    points=3,
    minutes=25,
    reference=lambda: Outbox,
)

MOMENT = 0.001
NO = CallFailed("InternalError", "not today")


@step.check("the row is in the file while its answer is awaited, and gone after")
async def delete_after_result(my: Any, kit: Kit) -> str:
    """A message is struck out when it was answered: until then nobody knows whether it arrived (core 3.7)."""
    said = "the reply was lost and the row was gone: free energy."
    with Boxes(my.Outbox, kit) as boxes:
        box, peer, left = boxes.open(), Peer(kit), []
        await drained(kit, box, peer)
        kit.equal(len(peer.sent), 0)
        message = start(kit)
        box.put(message)
        peer.look = lambda moment, number: left.append((len(box), len(boxes.after_power_cut())))
        await drained(kit, box, peer)
        kit.require(peer.sent == [message], f"{len(peer.sent)} sends", "one message waited, and it was not sent once.")
        gone = any(0 in each for each in left)
        other = "while the answer is awaited, the message is in the box and in the file, once."
        kit.require(left == [(1, 1), (1, 1)], "gone while on the wire" if gone else f"{left}", said if gone else other)
        kit.equal(len(box), 0, "it was answered and stayed; it will be sent again after the next reconnect.")
        kit.equal(len(boxes.after_power_cut()), 0, "it was answered, and comes back after a power cut.")
    return "kept, then gone"


@step.check("one on the wire; while the head is retried the rest waits")
async def strict_order(my: Any, kit: Kit) -> str:
    """Transaction messages arrive in the order in which they happened, one at a time (core 3.7, J-spec 4.1.1)."""
    with Boxes(my.Outbox, kit) as boxes:
        for script in ((), (NO,), (None, MalformedReply("no id"), NO)):
            box, peer, written = boxes.open(), Peer(kit, *script), messages(kit, 5)
            for message in written:
                box.put(message)
            await drained(kit, box, peer)
            said = "Stop overtook its Start; send one, wait, send the next."
            kit.require(peer.most == 1, f"{peer.most} on the wire at once", said)
            kit.require(len(box) == 0, f"{len(box)} of 5 left", "`drain` returned while messages wait.")
            wanted = [written[0]] * (1 + (script[:1] == (NO,))) + [written[1]] * (3 if len(script) == 3 else 1)
            kit.require(peer.sent == wanted + written[2:], told(written, peer.sent), order_of(written, peer.sent))
            boxes.close(box)
    return "1, 2, 3, 4, 5"


@step.check("`prepare` makes each request at the instant of its send")
async def prepared_last(my: Any, kit: Kit) -> str:
    """The transaction id is known when StartTransaction was answered, and not before (core 4.8, 4.10)."""
    said = "ask `prepare` just before each send, the repeats included: what it knows may be new."
    learnt: list[int] = []
    asked: list[float] = []
    made: list[Request[Any]] = []

    def prepare(entry: Any) -> Request[Any]:
        asked.append(kit.time)
        changes = {"meter_start": len(asked)}
        if isinstance(entry.request, StopTransactionRequest):
            changes = {"transaction_id": learnt[-1] if learnt else -1}
        made.append(msgspec.structs.replace(entry.request, **changes))
        return made[-1]

    def on_result(entry: Any, response: Any) -> None:
        if entry.transaction == "ours" and hasattr(response, "transaction_id"):
            learnt.append(response.transaction_id)

    with Boxes(my.Outbox, kit) as boxes:
        box, peer = boxes.open(), Peer(kit, NO)
        box.put(start(kit), "ours")
        box.put(stop(kit), "ours")
        await drained(kit, box, peer, prepare=prepare, on_result=on_result)
        kit.equal(len(peer.sent), 3, "a start that is refused once and a stop: that makes 3 sends.")
        kit.require(
            learnt == [FIRST_ID], "`on_result` was not told", "`on_result(entry, response)` is told of each answer."
        )
        came = getattr(peer.sent[-1], "transaction_id", None)
        kit.require(came == FIRST_ID, "the stop left without its id", said)
        late = [begun - before for begun, before in zip(peer.begun, asked, strict=False)]
        kit.require(len(asked) == 3 and max(late) < MOMENT, f"asked {len(asked)} times for 3 sends", said)
        this = "what is sent is what `prepare` made for this send, and not for an earlier one."
        kit.require(peer.sent == made, "another request", this)
    return "3 times for 3 sends"


@step.check("the error is raised, the message kept, nothing counted")
async def halt_keeps(my: Any, kit: Kit) -> str:
    """Only a reported failure consumes an attempt (core 3.7.1). That SecurityError consumes none is our choice."""
    said = "nobody refused it; keep the message, and count nothing."
    with Boxes(my.Outbox, kit) as boxes:
        box, written = boxes.open(), messages(kit, 3)
        for message in written:
            box.put(message)
        for number, error in enumerate(halts()):
            peer, name = Peer(kit, error, alive=False), type(error).__name__
            raised = await ends_with(kit, box, peer, after_a_raise=number > 0)
            if isinstance(error, CallTimeout):
                not_asked = "`call` raised a CallTimeout, and `probe` was not asked whether the peer still answers."
                kit.require(peer.probes, "`probe` not asked", not_asked)
            says = "halt raises the error that came."
            if raised is None:
                says = (
                    f"`call` raised {name}, `verdict` says halt, and `drain` raised nothing; raise the error that came."
                )
            if isinstance(error, CallTimeout) and len(peer.sent) > 1:
                says = (
                    "`probe` answered False, and the message was sent again; give that answer to `verdict` as `alive`."
                )
            kit.require(type(raised) is type(error), f"{name} became {type(raised).__name__}", says)
            kit.equal(peer.probes, int(isinstance(error, CallTimeout)), "`probe` is asked after a CallTimeout only.")
            kit.require(len(box) == 3 and box.head().request == written[0], f"{name}: {len(box)} of 3 kept", said)
            kit.require(box.head().failures == 0, f"{name} was counted", said)
            kit.equal(len(peer.sent), 1, "halt means: send nothing more on this connection.")
        for bug in (TypeError("a bug"), NotAccepted("boot first")):
            raised = await ends_with(kit, box, Peer(kit, bug))
            escapes = "an error without a verdict is a bug: raise it again, and count nothing."
            kit.require(raised is bug, f"{type(bug).__name__} became {type(raised).__name__}", escapes)
            kit.require(len(box) == 3 and box.head().failures == 0, f"{type(bug).__name__} was counted", escapes)
        await cut_short(kit, box, Peer(kit))
        kit.require(len(box) == 3 and box.head().failures == 0, "cancelled: not kept", said)
        peer = Peer(kit)
        await drained(kit, box, peer, "a drain that was cancelled keeps all others out.")
        kit.require(peer.sent == written, told(written, peer.sent), "after a halt the next drain sends all of them.")
    return "raised, 3 of 3 kept"


@step.check("refused twice: again 60 s, then 120 s after the failure")
async def retry_from_failure(my: Any, kit: Kit) -> str:
    """Before a repeat the charge point waits the interval, times the transmissions so far (core 3.7.1)."""
    with Boxes(my.Outbox, kit) as boxes:
        box, peer = boxes.open(), Peer(kit, NO, NO, seconds=2.0)
        for message in messages(kit, 3):
            box.put(message)
        await asyncio.sleep(3600)
        left: list[int] = []
        peer.look = lambda moment, number: left.append(box.head().failures) if moment == "send" else None
        await drained(kit, box, peer)
        five = "three messages, and the first is refused twice: that makes 5 sends."
        kit.require(len(peer.sent) == 5, f"{len(peer.sent)} sends, not 5", five)
        waits = [round(peer.begun[number + 1] - peer.ended[number], 3) for number in (0, 1)]
        got = f"after {waits[0]:g} and {waits[1]:g} s"
        if waits[0] <= 1:
            kit.require(False, got, await _no_wait(my, kit))
        kit.require(abs(waits[0] - INTERVAL) > 2 + MOMENT or waits[0] >= INTERVAL - MOMENT, got, _FROM_SEND)
        kit.equal(left[:3], [0, 1, 2], "each failure is counted with `failed`, in the file.")
        as_told = "after `retry` the wait is the seconds that `verdict` gave: 60, then 120."
        if all(abs(wait - INTERVAL) <= MOMENT for wait in waits):
            as_told = "both waits were 60 s, although one failure was in the file by then; does `verdict` get the "
            as_told += "`failures` of an old `entry`? Look at the head again before each send."
        kit.require(all(abs(a - b) <= MOMENT for a, b in zip(waits, (60, 120), strict=True)), got, as_told)
        await _killed_in_the_wait(kit, boxes, box)
    return got


async def _no_wait(my: Any, kit: Kit) -> str:
    """Why a retry went out at once after an hour offline: does one that was put just now wait?"""
    with Boxes(my.Outbox, kit) as boxes:
        box, peer = boxes.open(kit.path("new.db")), Peer(kit, NO)
        box.put(start(kit))
        await drained(kit, box, peer)
        waited = len(peer.begun) == 2 and peer.begun[1] - peer.ended[0] > 1
    hour = "after an hour offline all retries fired at once."
    return hour if waited else "the retry went out at once; await the seconds that `verdict` gave."


async def _killed_in_the_wait(kit: Kit, boxes: Boxes, box: Any) -> None:
    """The failure was known before the wait began, so it is in the file while that goes on."""
    box.put(start(kit))
    task = begin(box, Peer(kit, NO))
    await asyncio.sleep(10)
    said = "killed in the wait, the failure is not counted; count first, then wait."
    kit.require(boxes.after_power_cut().head().failures == 1, "not counted while it waits", said)
    task.cancel()
    await asyncio.wait([task], timeout=NIGHT)


_FROM_SEND = "the wait counts from the failure, not from the send."


@step.check("refused three times: given up, `on_drop` told, the next is sent")
async def drop_goes_on(my: Any, kit: Kit) -> str:
    """After TransactionMessageAttempts failures the message is given up, and the others go on (core 3.7.1)."""
    with Boxes(my.Outbox, kit) as boxes:
        box, written = boxes.open(), messages(kit, 3)
        keys = [box.put(message, f"our {number}") for number, message in enumerate(written)]
        given_up: list[tuple[int, str | None]] = []
        counted: list[int] = []

        def on_drop(entry: Any) -> None:
            given_up.append((entry.key, entry.transaction))
            if (head := box.head()) and head.key == entry.key:  # whether it is deleted too early is asked below
                counted.append(head.failures)

        done: list[int] = []
        peer = Peer(kit, None, NO, CallTimeout(), MalformedReply("no id"))
        await drained(
            kit, box, peer,
            on_drop=on_drop,
            on_result=lambda entry, response: done.append(entry.key),
        )  # fmt: skip
        wanted = [written[0], *[written[1]] * 3, written[2]]
        kit.require(peer.sent == wanted, told(written, peer.sent), "three sends, then give it up and go on.")
        kit.equal(peer.probes, 1, "`probe` is asked once after a CallTimeout, and after nothing else.")
        kit.require(given_up == [(keys[1], "our 1")], f"told of {len(given_up)}", "`on_drop(entry)` is told, once.")
        kit.equal(done, [keys[0], keys[2]], "`on_result` is told of answers only.")
        number = counted[0] if counted else 3
        said = f"the third failure led to the drop, and the file counted {number} then; count it with `failed` too."
        kit.require(number == 3, f"{number} counted", said)
        kit.equal(len(box), 0, "what was given up stayed in the box.")
        at_once = peer.begun[4] - peer.ended[3] <= MOMENT
        kit.require(at_once, "a wait after the drop", "what was given up makes nobody wait; the next goes at once.")
        key = box.put(start(kit))
        box.failed(key)
        box.failed(key)
        peer = Peer(kit, NO)
        await drained(kit, boxes.reopened(box), peer)
        kit.equal(len(peer.sent), 1, "two failures are in the file already; the third is the last.")
    return "3 sends, then the next"


@step.check("what is put while draining is sent before `drain` returns")
async def late_comers(my: Any, kit: Kit) -> str:
    """What happens while the queue is emptied goes to its end, and is sent too (core 3.7)."""
    said = "what came while draining stayed until the next reconnect."
    with Boxes(my.Outbox, kit) as boxes:
        box, peer, written = boxes.open(), Peer(kit), messages(kit, 6)
        late = iter(written[2:])

        def look(moment: str, number: int) -> None:
            if moment == "send" and number in (0, 1, 3):
                _put(box, late)

        def on_result(entry: Any, response: Any) -> None:
            if len(peer.sent) == 5:
                _put(box, late)

        peer.look = look
        for message in written[:2]:
            box.put(message)
        await drained(kit, box, peer, on_result=on_result)
        kit.require(len(box) == 0, f"{len(box)} left behind", said)
        last = "what came while draining goes to the end, and is sent once."
        kit.require(peer.sent == written, told(written, peer.sent), last)
    return "6 of 6"


@step.check("two boxes are emptied side by side")
async def two_boxes(my: Any, kit: Kit) -> str:
    """A machine may have two charge points, each with a file and a connection of its own."""
    await crowds.two_boxes(my, kit)
    return "both at once"


def _put(box: Any, late: Iterator[Request[Any]]) -> None:
    if (message := next(late, None)) is not None:
        box.put(message)


@step.check("killed at any moment: nothing lost, at most one repeats")
async def crash_anywhere(my: Any, kit: Kit) -> str:
    """The power may go at any instant: act on the answer first, strike the message out last."""
    with Boxes(my.Outbox, kit) as boxes:
        box = boxes.open()
        cuts = Cuts(kit, boxes, [box.put(message) for message in messages(kit, 4)])
        peer = Peer(kit, NO, None, CallTimeout(), NO, NO)
        peer.look = cuts.look
        await drained(kit, box, peer, prepare=cuts.prepare, on_result=cuts.on_result, on_drop=cuts.on_drop)
        kit.equal((len(box), cuts.done), (0, 4))
    for _ in range(6):
        await killed_once(my, kit)
    for name in ("prepare", "on_result", "on_drop"):
        await bug_in(my, kit, name)
    return "nothing lost"


def _note_time(kit: Kit, over: list[float], task: asyncio.Task[None]) -> None:
    over.append(kit.time)


@step.check("a second drain waits for the first, and sends nothing twice")
async def one_drain(my: Any, kit: Kit) -> str:
    """Of each message one copy is on the wire; another needs a reason: a bad answer, or none (core 3.7.1, 4.8)."""
    with Boxes(my.Outbox, kit) as boxes:
        for error in (None, ConnectionLost()):
            box, written = boxes.open(), [start(kit), values(kit), stop(kit)]
            for message in written:
                box.put(message)
            old, new = Peer(kit, None, error, seconds=5.0), Peer(kit)
            first, second = begin(box, old), begin(box, new)
            over: list[float] = []
            first.add_done_callback(partial(_note_time, kit, over))
            await asyncio.sleep(4)
            if new.sent:
                kit.require(False, told(written, old.sent + new.sent), side_by_side(old, new))
            came_back = "the second drain came back while messages wait; it waits for the first."
            if second.done():
                second.result()  # what it raised says more
            kit.require(not second.done(), "it came back", came_back)
            await asyncio.wait([first, second], timeout=NIGHT)
            kit.require(first.done() and second.done(), "they wait for ever")
            own = "each drain raises what came on its own connection."
            kit.require(first.exception() is error, "another error", own)
            goes_on = "the second drain sends what is left, however the first one ended."
            kit.require(second.exception() is None, "the second drain failed", goes_on)
            twice = old.sent + new.sent
            wanted = written if error is None else [written[0], written[1], written[1], written[2]]
            if new.begun and new.begun[0] < over[0]:
                kit.require(False, told(written, twice), side_by_side(old, new))
            again = "a message goes out a second time only if its connection was lost before the answer."
            kit.require(twice == wanted, told(written, twice), again)
            boxes.close(box)
    await crowds.in_the_retry_wait(my, kit)
    await crowds.three_drains(my, kit)
    await crowds.cancelled_in_the_queue(my, kit)
    return "one at a time"
