"""4.1: a reply belongs to the call with its id."""

from __future__ import annotations

import asyncio
from typing import Any

from ocpp_lab.errors import PayloadError
from ocpp_lab.frames import CallResult
from ocpp_lab.messages import AuthorizeResponse, BootNotificationResponse, HeartbeatResponse
from ocpp_lab.pending import Pending

from ..kit import Kit
from ..step import Step

step = Step("4.1", "`Pending`: by id", ("Pending",), points=2, minutes=15, reference=lambda: Pending)

MANY = 1000


def fresh_ids(kit: Kit, number: int) -> list[str]:
    """Ids that no example shows."""
    return [f"{kit.rng.getrandbits(64):016x}" for _ in range(number)]


def time_of(number: int) -> dict[str, Any]:
    """The payload of a HeartbeatResponse that differs from call to call."""
    return {"currentTime": f"2030-06-01T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}Z"}


@step.check("1,000 replies in any order reach their own calls")
async def any_order(my: Any, kit: Kit) -> str:
    """A reply belongs to the call with its unique id, whatever the order (J-spec 4.1.4)."""
    pending = my.Pending()
    ids = fresh_ids(kit, MANY)
    futures = {unique_id: opened(kit, pending, unique_id) for unique_id in ids}
    order = kit.rng.sample(range(MANY), MANY)
    for number in order:
        word = pending.settle(CallResult(ids[number], time_of(number)))
        if asyncio.iscoroutine(word):
            word.close()
            kit.require(False, "a coroutine", "`settle` is no coroutine: the reader calls it, and does not wait.")
    await kit.quiet()
    done = [number for number, unique_id in enumerate(ids) if futures[unique_id].done()]
    kit.require(len(done) == MANY, f"{len(done):,} of 1,000 resolved", "a call whose reply came is still waiting.")
    numbers = {time_of(number)["currentTime"]: number for number in range(MANY)}
    got = [_number(futures[unique_id].result(), numbers) for unique_id in ids]
    right = sum(came == number for number, came in enumerate(got))
    oldest = "this resolves whichever call is oldest; replies may come in any order."
    said = oldest if got == order else "a call got the reply of another; a reply belongs to the call with its id."
    strange = next(
        (futures[unique_id].result() for unique_id, came in zip(ids, got, strict=True) if came is None), None
    )
    if None in got:
        said = f"the caller got a {type(strange).__name__}; it gets the response that `decode_payload` makes."
    kit.require(right == MANY, f"{right:,} of 1,000 right", said)
    return "1,000 of 1,000"


def opened(kit: Kit, pending: Any, unique_id: str) -> asyncio.Future[Any]:
    """The future of a new call. Refuses the answer if it is none."""
    future = pending.open(unique_id, HeartbeatResponse)
    if asyncio.iscoroutine(future):
        future.close()
    said = "`open` gives the future itself, at once; it is no coroutine."
    kit.require(asyncio.isfuture(future), f"a {type(future).__name__}", said)
    return future  # type: ignore[no-any-return]


def has_its_own(my: Any, kit: Kit) -> None:
    """Each connection has its own pending calls."""
    one, other = my.Pending(), my.Pending()
    one.open("one", HeartbeatResponse)
    said = "two `Pending` share their entries; each connection has its own: make the dict in `__init__`."
    kit.require(len(other) == 0, f"{len(other)} in a new one", said)


def _number(result: Any, numbers: dict[str, int]) -> int | None:
    """Which call a reply was made for; None if it is no typed response at all (another check's matter)."""
    time = getattr(result, "current_time", None)
    if time is None:
        return numbers.get(str(result.get("currentTime", ""))) if isinstance(result, dict) else None
    return int(time.hour * 3600 + time.minute * 60 + time.second)


@step.check('`settle` says "resolved" and the future gives the typed response')
async def typed(my: Any, kit: Kit) -> str:
    """The caller gets the typed response that its request is declared to have (J-spec 4.2.2)."""
    pending = my.Pending()
    unique_id = fresh_ids(kit, 1)[0]
    future = pending.open(unique_id, AuthorizeResponse)
    fate = pending.settle(CallResult(unique_id, {"idTagInfo": {"status": "Blocked"}}))
    kit.require(future.done() or fate != "resolved", "it waits", "`settle` says that it resolved, and did not yet.")
    got = await kit.within(1, future, "nothing", "a call whose reply came is still waiting.")
    said = "the caller got a dict; decode by the pending response type."
    kit.require(not isinstance(got, dict), "a dict", said)
    typed_so = "the future gives the response, typed as `open` was told: here an AuthorizeResponse."
    kit.require(isinstance(got, AuthorizeResponse), f"a {type(got).__name__}", typed_so)
    kit.equal(got.id_tag_info.status, "Blocked", "the response has other values than the payload.")
    kit.equal(fate, "resolved", 'a reply that resolves its call is told so: return "resolved".')
    _three_types(my, kit)
    return "AuthorizeResponse"


