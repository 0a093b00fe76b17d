"""4.5: the connection is gone, and whoever waits is told at once."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

from ocpp_lab.errors import CallTimeout, ConnectionLost, NotConnected
from ocpp_lab.frames import CallResult
from ocpp_lab.messages import HeartbeatResponse

from ..kit import Kit
from ..step import Step
from . import strays
from .ours import OurPending
from .patience import MILLISECOND, outcome
from .pending_ids import fresh_ids, refuses, time_of
from .strays import answered, expired

step = Step(
    "4.5", "`fail_all`: the connection is gone", ("Pending",), points=2, minutes=15, reference=lambda: OurPending
)

MANY = 1000
AWAITED = 100


DONE = "`fail_all` raised InvalidStateError: a future was done already; ask `future.done()` before you end it."


def fail_all(kit: Kit, pending: Any, error: Exception) -> Any:
    """How many calls it says it ended. Refuses the answer if it raises what a dict, a future or the error says."""
    try:
        number = pending.fail_all(error)
    except asyncio.InvalidStateError:
        kit.require(False, "InvalidStateError", DONE)
    except RuntimeError as raised:
        if "changed" not in str(raised):
            raise
        kit.require(False, "RuntimeError", "the dict changed during the loop; take the entries out first.")
    except type(error) as raised:
        said = "the error is for the callers; `fail_all` returns how many they were."
        kit.require(False, type(raised).__name__, said)
    if asyncio.iscoroutine(number):
        number.close()
        kit.require(False, "a coroutine", "nobody awaits `fail_all`: it ends the calls before it returns.")
    return number


def same(one: BaseException, other: BaseException) -> bool:
    """The same error, or one like it: each caller may get an exception of its own."""
    return type(one) is type(other) and str(one) == str(other)


@step.check("1,000 calls end with the error, in the same instant")
async def all_at_once(my: Any, kit: Kit) -> str:
    """An id belongs to one connection: when it is gone, no reply can come any more (J-spec 4.1.4)."""
    pending = my.Pending()
    _is_open(my, kit)
    error = ConnectionLost(f"the cable was cut at {kit.rng.randrange(100)} m")
    futures = [pending.open(unique_id, HeartbeatResponse) for unique_id in fresh_ids(kit, MANY)]
    callers = [asyncio.create_task(pending.expect(future, 30.0)) for future in futures[:AWAITED]]
    await asyncio.sleep(1.0)
    number = fail_all(kit, pending, error)
    begun = kit.time
    await asyncio.wait([*callers, *futures[AWAITED:]], timeout=60)
    ends = [_end(each) for each in (*callers, *futures[AWAITED:])]
    cancelled = sum(isinstance(end, asyncio.CancelledError) for end in ends)
    said = "callers saw CancelledError and believe *they* were cancelled."
    kit.require(not cancelled, f"{cancelled:,} cancelled", said)
    timeouts = sum(isinstance(end, CallTimeout) for end in ends)
    said = "pending calls ended after their timeouts; the connection is gone now."
    kit.require(not timeouts, f"{timeouts} timeouts", said)
    untold = sum(end is None for end in ends)
    kit.require(not untold, f"{untold:,} wait", f"{untold:,} of 1,000 calls were not told.")
    kit.require(kit.time - begun <= MILLISECOND, "told later", "`fail_all` ends all calls before it returns.")
    right = sum(same(end, error) for end in ends if end)
    kit.require(right == MANY, f"{right:,} got the error", "every pending call ends with the error that is given.")
    kit.equal(number, MANY, "`fail_all` returns how many calls it ended.")
    kit.equal(fail_all(kit, pending, error), 0, "there was nothing left to end: 0.")
    _is_open(my, kit)
    return "1,000 of 1,000"


def _is_open(my: Any, kit: Kit) -> None:
    """The end of one connection is not that of others."""
    try:
        my.Pending().open("elsewhere", HeartbeatResponse)
    except Exception as error:
        said = "a new `Pending` was closed before its connection went; each has its own error: make it in `__init__`."
        kit.require(False, f"{type(error).__name__} in a new one", said)


def _end(waiting: asyncio.Future[Any]) -> BaseException | None:
    """The exception with which it ended; None if it waits, or has a result."""
    if not waiting.done():
        return None
    return asyncio.CancelledError() if waiting.cancelled() else waiting.exception()


@step.check("what is over stays as it is; the others are told")
async def each_once(my: Any, kit: Kit) -> str:
    """A call ends once: one that had its answer, or whose caller went away, is over."""
    pending = my.Pending()
    ids = fresh_ids(kit, 4)
    futures = [pending.open(unique_id, HeartbeatResponse) for unique_id in ids]
    pending.settle(CallResult(ids[0], time_of(5)))
    futures[1].cancel()  # its caller was cancelled while it awaited the future itself
    number = fail_all(kit, pending, ConnectionLost("gone"))
    told = sum(future.done() and isinstance(_end(future), ConnectionLost) for future in futures[2:])
    kit.require(told == 2, f"{told} of 2 told", "two calls waited beside two that were over, and not both were told.")
    kit.equal(futures[0].result().current_time.second, 5, "a call that had its answer keeps it.")
    kit.require(futures[1].cancelled(), "no longer cancelled", "a cancelled future stays cancelled.")
    too_many = "a future that was done already was counted too; `fail_all` returns how many calls it ended."
    kit.equal(number, 2, too_many if number == 3 else "`fail_all` returns how many calls it ended.")
    kit.equal(pending.counts["failed"], 0, "`counts` holds what `settle` returned; nobody replied to these.")
    for future, wanted in ((futures[0], HeartbeatResponse), (futures[2], ConnectionLost)):
        said = "the connection went while the call was being sent; `expect` gives what its future holds."
        try:
            ended = await kit.within(1, outcome(pending.expect(future, 30.0)), "it waits", "the future is done.")
        except (LookupError, ValueError, RuntimeError) as error:
            kit.require(False, type(error).__name__, said)
        kit.require(isinstance(ended, wanted), f"a {type(ended).__name__}", said)
    return "each once"


@step.check("what the steps before promised holds still")
async def as_before(my: Any, kit: Kit) -> str:
    """The end of the connection comes last; until then each reply has a name, each call an end (J-spec 4.1.4)."""
    pending = my.Pending()
    ids = fresh_ids(kit, 3)
    answered(pending, ids[0])
    await kit.within(60, expired(pending, ids[1]), "it waits for ever", "a call that nobody answers times out: 4.3.")
    kit.equal(len(pending), 0, "a call that timed out is still pending: 4.3.")
    words = [pending.settle(CallResult(unique_id, time_of(0))) for unique_id in ids]
    kit.equal(words, ["repeated", "late", "orphan"], "each stray reply has a name: 4.4.")
    kept = [pending.counts[word] for word in ("resolved", *words)]
    kit.equal(kept, [1] * 4, "each word that `settle` returns is counted once: 4.4.")
    pending.open(ids[0], HeartbeatResponse)
    refuses(kit, pending, ids[0], HeartbeatResponse)
    for rule in (strays.as_before, strays.late, strays.repeated, strays.orphan, strays.bounded, strays.counts):
        await rule(my, kit)
    await strays.id_again(my, kit)
    return "it holds"


@step.check("a later `open` raises the same error")
async def closed(my: Any, kit: Kit) -> str:
    """After the end of its connection a call must not be opened: its reply could not come."""
    for waiting in (1, 0):
        for error in (ConnectionLost("the cable was cut"), NotConnected(f"closed: {kit.rng.randrange(1000, 1014)}")):
            pending = my.Pending()
            for _ in range(waiting):
                pending.open("before", HeartbeatResponse)
            fail_all(kit, pending, error)
            waits = "a call opened after the end waits for ever."
            none = "the connection ended while no call was pending, and a call opened after it waits for ever."
            _refused(kit, pending, error, waits if waiting else none)
            later = "the first `open` after the end raised the error, and the second did not; each of them raises it."
            _refused(kit, pending, error, later)
    return "raised"


def _refused(kit: Kit, pending: Any, error: Exception, diagnosis: str) -> None:
    try:
        pending.open(fresh_ids(kit, 1)[0], HeartbeatResponse)
    except Exception as raised:
        kit.require(same(raised, error), f"a {type(raised).__name__}", "`open` raises the error of `fail_all`.")
    else:
        kit.require(False, "no error", diagnosis)


@step.check("callers that open and settle at once do no harm")
async def reentrant(my: Any, kit: Kit) -> str:
    """Whoever is told of the loss may try again at once, and late replies may still be read."""
    pending = my.Pending()
    ids = fresh_ids(kit, 20)
    seen: list[tuple[int, str, str]] = []

    def again(future: asyncio.Future[Any]) -> None:
        future.exception()
        try:
            pending.open(fresh_ids(kit, 1)[0], HeartbeatResponse)
            opened = "opened"
        except Exception as error:
            opened = type(error).__name__
        try:
            word = pending.settle(CallResult(kit.rng.choice(ids), time_of(0)))
        except Exception as error:
            word = f"!{type(error).__name__}"
        seen.append((len(pending), opened, word))

    for unique_id in ids:
        pending.open(unique_id, HeartbeatResponse).add_done_callback(again)
    fail_all(kit, pending, ConnectionLost("gone"))
    await kit.quiet()
    kit.require(len(seen) == 20, f"{len(seen)} of 20 told", "every caller is told, whatever the others do meanwhile.")
    said = "a caller that was told opened another call at once, and `open` did not raise the error."
    kit.require(all(opened == "ConnectionLost" for _, opened, _ in seen), "opened again", said)
    said = "a caller that was told still found its call pending; take the entries out."
    kit.require(all(left == 0 for left, _, _ in seen), "calls left pending", said)
    words = {word for _, _, word in seen}
    said = "a reply after the end resolves nothing and raises nothing."
    spoilt = {word for word in words if word in ("resolved", "failed", "malformed") or word.startswith("!")}
    kit.require(not spoilt, ", ".join(sorted(word.removeprefix("!") for word in spoilt)), said)
    return "20 of 20"


@step.check("no warning if nobody awaits a call that was ended")
async def unawaited_quiet(my: Any, kit: Kit) -> str:
    """A caller may be gone when the connection dies; asyncio then warns of an exception that was never retrieved."""
    pending = my.Pending()
    for unique_id in fresh_ids(kit, 5):
        pending.open(unique_id, HeartbeatResponse)
    caller = asyncio.create_task(pending.expect(pending.open("awaited", HeartbeatResponse), 30.0))
    await asyncio.sleep(1.0)
    fail_all(kit, pending, ConnectionLost("gone"))
    ended = await outcome(caller)
    kit.require(isinstance(ended, ConnectionLost), f"a {type(ended).__name__}", "who awaits a call is told.")
    del pending, caller
    gc.collect()
    heard = len(kit.loop.unheard) if kit.loop else 0
    said = "asyncio complains of exceptions that nobody retrieved; `future.exception()` retrieves one."
    kit.require(not heard, f"{heard} warnings", said)
    return "quiet"
