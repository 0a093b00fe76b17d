"""4.3: a caller waits so long and no longer, or goes away; the call is then forgotten."""

from __future__ import annotations

import asyncio
from typing import Any

from ocpp_lab.errors import CallFailed, CallTimeout, OcppError
from ocpp_lab.frames import CallError, CallResult
from ocpp_lab.messages import HeartbeatResponse

from ..kit import Kit
from ..step import Step, Wrong
from . import pending_ids, replies
from .ours import OurPending
from .pending_ids import fresh_ids, has_its_own, time_of
from .replies import settle

step = Step(
    "4.3", "`expect`: timeouts and cancellation", ("Pending",), points=3, minutes=20, reference=lambda: OurPending
)

MILLISECOND = 0.001
KNOWN = (OcppError, TimeoutError, ValueError, asyncio.InvalidStateError)
"""How a call may end, rightly or not; a ValueError is of an id that is pending already."""
ENDS = ("resolved", "failed", "malformed")
"""Words for a reply that ended its call."""


async def outcome(waiting: Any) -> Any:
    """What an awaitable ends with: its result, or its exception, CancelledError included.

    Refuses the answer if it returns an exception instead of raising it. What no contract knows, a slip, is raised.
    """
    task = asyncio.ensure_future(waiting)
    ends: Any = await asyncio.gather(task, return_exceptions=True)
    if isinstance(ends[0], BaseException) and not task.cancelled() and task.exception() is None:
        raise Wrong(f"a {type(ends[0]).__name__} returned", "the caller got the exception as an answer; raise it.")
    if isinstance(ends[0], Exception) and not isinstance(ends[0], KNOWN):
        raise ends[0]
    return ends[0]


def gave_up(ended: Any) -> bool:
    """Whether it ended by a timeout of some kind."""
    return isinstance(ended, (CallTimeout, TimeoutError))


@step.check("a reply 1 ms before the timeout wins, at once")
async def on_time(my: Any, kit: Kit) -> str:
    """The caller gets the response as soon as it comes, or its exception, also if it came before it was awaited."""
    has_its_own(my, kit)
    pending = my.Pending()
    loop = asyncio.get_running_loop()
    timeout = kit.rng.choice([5.0, 12.0, 30.0])
    frames = [CallResult("", time_of(7)), CallError("", "InternalError")]
    for unique_id, frame in zip(fresh_ids(kit, 2), frames, strict=True):
        future = pending.open(unique_id, HeartbeatResponse)
        came = kit.time + timeout - MILLISECOND
        reply = CallResult(unique_id, frame.payload) if isinstance(frame, CallResult) else CallError(unique_id, "No")
        loop.call_at(came, pending.settle, reply)
        waiting = outcome(pending.expect(future, timeout))
        ended = await kit.within(timeout + 10, waiting, "it waits for ever", "the reply came; tell the caller.")
        itself = "`expect` gave the future itself; `await` it, so that the caller gets what is in it."
        kit.require(not asyncio.isfuture(ended), "a future", itself)
        early = (
            f"it ended {came - kit.time:g} s before the reply came, and before its timeout of {timeout:g} s was over."
        )
        kit.require(kit.time > came - MILLISECOND, "too early", early)
        kit.require(not gave_up(ended), "a timeout", "the reply came before the timeout; the caller gets it.")
        kit.require(kit.time < came + MILLISECOND, "told later", "a reply is told at once, not at a next look.")
        wanted = HeartbeatResponse if isinstance(frame, CallResult) else CallFailed
        kit.require(isinstance(ended, wanted), f"a {type(ended).__name__}", f"expected a {wanted.__name__}.")
    for limit in (timeout, 0.0):
        unique_id = fresh_ids(kit, 1)[0]
        future = pending.open(unique_id, HeartbeatResponse)
        pending.settle(CallResult(unique_id, time_of(0)))
        ended = await kit.within(1, outcome(pending.expect(future, limit)), "it waits", "the reply was there already.")
        said = "the reply came before `expect` was called; it counts."
        if not limit:
            said = (
                "the reply came before `expect` was called with a timeout of 0; it counts, so look at the future first."
            )
        kit.require(isinstance(ended, HeartbeatResponse), f"a {type(ended).__name__}", said)
    return "the response"


