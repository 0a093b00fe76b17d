"""4.6: one own call in flight; the others wait their turn."""

from __future__ import annotations

import asyncio
from typing import Any

from ocpp_lab.errors import CallFailed, CallTimeout, ConnectionLost, MalformedReply, NotConnected, PayloadError
from ocpp_lab.frames import Call, CallError, CallResult
from ocpp_lab.messages import HeartbeatResponse
from ocpp_lab.session import Session

from ..kit import Kit
from ..step import Step
from .bench import HEARTBEAT, Bench, Reaction, after, answer_to, authorize
from .patience import KNOWN, MILLISECOND, outcome

step = Step("4.6", "`Session.call`: one in flight", ("Session",), points=2, minutes=25, reference=lambda: Session)

PATIENCE = 200.0


def tags(kit: Kit, number: int) -> list[str]:
    """Cards that no example shows."""
    return [f"TAG_{kit.rng.getrandbits(32):08X}" for _ in range(number)]


@step.check("five callers at once, one call on the wire")
async def one_in_flight(my: Any, kit: Kit) -> str:
    """An end SHOULD send its next call only when the one before is answered or timed out (J-spec 4.1.1); ours does."""
    slow = [kit.rng.uniform(0.1, 5.0) for _ in range(5)]
    async with Bench(my, kit, lambda call: (slow.pop(), answer_to(call))) as bench:
        asked = tags(kit, 5)
        callers = [bench.call(authorize(tag)) for tag in asked]
        ended = asyncio.gather(*callers, return_exceptions=True)
        got = await kit.within(PATIENCE, ended, "a caller waits for ever", "every caller gets its answer.")
        most = bench.most_unanswered
        said = "two own calls were unanswered at once (J-spec 4.1.1)."
        kit.require(most < 2, f"{most} on the wire", said)
        for each in got:
            if isinstance(each, Exception) and not isinstance(each, KNOWN):
                raise each
        said = f"{len(bench.calls)} of 5 calls reached the peer, which answers each, and a caller got no response."
        kit.require(not any(isinstance(each, Exception) for each in got), "errors", said)
        own = [getattr(getattr(each, "id_tag_info", None), "parent_id_tag", None) for each in got]
        kit.require(own == asked, "other answers", "a caller gets the response to its own request.")
    await _beside_another(my, kit)
    await _answered_in_the_send(my, kit)
    return "1"


async def _beside_another(my: Any, kit: Kit) -> None:
    """One call for each connection: two sessions do not wait for each other."""
    async with Bench(my, kit, after(60.0)) as slow, Bench(my, kit, after(0.1)) as quick:
        slow.call(HEARTBEAT, timeout=100.0)
        await kit.quiet()
        said = (
            "a call on one connection waited for a call on another; each session has its own lock, made in `__init__`."
        )
        await kit.within(10.0, outcome(quick.call(HEARTBEAT)), "another connection waits", said)


async def _answered_in_the_send(my: Any, kit: Kit) -> None:
    """The peer is quick: its reply is there before `send` has returned."""
    async with Bench(my, kit, after(0.1)) as bench:
        send = bench.transport.send

        async def slow(text: str) -> None:
            await send(text)
            await asyncio.sleep(1.0)

        bench.transport.send = slow  # type: ignore[method-assign]
        said = (
            "the reply came before `send` had returned, and its caller did not get it; open the call before the send."
        )
        ended = await kit.within(PATIENCE, outcome(bench.call(HEARTBEAT)), "it waits for ever", said)
        kit.require(isinstance(ended, HeartbeatResponse), f"a {type(ended).__name__}", said)


async def _slow_send(my: Any, kit: Kit) -> None:
    """The transport takes the text after 3 s; the peer can be blamed from then on only."""
    async with Bench(my, kit, lambda call: (0.0, None), timeout=10.0) as bench:
        send = bench.transport.send

        async def slow(text: str) -> None:
            await asyncio.sleep(3.0)
            await send(text)

        bench.transport.send = slow  # type: ignore[method-assign]
        begun = kit.time
        waits = "a silent peer is a CallTimeout."
        ended = await kit.within(PATIENCE, outcome(bench.call(HEARTBEAT)), "it waits for ever", waits)
        took = kit.time - begun
        kit.require(isinstance(ended, CallTimeout), f"a {type(ended).__name__}", waits)
        said = f"`send` took 3 s, the timeout is 10 s, and the call ended after {took:g} s; the timeout begins when "
        said += "`transport.send` returns."
        kit.require(abs(took - 13.0) < MILLISECOND, f"after {took:g} s, not 13 s", said)


