"""4.4: a reply that fits no pending call gets a name and a counter, and hurts nobody."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from typing import Any

from ocpp_lab.errors import CallTimeout
from ocpp_lab.frames import CallError, CallResult
from ocpp_lab.messages import HeartbeatResponse

from ..kit import Kit
from ..step import Step
from . import patience
from .ours import OurPending
from .patience import outcome
from .pending_ids import fresh_ids, refuses, time_of

step = Step(
    "4.4",
    "`settle` names them: late, repeated, orphan",
    ("Pending",),
    points=2,
    minutes=15,
    reference=lambda: OurPending,
)

LONG = 5000
WORDS = ("resolved", "failed", "malformed", "late", "repeated", "orphan")


def reply(unique_id: str, seconds: int = 0) -> CallResult:
    return CallResult(unique_id, time_of(seconds))


async def expired(pending: Any, unique_id: str) -> None:
    """A call that nobody answered."""
    future = pending.open(unique_id, HeartbeatResponse)
    with suppress(CallTimeout):
        await pending.expect(future, 1.0)


def answered(pending: Any, unique_id: str) -> None:
    """A call that got its answer."""
    pending.open(unique_id, HeartbeatResponse)
    pending.settle(reply(unique_id))


@step.check('"late": its call timed out or was cancelled')
async def late(my: Any, kit: Kit) -> str:
    """A reply to a call that timed out (J-spec 4.1.1) is late: the peer is slow, and has acted."""
    pending = my.Pending()
    ids = fresh_ids(kit, 2)
    await expired(pending, ids[0])
    caller = asyncio.create_task(pending.expect(pending.open(ids[1], HeartbeatResponse), 30.0))
    await asyncio.sleep(1)
    caller.cancel()
    await outcome(caller)
    for number, unique_id in enumerate((*ids, *ids)):
        word = pending.settle(reply(unique_id))
        said = f"a late reply came twice, and the copy was called {word!r}; a copy gets the same word."
        kit.require(number < 2 or word == "late", repr(word), said)
        said = "it expired, it was never answered."
        kit.require(word != "repeated", '"repeated"', said)
        said = f'its call timed out or was cancelled, so the word is "late", and not {word!r}.'
        if word == "orphan":
            said = "a slow peer and a confused peer need different repairs; tell them apart."
        kit.require(word == "late", repr(word), said)
    await expired(pending, ids[0] + "!")
    word = pending.settle(CallError(ids[0] + "!", "InternalError"))
    kit.require(word == "late", repr(word), "a CallError can be late too.")
    await _late_as_it_goes(my, kit)
    return "late"


async def _late_as_it_goes(my: Any, kit: Kit) -> None:
    """A reply comes after its caller was cancelled, and before the caller knows: its call was cancelled."""
    pending = my.Pending()
    unique_id = fresh_ids(kit, 1)[0]
    future = pending.open(unique_id, HeartbeatResponse)
    caller = asyncio.create_task(pending.expect(future, 30.0))
    await asyncio.sleep(1)
    caller.cancel()
    over = future.done()
    word = pending.settle(reply(unique_id))
    said = "the future was done, but by its caller who went away, not by an answer: late."
    kit.require(not over or word == "late", repr(word), said)
    await outcome(caller)


@step.check('"repeated": its call had an answer already')
async def repeated(my: Any, kit: Kit) -> str:
    """A second reply under one id is a copy of the first, made by the peer or on the way (J-spec 4.1.4)."""
    pending = my.Pending()
    unique_id, refused, spoilt = fresh_ids(kit, 3)
    answered(pending, unique_id)
    for _ in range(3):
        word = pending.settle(reply(unique_id))
        said = "its call had the answer already; this is one more copy: repeated."
        kit.require(word == "repeated", repr(word), said)
    for bad in (CallError(refused, "InternalError"), CallResult(spoilt, {"surprise": 1})):
        future = pending.open(bad.unique_id, HeartbeatResponse)
        pending.settle(bad)
        future.exception()
        word = pending.settle(bad)
        said = "a bad answer is an answer too; what comes after it is one more copy: repeated."
        kit.require(word == "repeated", repr(word), said)
    return "repeated"


@step.check('"orphan": no call had this id')
async def orphan(my: Any, kit: Kit) -> str:
    """A reply whose id was never sent on this connection belongs to nobody (J-spec 4.1.4)."""
    pending = my.Pending()
    ids = fresh_ids(kit, 4)
    answered(pending, ids[0])
    await expired(pending, f"not-{ids[1]}")
    kit.equal(pending.settle(reply("not-7")), "orphan", "no call had this id; a reply for nobody is an orphan.")
    said = "judged by how the id looks; the check draws other ids."
    words = [pending.settle(reply(unique_id)) for unique_id in ids[2:]]
    kit.require(words == ["orphan", "orphan"], repr(words[0]), said)
    word = pending.settle(reply(ids[2]))
    kit.require(word == "orphan", f"then {word}", "no call had this id, however often a reply carries it.")
    word = pending.settle(reply(f"not-{ids[1]}"))
    kit.require(word == "late", repr(word), said)
    pending.open(ids[3], HeartbeatResponse)
    kit.equal(pending.settle(reply(ids[3])), "resolved", "the id of a reply for nobody may be that of the next call.")
    return "orphan"


@step.check("of the last `remember` ids it is known how they ended")
async def bounded(my: Any, kit: Kit) -> str:
    """A central system runs for months, so it remembers a fixed number of ids: the newest."""
    remember = kit.rng.randrange(20, 60)
    for pending, limit, many in ((my.Pending(), 256, LONG), (my.Pending(remember=remember), remember, 500)):
        ids = fresh_ids(kit, many)
        waiting = fresh_ids(kit, 3)
        for unique_id in waiting:
            pending.open(unique_id, HeartbeatResponse)  # what is pending takes no room from what has ended
        for unique_id in ids:
            answered(pending, unique_id)
        _ends_known(kit, pending, ids, limit)
        words = [pending.settle(reply(unique_id)) for unique_id in waiting]
        said = "a call was pending while many others ended, and was forgotten; `remember` bounds the ended calls only."
        kit.require(words == ["resolved"] * 3, repr(words[0]), said)
        ids += waiting
        right = [pending.settle(reply(unique_id)) for unique_id in ids[-limit:]].count("repeated")
        said = "fewer than the last `remember` ids are known."
        kit.require(right == limit, f"{right} of {limit}", said)
    await _bounded_late(my, kit, remember)
    _beside_the_pending(my, kit)
    return "256, and as told"


def _beside_the_pending(my: Any, kit: Kit) -> None:
    """Calls that are still pending take no room from those that have ended."""
    pending = my.Pending(remember=4)
    for unique_id in fresh_ids(kit, 3):
        pending.open(unique_id, HeartbeatResponse)
    ids = fresh_ids(kit, 4)
    for unique_id in ids:
        answered(pending, unique_id)
    known = sum(_known(pending, unique_id) for unique_id in ids)
    said = f"3 calls were pending, and of the last 4 that ended {known} were known; what is pending takes no room."
    kit.require(known == 4, f"{known} of 4", said)


def _ends_known(kit: Kit, pending: Any, ids: list[str], limit: int) -> None:
    """The newest is known; those of long ago are not, nor is one more than asked for."""
    word, oldest = (pending.settle(reply(unique_id)) for unique_id in (ids[-1], ids[0]))
    said = "the call that ended last is known no more."
    if oldest == "repeated":
        said = "the newest was forgotten, the oldest kept."
    kit.require(word == "repeated", f"the newest: {word}", said)
    old = [unique_id for unique_id in ids[: -2 * limit : len(ids) // 100] if _known(pending, unique_id)]
    ago = len(ids) - ids.index(old[0]) if old else 0
    said = f"the id of {ago:,} calls ago is still remembered; keep the last `remember` of them."
    kit.require(not old, "older ones too", said)
    more = [unique_id for unique_id in ids[-limit - 5 : -limit] if _known(pending, unique_id)]
    kit.require(not more, f"{len(more)} more", "more than the last `remember` ids are known.")


def _known(pending: Any, unique_id: str) -> bool:
    return bool(pending.settle(reply(unique_id)) != "orphan")


async def _bounded_late(my: Any, kit: Kit, remember: int) -> None:
    """Calls that timed out are ended calls like others."""
    pending = my.Pending(remember=remember)
    ids = fresh_ids(kit, 3 * remember)
    for unique_id in ids:
        await expired(pending, unique_id)
    words = Counter(pending.settle(reply(unique_id)) for unique_id in ids[: 2 * remember])
    said = "calls timed out, and more than the last `remember` of them are known."
    kit.require(words["orphan"] == 2 * remember, "older ones too", said)


@step.check("a new call under an old id is a new call")
async def id_again(my: Any, kit: Kit) -> str:
    """What is pending comes first, and history after it."""
    pending = my.Pending()
    ids = fresh_ids(kit, 2)
    await expired(pending, ids[0])
    answered(pending, ids[1])
    pending.settle(reply(ids[1]))
    for unique_id in ids:
        future = pending.open(unique_id, HeartbeatResponse)
        word = pending.settle(reply(unique_id, 9))
        said = "a new call under an old id was called late."
        if word not in ("late", "repeated"):
            said = "a new call under an old id is a new call: its reply resolves it."
        kit.require(word == "resolved" and future.done(), repr(word), said)
        kit.equal(future.result().current_time.second, 9, "the new call got an old answer.")
        kit.equal(pending.settle(reply(unique_id)), "repeated", "it ended anew: now it was answered.")
    await _newest_end(my, kit, kit.rng.randrange(20, 60))
    await _new_at_once(my, kit)
    return "resolved"


async def _new_at_once(my: Any, kit: Kit) -> None:
    """The id may be used again as soon as its call has ended, before the caller of that call has run."""
    pending = my.Pending()
    unique_id = fresh_ids(kit, 1)[0]
    first = asyncio.create_task(pending.expect(pending.open(unique_id, HeartbeatResponse), 30.0))
    await asyncio.sleep(1)
    pending.settle(reply(unique_id))
    pending.open(unique_id, HeartbeatResponse)
    await outcome(first)
    said = "the end of the first call took the second with it; `expect` forgets its own call, not whatever has its id."
    kit.require(len(pending) == 1, f"{len(pending)} pending, not 1", said)
    refuses(kit, pending, unique_id, HeartbeatResponse)
    kit.equal(pending.settle(reply(unique_id)), "resolved", said)


async def _newest_end(my: Any, kit: Kit, remember: int) -> None:
    """An id that ends once more is remembered from then on, not from its first end."""
    pending = my.Pending(remember=remember)
    ids = fresh_ids(kit, remember)
    for unique_id in (*ids, ids[0], *fresh_ids(kit, remember - 1)):
        answered(pending, unique_id)
    word = pending.settle(reply(ids[0]))
    said = "an id that was used again is as old as its newest call; it was forgotten too early."
    kit.require(word == "repeated", f"used again: {word}", said)
    pending = my.Pending(remember=remember)
    for unique_id in ids:
        answered(pending, unique_id)
    pending.settle(reply(ids[0]))
    answered(pending, fresh_ids(kit, 1)[0])
    word = pending.settle(reply(ids[1]))
    said = "the calls that ended last are remembered; a stray reply makes none of them newer."
    kit.require(word == "repeated", f"ended later: {word}", said)


@step.check("`counts` holds how often each word was returned")
async def counts(my: Any, kit: Kit) -> str:
    """Each reply is counted once, under the word that `settle` returned for it."""
    pending = my.Pending()
    ids = fresh_ids(kit, 40)
    told: Counter[str] = Counter()
    for number, unique_id in enumerate(ids):
        kind = number if number < 5 else kit.rng.randrange(5)
        told.update(await _replies(pending, unique_id, kind))
    _starts_at_zero(my, kit)
    kept = {word: pending.counts[word] for word in WORDS}
    wanted = {word: told[word] for word in WORDS}
    wrong = [word for word in WORDS if kept[word] != wanted[word]]
    said = "count every word that `settle` returns, good or bad, once."
    kit.require(not wrong, ", ".join(f"{word} {kept[word]}, not {wanted[word]}" for word in wrong), said)
    return f"{sum(told.values())} replies"


def _starts_at_zero(my: Any, kit: Kit) -> None:
    """Whoever shows the counts asks for all words, also for those that never came."""
    counts = my.Pending().counts
    try:
        found = [counts[word] for word in WORDS]
    except KeyError as error:
        said = "a word that was never returned counts 0; a `Counter` knows that."
        kit.require(False, f"KeyError: {error}", said)
    kit.equal(found, [0] * len(WORDS), "each `Pending` counts for itself, from 0.")


async def _replies(pending: Any, unique_id: str, kind: int) -> list[str]:
    """What `settle` says to the replies of one call of some kind."""
    if kind == 0:
        return [pending.settle(reply(unique_id))]
    if kind == 1:
        await expired(pending, unique_id)
        return [pending.settle(reply(unique_id))]
    future = pending.open(unique_id, HeartbeatResponse)
    frames = {2: reply(unique_id), 3: CallResult(unique_id, {"surprise": 1}), 4: CallError(unique_id, "InternalError")}
    said = [pending.settle(frames[kind])]
    future.exception()
    return [*said, *(pending.settle(reply(unique_id)) for _ in range(2))]


@step.check("what 4.1 to 4.3 promised holds still")
async def as_before(my: Any, kit: Kit) -> str:
    """The class grows: names and counters are added, and no call ends in another way than before."""
    await patience.as_before(my, kit)
    for rule in (patience.on_time, patience.timeout, patience.cancel_cleans, patience.late_harmless):
        await rule(my, kit)
    await patience.one_story(my, kit)
    return "it holds"