@step.check("ends at its timeout, and the entry is gone")
async def timeout(my: Any, kit: Kit) -> str:
    """A call that gets no answer within its timeout is over, at that instant, and is forgotten."""
    for seconds in (2.5, round(kit.rng.uniform(0.2, 5.0), 2) + 0.005, 0.0):
        pending = my.Pending()
        future = pending.open(fresh_ids(kit, 1)[0], HeartbeatResponse)
        await asyncio.sleep(1.0)  # it is being sent
        begun = kit.time
        waiting = outcome(pending.expect(future, seconds))
        said = "the peer may never answer; give up." if seconds else "0 seconds is a timeout too, and a short one."
        ended = await kit.within(seconds + 60, waiting, "it waits for ever", said)
        late = kit.time - begun - seconds
        said = "a call that was never answered ended as if it had been."
        kit.require(isinstance(ended, BaseException), f"{ended!r:.40}", said)
        kit.require(
            late < MILLISECOND, "too late", "it gave up later than its timeout; each call has its own deadline."
        )
        kit.require(
            late > -MILLISECOND, "too early", "it gave up before its timeout, in seconds from when `expect` was called."
        )
        left = len(pending)
        kit.require(left == 0, f"{left} pending", f"after the timeout {left} entry is still pending.")
        kit.require(gave_up(ended), f"a {type(ended).__name__}", "a call that nobody answered ends in `CallTimeout`.")
        await kit.within(60, _forgotten_at_once(my, kit, seconds), "it waits for ever", "the peer may never answer.")
    return "at its timeout"


async def _forgotten_at_once(my: Any, kit: Kit, seconds: float) -> None:
    """Whoever is told of the timeout finds nothing of the call."""
    pending = my.Pending()
    future = pending.open(fresh_ids(kit, 1)[0], HeartbeatResponse)
    try:
        await pending.expect(future, seconds)
    except (CallTimeout, TimeoutError):
        left = len(pending)
        said = "`expect` raised, and its call was still pending; forget it before `expect` ends."
        kit.require(left == 0, f"{left} pending", said)


@step.check("a cancelled caller stays cancelled; the entry is gone")
async def cancel_cleans(my: Any, kit: Kit) -> str:
    """Who cancels a caller means it: CancelledError goes on, and the call is forgotten at once."""
    pending = my.Pending()
    future = pending.open(fresh_ids(kit, 1)[0], HeartbeatResponse)
    caller = asyncio.create_task(pending.expect(future, 30.0))
    await asyncio.sleep(kit.rng.uniform(0.5, 5.0))
    kit.require(len(pending) == 1, f"{len(pending)} pending", "a call that waits is pending.")
    caller.cancel()
    said = "a cancelled caller still waits; let CancelledError go on."
    await kit.within(1, asyncio.wait([caller]), "it still waits", said)
    ended = await outcome(caller)
    said = "a cancelled call must stay cancelled, not become a CallTimeout."
    if not gave_up(ended):
        said = "a cancelled call must stay cancelled: let CancelledError go on."
    kit.require(isinstance(ended, asyncio.CancelledError), f"a {type(ended).__name__}", said)
    kit.require(len(pending) == 0, f"{len(pending)} pending", "the caller went away, its entry did not.")
    return "cancelled"


@step.check("each call ends at its own timeout")
async def own_clock(my: Any, kit: Kit) -> str:
    """A timeout belongs to one call: calls that wait together do not share a clock."""
    pending = my.Pending()
    limits = [round(seconds + kit.rng.random(), 3) for seconds in kit.rng.sample(range(1, 40), 6)]
    begun = kit.time
    ends: dict[float, float] = {}
    other = pending.open("other", HeartbeatResponse)

    async def wait(unique_id: str, seconds: float) -> None:
        await outcome(pending.expect(pending.open(unique_id, HeartbeatResponse), seconds))
        ends[seconds] = kit.time - begun

    callers = asyncio.gather(*map(wait, fresh_ids(kit, len(limits)), limits))
    await kit.quiet()
    newest = pending.open("newest", HeartbeatResponse)
    said = "six calls waited together and did not end at their own timeouts; each has its own deadline."
    await kit.within(max(limits) + 60, callers, "some wait for ever", said)
    right = sum(abs(ended - seconds) < MILLISECOND for seconds, ended in ends.items())
    kit.require(right == len(limits), f"{right} of {len(limits)} in time", said)
    forgotten = "another call was forgotten too; forget the one that ended."
    no_word = "`settle` ended a call, and returned None instead of the word; does each path end with `return`?"
    for unique_id, future in (("other", other), ("newest", newest)):
        word = pending.settle(CallResult(unique_id, time_of(0)))
        said = no_word if word is None and future.done() else forgotten
        kit.require(word == "resolved" and future.done(), repr(word), said)
    kit.require(len(pending) == 0, f"{len(pending)} pending", "after the timeouts some entries are still pending.")
    return f"{right} of {len(limits)}"


@step.check("`CallTimeout`, an `OcppError`")
async def timeout_chain(my: Any, kit: Kit) -> str:
    """Silence is indefinite: the peer may have acted. `CallTimeout` says so, a bare TimeoutError does not."""
    pending = my.Pending()
    future = pending.open(fresh_ids(kit, 1)[0], HeartbeatResponse)
    ended = await outcome(pending.expect(future, 1.0))
    said = "raise CallTimeout; callers decide by its being indefinite."
    kit.require(isinstance(ended, CallTimeout), f"a {type(ended).__name__}", said)
    return "CallTimeout"