@step.check("callers are served in the order in which they came")
async def fair(my: Any, kit: Kit) -> str:
    """Who waits longest goes first; else a busy connection leaves one of them behind for ever."""
    async with Bench(my, kit, after(5.0)) as bench:
        asked = tags(kit, 6)
        callers = []
        for tag in asked:
            callers.append(bench.call(authorize(tag)))
            await asyncio.sleep(0.1)
        await kit.within(PATIENCE, asyncio.wait(callers), "a caller waits for ever", "every caller gets its answer.")
        came = [call.payload["idTag"] for call in bench.calls]
        kit.require(sorted(came) == sorted(asked), f"{len(came)} calls", "six callers, six calls on the wire.")
        said = "callers overtook each other; whoever waits longest goes first."
        kit.require(came == asked, "another order", said)
    return "in order"


@step.check("the timeout counts from the send")
async def timeout_from_send(my: Any, kit: Kit) -> str:
    """The timeout of a call is for the peer's answer; the time in our own queue is not the peer's fault."""
    for usual, own in ((10.0, None), (30.0, 10.0)):
        async with Bench(my, kit, after(8.0), timeout=usual) as bench:
            callers = [bench.call(authorize(tag), timeout=own) for tag in tags(kit, 3)]
            waiting = asyncio.wait(callers)
            await kit.within(PATIENCE, waiting, "a caller waits for ever", "every caller gets its answer.")
            ends = [await outcome(caller) for caller in callers]
            timeouts = sum(isinstance(end, CallTimeout) for end in ends)
            said = "the wait in your own queue was counted; the timeout begins when the frame is sent."
            if isinstance(ends[0], CallTimeout):
                said = "a call was answered after 8 s, its timeout was 10 s, and it timed out."
            kit.require(timeouts == 0, f"{timeouts} of 3 timed out", said)
    cases: list[tuple[float | None, dict[str, float], float]] = [
        (10.0, {}, 10.0), (10.0, {"timeout": 2.5}, 2.5), (10.0, {"timeout": 45.0}, 45.0), (10.0, {"timeout": 0.0}, 0.0),
        (None, {}, 30.0),
    ]  # fmt: skip
    for usual_one, options, limit in cases:
        async with Bench(my, kit, lambda call: (0.0, None), timeout=usual_one) as bench:
            begun = kit.time
            said = "a silent peer is a CallTimeout."
            ended = await kit.within(PATIENCE, outcome(bench.call(HEARTBEAT, **options)), "it waits for ever", said)
            kit.require(isinstance(ended, CallTimeout), f"a {type(ended).__name__}", said)
            took = kit.time - begun
            said = f"with a timeout of {limit:g} s it took {took:g} s; the timeout is in seconds, from the send."
            if usual_one is None:
                said = f"a session that is not told a timeout has 30 s; this one had {took:g} s."
            elif abs(took - 10.0) < MILLISECOND:
                said = "`timeout` of a call goes before that of the session; both are in seconds."
            if not limit:
                said = "0 is a timeout too; only None means that of the session."
            kit.require(abs(took - limit) < MILLISECOND, f"after {took:g} s, not {limit:g} s", said)
    await _slow_send(my, kit)
    return "from the send"


@step.check("the next goes out, however a call ends", name="frees-on-timeout/cancel/error")
async def frees(my: Any, kit: Kit) -> str:
    """Answer, CallError, timeout: each frees the wire at once. A caller that goes away may, or its call's end does."""
    async with Bench(my, kit, _as_the_tag_says, timeout=10.0) as bench:
        for tag, wanted, what in ENDS:
            first, second = bench.call(authorize(tag)), bench.call(authorize("LAST"))
            waits = f"{what}, and its caller waits for ever."
            ended = await kit.within(PATIENCE, outcome(first), "it waits for ever", waits)
            kit.require(isinstance(ended, wanted), f"{ended!r:.40}", f"{what}: expected a {wanted.__name__}.")
            await _sent_now(kit, bench, what)
            await kit.within(PATIENCE, outcome(second), "it waits for ever", "the call behind it waits for ever.")
        await _some_go(kit, bench)
        said = "a request that is no good raises PayloadError; it is not sent, and the next one is."
        bad = await kit.within(PATIENCE, outcome(bench.call(authorize("X" * 21))), "it waits", said)
        kit.require(isinstance(bad, PayloadError), f"a {type(bad).__name__}", said)
        await kit.within(PATIENCE, outcome(bench.call(authorize("LAST"))), "it waits for ever", said)
        left = len(bench.pending)
        said = "all calls are over, or were never sent, and one is still pending; encode the request, then open."
        kit.require(left == 0, f"{left} pending", said)
    await _two_go(my, kit)
    await _send_fails(my, kit)
    return "each time"


