"""4.2: a reply may be an error, or nonsense; both end their call."""

from __future__ import annotations

import asyncio
from typing import Any

from ocpp_lab.errors import CallFailed, MalformedReply, OcppError, PayloadError
from ocpp_lab.frames import ERROR_CODES, CallError, CallResult
from ocpp_lab.messages import AuthorizeResponse, BootNotificationResponse, HeartbeatResponse

from ..kit import Kit
from ..step import Step
from .ours import OurPending
from .pending_ids import fresh_ids, has_its_own, time_of

step = Step(
    "4.2", "`Pending`: errors and wrong shapes", ("Pending",), points=2, minutes=15, reference=lambda: OurPending
)

MISFITS: tuple[dict[str, Any], ...] = (
    {"surprise": True},
    {},
    {"currentTime": 5},
    {"currentTime": "tonight"},
)
"""What is no HeartbeatResponse."""


def end_of(kit: Kit, future: asyncio.Future[Any], diagnosis: str) -> Any:
    """What the caller gets: the response or the exception. Refuses the answer if it still waits."""
    kit.require(future.done(), "the caller waits", diagnosis)
    kit.require(not future.cancelled(), "the caller is cancelled", "the caller did nothing wrong; tell it what came.")
    if error := future.exception():
        return error
    result = future.result()
    said = "the caller got the exception as if it were an answer; `future.set_exception` raises it."
    kit.require(not isinstance(result, BaseException), f"a {type(result).__name__} as result", said)
    return result


def settle(kit: Kit, pending: Any, frame: CallResult | CallError, diagnosis: str, *kinds: type[Exception]) -> Any:
    """The word for a reply. Refuses the answer if it raises an error of these kinds; any other is told as it is."""
    try:
        return pending.settle(frame)
    except kinds as error:
        kit.require(False, type(error).__name__, diagnosis)


@step.check('`CallFailed` with code, description, details; "failed"')
async def failed(my: Any, kit: Kit) -> str:
    """A CallError ends its call: the peer did not do it, and says why (J-spec 4.2.3)."""
    has_its_own(my, kit)
    pending = my.Pending()
    details = {"left": kit.rng.randrange(1000)}
    code = kit.rng.choice(sorted(ERROR_CODES))
    frames = [
        CallError("", "InternalError", "out of paper", {"tray": 2}),
        CallError("", code, "drawn", details),
        CallError("", f"Vendor{kit.rng.randrange(1000)}", "not in 1.6"),
    ]
    for unique_id, frame in zip(fresh_ids(kit, 3), frames, strict=True):
        future = pending.open(unique_id, HeartbeatResponse)
        said = "a CallError raised in your reader; the exception is for the caller: `future.set_exception`."
        refusal = CallError(unique_id, frame.code, frame.description, frame.details)
        fate = settle(kit, pending, refusal, said, OcppError)
        error = end_of(kit, future, "the peer has refused; waiting longer tells nobody anything.")
        said = "the caller got a result, and the peer has refused; `future.set_exception` ends the call."
        if isinstance(error, CallError):
            said = "the caller got a CallError as if it were an answer."
        kit.require(isinstance(error, BaseException), f"a {type(error).__name__} as result", said)
        kit.require(isinstance(error, CallFailed), f"a {type(error).__name__}", "a CallError becomes `CallFailed`.")
        kept = (error.code, error.description, error.details) == (frame.code, frame.description, frame.details)
        said = "code, description and details belong to the exception; the caller decides by them."
        kit.require(kept, "some of it is lost", said)
        kit.equal(fate, "failed", 'a call that failed is told so: return "failed".')
    kit.require(len(pending) == 0, f"{len(pending)} pending", "the call is over, its entry is still there.")
    return "CallFailed"