@step.check("a reply that comes too late raises nowhere")
async def late_harmless(my: Any, kit: Kit) -> str:
    """A reply may come after its call has timed out (J-spec 4.1.1), and in that very instant."""
    loop = asyncio.get_running_loop()
    said = "InvalidStateError: the future was done already; ask `future.done()` before you end it."
    for before in (False, True):  # the reply comes in the instant of the timeout, on either side of it
        pending = my.Pending()
        unique_id = fresh_ids(kit, 1)[0]
        future = pending.open(unique_id, HeartbeatResponse)
        raised: list[str] = []
        end = loop.time() + 2.0
        if before:
            loop.call_at(end, _try, pending, unique_id, raised)
        caller = asyncio.create_task(pending.expect(future, 2.0))
        await asyncio.sleep(1.0)
        if not before:
            loop.call_at(end, _try, pending, unique_id, raised)
        await kit.within(10, outcome(caller), "it waits for ever", "the peer may never answer; give up.")
        kit.require(not raised, "".join(raised), said)
        word = settle(kit, pending, CallResult(unique_id, time_of(0)), said, asyncio.InvalidStateError)
        over = "its call is over, so a late reply ends nothing: `settle` returns another word."
        kit.require(isinstance(word, str) and word not in ENDS, repr(word), over)
    frames = CallResult("gone", time_of(0)), CallResult("gone", {"surprise": 1}), CallError("gone", "InternalError")
    for frame in frames:
        await _reply_as_it_goes(my, kit, frame, said)
    return "nothing raised"


async def _reply_as_it_goes(my: Any, kit: Kit, frame: CallResult | CallError, diagnosis: str) -> None:
    """A reply comes after its caller was cancelled, and before the caller knows."""
    pending = my.Pending()
    future = pending.open("gone", HeartbeatResponse)
    before = len(pending)
    caller = asyncio.create_task(pending.expect(future, 30.0))
    await asyncio.sleep(1.0)
    caller.cancel()
    over = future.done()
    word = settle(kit, pending, frame, diagnosis, asyncio.InvalidStateError)
    said = "the future was done already, so this reply ended nothing: another word."
    kit.require(not over or (isinstance(word, str) and word not in ENDS), repr(word), said)
    waits = "a cancelled caller still waits; let CancelledError go on."
    ended = await kit.within(1, outcome(caller), "it still waits", waits)
    said = "a caller was cancelled, then its reply came, and CancelledError did not go on; a cancelled caller stays so."
    kit.require(isinstance(ended, asyncio.CancelledError), f"a {type(ended).__name__}", said)
    kit.require(len(pending) < before, f"{len(pending)} pending", "the caller went away, its entry did not.")


def _try(pending: Any, unique_id: str, raised: list[str]) -> None:
    try:
        pending.settle(CallResult(unique_id, time_of(0)))
    except asyncio.InvalidStateError as error:
        raised.append(type(error).__name__)


@step.check("`settle` and the caller tell the same story")
async def one_story(my: Any, kit: Kit) -> str:
    """A busy loop may have the reply and the timeout in one turn. Whichever of them comes first ends the call."""
    for word in ("resolved", "failed"):
        pending, unique_id = my.Pending(), fresh_ids(kit, 1)[0]
        good, bad = CallResult(unique_id, time_of(7)), CallError(unique_id, "InternalError")
        reply = good if word == "resolved" else bad
        future = pending.open(unique_id, HeartbeatResponse)
        words: list[str] = []
        loop = asyncio.get_running_loop()
        loop.call_at(loop.time() + 2.0, _note, words, pending, reply)
        ended = await kit.within(10, outcome(pending.expect(future, 2.0)), "it waits", "the reply came.")
        told = "a CallTimeout" if gave_up(ended) else f"a {type(ended).__name__}"
        said = f'`settle` said "{word}", and the caller got {told}; a reply in the same turn, just before the timeout, '
        said += "counts."
        kit.require(words != [word] or isinstance(ended, (HeartbeatResponse, CallFailed)), told, said)
        said = "`settle` said that the reply ended nothing, and the caller got it."
        kit.require(words == [word] or gave_up(ended), f"{words}, {told}", said)
    return "the same"


def _note(words: list[str], pending: Any, reply: CallResult | CallError) -> None:
    words.append(pending.settle(reply))


@step.check("what 4.1 and 4.2 promised holds still")
async def as_before(my: Any, kit: Kit) -> str:
    """The class grows: each reply still ends its own call, and no other, as the steps before say."""
    for rule in (pending_ids.typed, pending_ids.refuses_same_id, replies.failed, replies.both_spellings):
        await rule(my, kit)
    for rule in (replies.settle_never_raises, replies.malformed, replies.others_unhurt):
        await rule(my, kit)
    return "it holds"