ENDS = (
    ("SILENT", CallTimeout, "a call timed out"),
    ("REFUSED", CallFailed, "a call was answered with a CallError"),
    ("ODD", MalformedReply, "a call got a result that cannot be read"),
)
GONE = "a caller went away"


def _as_the_tag_says(call: Call) -> Reaction:
    match call.payload.get("idTag", ""):
        case "REFUSED":
            return 1.0, CallError(call.unique_id, "InternalError")
        case "ODD":
            return 1.0, CallResult(call.unique_id, {"surprise": True})
        case "LAST":
            return 1.0, CallResult(call.unique_id, {"idTagInfo": {"status": "Accepted"}})
    return 0.1, None


async def _some_go(kit: Kit, bench: Bench) -> None:
    """One caller goes away while its call is on the wire, one while it waits for its turn."""
    gone, queued, third = (bench.call(authorize(tag)) for tag in ("GONE", "QUEUED", "LAST"))
    await asyncio.sleep(1.0)
    queued.cancel()
    await asyncio.sleep(1.0)
    gone.cancel()
    await kit.quiet()
    free = "a caller was cancelled while {}, and it went on waiting; a cancelled caller is free at once."
    kit.require(queued.done(), "it is not free", free.format("it waited for its turn"))
    kit.require(gone.done(), "it is not free", free.format("its call was on the wire"))
    await _sent_now(kit, bench, GONE, patience=10.0)
    await kit.within(PATIENCE, outcome(third), "it waits for ever", "the call behind it waits for ever.")
    sent = {call.unique_id: call.payload["idTag"] for call in bench.calls}
    kit.require("QUEUED" not in sent.values(), "it was sent", "a caller that goes away while it waits sends nothing.")
    left = len(bench.pending)
    on_the_wire = any(bench.pending.settle(CallError(unique_id, "GenericError")) == "failed" for unique_id in sent)
    said = "a caller went away while it waited, and its call is pending; open it when its turn has come."
    if on_the_wire:
        said = "a caller went away while its call was on the wire, and it is still pending after its timeout."
    kit.require(left == 0, f"{left} pending", said)


async def _two_go(my: Any, kit: Kit) -> None:
    """The call on the wire and the one behind it are given up in nearly one instant; the third goes out."""
    async with Bench(
        my, kit, lambda call: (0.1, answer_to(call) if call.payload["idTag"] == "LAST" else None)
    ) as bench:
        for steps in range(6):
            gone, queued, third = (bench.call(authorize(tag)) for tag in ("GONE", "QUEUED", "LAST"))
            await asyncio.sleep(1.0)
            gone.cancel()
            for _ in range(steps):
                await asyncio.sleep(0)
            queued.cancel()
            await _sent_now(kit, bench, GONE, patience=30.0)
            await kit.within(PATIENCE, outcome(third), "it waits for ever", "the call behind it waits for ever.")


async def _send_fails(my: Any, kit: Kit) -> None:
    """A call whose send fails is over, too; whoever waits behind it does not wait for ever."""

    async def closing(text: str) -> None:
        raise ConnectionLost("this end closes")

    async with Bench(my, kit) as bench:
        bench.transport.send = closing  # type: ignore[method-assign]
        first, second = bench.call(HEARTBEAT), bench.call(HEARTBEAT)
        await kit.within(1.0, outcome(first), "it waits", "a send failed, and its own caller waits for ever.")
        said = "a send failed, and whoever waits behind it waits for ever; give the turn on, however a call ends."
        await kit.within(1.0, outcome(second), "the next one waits", said)