def _three_types(my: Any, kit: Kit) -> None:
    """Three calls of three types wait at once; their replies come in another order."""
    pending = my.Pending()
    payloads: dict[Any, dict[str, Any]] = {
        AuthorizeResponse: {"idTagInfo": {"status": "Blocked"}},
        BootNotificationResponse: time_of(0) | {"interval": 60, "status": "Accepted"},
        HeartbeatResponse: time_of(1),
    }
    calls = dict(zip(fresh_ids(kit, 3), payloads, strict=True))
    futures = {unique_id: pending.open(unique_id, wanted) for unique_id, wanted in calls.items()}
    said = "calls of three types were open at once; each reply is read as the response type of its own call."
    for unique_id in kit.rng.sample(list(calls), 3):
        try:
            pending.settle(CallResult(unique_id, payloads[calls[unique_id]]))
        except PayloadError:
            kit.require(False, "PayloadError", said)
    got = [future.result() if future.done() else None for future in futures.values()]
    kit.require([type(each) for each in got] == list(payloads), "another type", said)


@step.check("`len` counts what is pending: 1, and 0 once it is answered")
async def forgets(my: Any, kit: Kit) -> str:
    """What was answered is forgotten: a central system runs for months."""
    pending = my.Pending()
    for unique_id in fresh_ids(kit, MANY):
        future = pending.open(unique_id, HeartbeatResponse)
        pending.settle(CallResult(unique_id, time_of(0)))
        await future
    left = len(pending)
    kit.require(left == 0, f"{left:,} pending", f"{left:,} entries stay; a day later it is memory.")
    pending.open("one", HeartbeatResponse)
    kit.require(len(pending) == 1, f"{len(pending)} pending, not 1", "`len` counts the calls that wait: here 1.")
    said = "two `Pending` share their entries; each connection has its own: make the dict in `__init__`."
    kit.require(len(my.Pending()) == 0, f"{len(my.Pending())} in a new one", said)
    return "1, then 0"


@step.check("`ValueError`; the first call still gets its answer")
async def refuses_same_id(my: Any, kit: Kit) -> str:
    """The id of a call differs from those of all others on the connection (J-spec 4.1.4)."""
    pending = my.Pending()
    unique_id = fresh_ids(kit, 1)[0]
    first = pending.open(unique_id, HeartbeatResponse)
    for response_type in (HeartbeatResponse, AuthorizeResponse):
        if not refused(kit, pending, unique_id, response_type):
            pending.settle(CallResult(unique_id, time_of(0)))
            waits = "the first caller now waits for ever."
            said = waits if not first.done() else NOT_REFUSED
            kit.require(False, "no error", said)
    kit.require(not first.done(), "the first call ended", "the first call is innocent; refuse the second.")
    kit.require(len(pending) == 1, f"{len(pending)} pending, not 1", "a call that was refused is not pending.")
    said = "the second call was refused, and the first lost its response type; refuse before you remember."
    try:
        pending.settle(CallResult(unique_id, time_of(0)))
    except PayloadError as error:
        kit.require(False, type(error).__name__, said)
    await kit.within(1, first, "the first call waits", "the first caller now waits for ever.")
    try:
        pending.open(unique_id, HeartbeatResponse)
    except ValueError:
        said = "that call is over; refuse an id only while its call is pending."
        kit.require(False, "refused for ever", said)
    return "ValueError"


NOT_REFUSED = "an id that is pending already is a ValueError (step 4.1)."


def refused(kit: Kit, pending: Any, unique_id: str, response_type: Any) -> bool:
    """Whether an id that is pending is a ValueError, whatever the second call asks."""
    try:
        pending.open(unique_id, response_type)
    except ValueError:
        return True
    except (LookupError, RuntimeError, AssertionError) as error:
        kit.require(False, type(error).__name__, "an id that is pending already is a ValueError.")
    return False


def refuses(kit: Kit, pending: Any, unique_id: str, response_type: Any) -> None:
    """Refuse the answer unless the id is."""
    kit.require(refused(kit, pending, unique_id, response_type), "no error", NOT_REFUSED)


@step.check('no exception, and another word than "resolved"')
async def unknown_is_quiet(my: Any, kit: Kit) -> str:
    """A call may be over before its reply comes (J-spec 4.1.1). What no call waits for must not hurt the reader."""
    pending = my.Pending()
    ids = fresh_ids(kit, 2)
    future = pending.open(f"{ids[0]}-a", HeartbeatResponse)
    for unique_id in (ids[1], f"{ids[0]}-A", ids[0]):
        try:
            fate = pending.settle(CallResult(unique_id, time_of(0)))
        except (LookupError, TypeError, ValueError) as error:
            kit.require(False, f"{type(error).__name__}: {error}", "a reply for nobody killed the reader.")
        kit.require(not future.done(), "another call was ended", "a reply for nobody must not end somebody's call.")
        kit.require(isinstance(fate, str) and fate != "resolved", repr(fate), "nothing was resolved; use another word.")
        left = len(pending)
        kit.require(left == 1, f"{left} pending, not 1", "a reply for nobody is no call: `len` stays as it was.")
    return repr(fate)
