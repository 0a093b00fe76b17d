"""4.1: a reply belongs to the call with its id."""

from __future__ import annotations

import asyncio
from typing import Any

from ocpp_lab.errors import PayloadError
from ocpp_lab.frames import CallResult
from ocpp_lab.messages import AuthorizeResponse, HeartbeatResponse
from ocpp_lab.pending import Pending

from ..kit import Kit
from ..step import Step

step = Step("4.1", "`Pending`: by id", ("Pending",), points=2, minutes=6, reference=lambda: Pending)

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
    for number in kit.rng.sample(range(MANY), MANY):
        pending.settle(CallResult(ids[number], time_of(number)))
    await kit.quiet()
    done = [number for number, unique_id in enumerate(ids) if futures[unique_id].done()]
    kit.require(len(done) == MANY, f"{len(done):,} of 1,000 resolved", "a call whose reply came is still waiting.")
    right = sum(_seconds(futures[ids[number]]) == number for number in done)
    said = "this resolves whichever call is oldest; replies may come in any order."
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


def _seconds(future: asyncio.Future[Any]) -> int | None:
    """Which call a reply was made for; None if it is no typed response at all (another check's matter)."""
    result = future.result()
    time = getattr(result, "current_time", None)
    if time is None:
        text = str(result.get("currentTime", "")) if isinstance(result, dict) else ""
        return next((n for n in range(MANY) if time_of(n)["currentTime"] == text), None)
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
    kit.require(isinstance(got, AuthorizeResponse), f"a {type(got).__name__}")
    kit.equal(got.id_tag_info.status, "Blocked")
    kit.equal(fate, "resolved", 'a reply that resolves its call is told so: return "resolved".')
    return "AuthorizeResponse"


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
    kit.require(len(pending) == 1, f"{len(pending)} pending, not 1")
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
        refuses(kit, pending, unique_id, response_type)
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


def refuses(kit: Kit, pending: Any, unique_id: str, response_type: Any) -> None:
    """An id that is pending is a ValueError, whatever the second call asks."""
    try:
        pending.open(unique_id, response_type)
    except ValueError:
        return
    except Exception as error:
        kit.require(False, type(error).__name__, "an id that is pending already is a ValueError.")
    kit.require(False, "no error", "the first caller now waits for ever.")


@step.check('no exception, and another word than "resolved"')
async def unknown_is_quiet(my: Any, kit: Kit) -> str:
    """A call may be over before its reply comes (J-spec 4.1.1). What no call waits for must not hurt the reader."""
    pending = my.Pending()
    ids = fresh_ids(kit, 2)
    future = pending.open(f"{ids[0]}-a", HeartbeatResponse)
    for unique_id in (ids[1], f"{ids[0]}-A", ids[0]):
        try:
            fate = pending.settle(CallResult(unique_id, time_of(0)))
        except Exception as error:
            kit.require(False, type(error).__name__, "a reply for nobody killed the reader.")
        kit.require(isinstance(fate, str) and fate != "resolved", repr(fate), "nothing was resolved; use another word.")
        kit.require(not future.done(), "another call was ended", "a reply for nobody must not end somebody's call.")
        left = len(pending)
        kit.require(left == 1, f"{left} pending, not 1", "a reply for nobody is no call: `len` stays as it was.")
    return repr(fate)