async def _sent_now(kit: Kit, bench: Bench, what: str, *, patience: float = 0.0) -> None:
    """``what`` ended a call: the call that waited is on the wire, and no time has passed.

    With ``patience`` it may also wait so many seconds: a caller that goes away does not answer for the peer, so both is
    right, to free the wire at once, and not before the time of that call is up (J-spec 4.1.1: SHOULD NOT).
    """
    begun = kit.time
    await asyncio.sleep(MILLISECOND)
    while not (sent := _last_since(bench, begun)) and kit.time < begun + patience:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    if sent:
        return
    while not (sent := _last_since(bench, begun)) and kit.time < begun + 60.0:  # noqa: ASYNC110
        await asyncio.sleep(0.5)
    late = f"{what}, and the next one went out {kit.time - begun:.0f} s later; it goes out at once."
    if any(isinstance(frame, Call) and frame.payload.get("idTag") == "QUEUED" for _, frame in bench.heard):
        late = "a caller was cancelled while it waited for its turn, and its call was sent all the same."
    elif patience:
        late = f"{what}, and the next one went out after the timeout of that call; then is too late."
    kit.require(False, "the next one waits", late if sent else f"{what}, and after it nothing is ever sent.")


def _last_since(bench: Bench, begun: float) -> bool:
    at, call = next((at, frame) for at, frame in reversed(bench.heard) if isinstance(frame, Call))
    return call.payload["idTag"] == "LAST" and at > begun - MILLISECOND


@step.check("each call takes a fresh id from `ids`")
async def new_id(my: Any, kit: Kit) -> str:
    """The id of a call differs from all that its sender used before on the connection (J-spec 4.1.4)."""
    silent = iter([True, False, True, False, False])
    async with Bench(my, kit, lambda call: (0.1, None if next(silent) else answer_to(call)), timeout=5.0) as bench:
        request = authorize(tags(kit, 1)[0])
        for _ in range(5):
            await outcome(bench.call(request))
        sent = [call.unique_id for call in bench.calls]
        kit.require(len(sent) == 5, f"{len(sent)} of 5 sent", "the same request may be sent as often as one likes.")
        said = "two calls carried one id."
        kit.require(len(set(sent)) == 5, f"{len(set(sent))} ids in 5 calls", said)
        said = "the ids come from `ids`: `next(ids)` for each call."
        kit.require(set(sent) <= set(bench.ids), "other ids", said)
    return "5 ids in 5 calls"


@step.check("`NotConnected`, and nothing is sent")
async def after_end(my: Any, kit: Kit) -> str:
    """After the end nothing leaves this machine: that is definite. For the call on the wire it is not."""
    async with Bench(my, kit, lambda call: (0.0, None)) as bench:
        flying, queued = bench.call(HEARTBEAT), bench.call(HEARTBEAT)
        await asyncio.sleep(1.0)
        await bench.cut()
        said = "the connection is gone; whoever waits is told at once."
        lost = await kit.within(1.0, outcome(flying), "the call on the wire waits", said)
        kit.require(isinstance(lost, ConnectionLost), f"a {type(lost).__name__}", "it was sent: ConnectionLost.")
        said = "nothing left this machine: NotConnected is definite, ConnectionLost is not."
        for caller in (queued, bench.call(HEARTBEAT)):
            ended = await kit.within(1.0, outcome(caller), "it waits", said)
            kit.require(isinstance(ended, NotConnected), f"a {type(ended).__name__}", said)
    return "NotConnected"


@step.check("cancelled while `send` waits: free at once, and nothing stays pending")
async def gone_in_send(my: Any, kit: Kit) -> str:
    """The write queue is full, and a caller goes away before its call was taken: nothing was sent, nobody answers."""
    async with Bench(my, kit, after(0.1), timeout=10.0) as bench:
        room, send = asyncio.Event(), bench.transport.send

        async def full(text: str) -> None:
            await room.wait()
            await send(text)

        bench.transport.send = full  # type: ignore[method-assign]
        caller = bench.call(authorize("GONE"))
        await asyncio.sleep(1.0)
        caller.cancel()
        said = "a caller was cancelled while `send` waited; it is free at once, with CancelledError."
        await kit.within(1.0, asyncio.wait([caller]), "it is not free", said)
        kit.require(caller.cancelled(), "no CancelledError", said)
        room.set()
        await asyncio.sleep(60.0)
        left = len(bench.pending)
        said = "a caller was cancelled while `send` waited, and a minute later its call is still pending: forget it."
        kit.require(left == 0, f"{left} pending", said)
        said = "a caller was cancelled while `send` waited, and after it nothing is ever sent."
        await kit.within(30.0, outcome(bench.call(authorize("LAST"))), "the next one waits", said)
    return "forgotten"