@step.check("the codes in correct English are read as those of 1.6")
async def both_spellings(my: Any, kit: Kit) -> str:
    """Two codes are misspelt in 1.6 and stay so; the other spelling is understood too (J-errata 5.1, 5.2)."""
    pending = my.Pending()
    for came, meant in (
        ("OccurrenceConstraintViolation", "OccurenceConstraintViolation"),
        ("FormatViolation", "FormationViolation"),
        ("OccurenceConstraintViolation", "OccurenceConstraintViolation"),
        ("FormationViolation", "FormationViolation"),
        ("formatViolation", "formatViolation"),
        (" FormatViolation", " FormatViolation"),
        ("NotSupported ", "NotSupported "),
    ):
        unique_id = fresh_ids(kit, 1)[0]
        future = pending.open(unique_id, HeartbeatResponse)
        pending.settle(CallError(unique_id, came))
        error = end_of(kit, future, "the peer has refused; waiting longer tells nobody anything.")
        got = getattr(error, "code", None)
        said = f"{came} became {got}; only the two spellings that 1.6 does not know are changed, to those of 1.6."
        if meant == came and (came != came.strip() or came[:1].islower()):
            said = f"{came!r} became {got!r}; every code but the two of `CORRECT_ENGLISH` stays as it came."
        elif got == came:
            said = "some peers write correct English; understand both, send one."
        kit.equal(got, meant, said)
    return "both"


@step.check("no reply raises in `settle`, whatever it holds")
async def settle_never_raises(my: Any, kit: Kit) -> str:
    """Whoever calls `settle` is the reader, and the reader is not to blame for what a peer says (J-spec 4.2)."""
    pending = my.Pending()
    payloads: list[Any] = [*MISFITS, {f"drawn{kit.rng.random()}": 1}, [1, 2], "text"]
    for unique_id, payload in zip(fresh_ids(kit, len(payloads)), payloads, strict=True):
        future = pending.open(unique_id, HeartbeatResponse)
        said = "the peer's bad payload raised in *your* reader."
        settle(kit, pending, CallResult(unique_id, payload), said, PayloadError)
        if future.done() and not future.cancelled():
            future.exception()
        said = "a reply for nobody raised in *your* reader."
        for stray in (CallError(f"{unique_id}!", "InternalError"), CallResult(f"{unique_id}!", payload)):
            word = settle(kit, pending, stray, said, OcppError, LookupError, TypeError)
            other = isinstance(word, str) and word not in ("resolved", "failed", "malformed")
            kit.require(other, repr(word), "a reply for nobody ended no call; return another word.")
    return "no exception"


@step.check('`MalformedReply` for the caller, at once; "malformed"')
async def malformed(my: Any, kit: Kit) -> str:
    """A CallResult that is not the response asked for is an answer all the same: the peer has acted (J-spec 4.2.2)."""
    pending = my.Pending()
    for payload in kit.rng.sample(MISFITS, len(MISFITS)):
        unique_id = fresh_ids(kit, 1)[0]
        future = pending.open(unique_id, HeartbeatResponse)
        fate = pending.settle(CallResult(unique_id, payload))
        error = end_of(kit, future, "the answer came; waiting 30 s more tells nobody anything.")
        said = "what does not fit the response type becomes `MalformedReply`."
        kit.require(isinstance(error, MalformedReply), f"a {type(error).__name__}", said)
        kit.equal(fate, "malformed", 'a reply that cannot be read is told so: return "malformed".')
    kit.require(len(pending) == 0, f"{len(pending)} pending", "the call is over, its entry is still there.")
    return "MalformedReply"


@step.check("the calls beside it get their own answers")
async def others_unhurt(my: Any, kit: Kit) -> str:
    """A bad reply concerns the call whose id it carries, and no other (J-spec 4.1.4)."""
    pending = my.Pending()
    ids = fresh_ids(kit, 5)
    others = [pending.open(unique_id, HeartbeatResponse) for unique_id in ids[:3]]
    bad = pending.open(ids[3], BootNotificationResponse)
    refused = pending.open(ids[4], AuthorizeResponse)
    pending.settle(CallResult(ids[3], {"surprise": True}))
    pending.settle(CallError(ids[4], "InternalError"))
    for future in (bad, refused):
        end_of(kit, future, "a call whose reply came is still waiting.")
    hurt = sum(future.done() for future in others)
    for future in others:
        if future.done() and not future.cancelled():
            future.exception()
    said = f"two bad replies came, and {hurt} of three other calls ended with them."
    kit.require(hurt == 0, f"{hurt} of 3 ended", said)
    for number, unique_id in enumerate(ids[:3]):
        word = pending.settle(CallResult(unique_id, time_of(number)))
        kit.equal(word, "resolved", "a call beside a bad reply did not get its own answer.")
    seconds = [future.result().current_time.second for future in others]
    kit.equal(seconds, [0, 1, 2], "a call beside a bad reply got another's answer.")
    return "3 of 3"
