"""2.4: decode, handle, check, encode."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import msgspec

from ocpp_lab import messages as m
from ocpp_lab.codec import to_object
from ocpp_lab.errors import CallFailed, PayloadError
from ocpp_lab.frames import CallError, CallResult
from ocpp_lab.router import Router

from ..kit import Kit, short
from ..step import Step
from .payloads import CODES, spoilt, text, typed
from .witnesses import ROLES, SLIPS, Witness, answered, call_for, on, on_the_wire, raw, received_by, refused

step = Step("2.4", "`Router.answer`: the good path", ("Router",), points=3, minutes=20, reference=lambda: Router)

LOOKALIKES = (
    ("CentralSystem", "StatusNotification", "FirmwareStatusNotification"),
    ("ChargePoint", "TriggerMessage", "ExtendedTriggerMessage"),
    ("ChargePoint", "UpdateFirmware", "SignedUpdateFirmware"),
)
"""Two actions, one of which is a part of the other's name."""


@step.check("each action reaches its own handler, with its own type")
async def right_handler(my: Any, kit: Kit) -> str:
    """The action names the handler, letter by letter; the request is typed (J-spec 4.2.1)."""
    for role, part, whole in LOOKALIKES:
        await _kept_apart(my, kit, role, m.ACTIONS[part], m.ACTIONS[whole])
    for role in ROLES:
        actions = received_by(role)
        await _reached(my, kit, role, kit.rng.sample(actions, len(actions)))
    return "40 of 40"


async def _kept_apart(my: Any, kit: Kit, role: Any, part: m.Action, whole: m.Action) -> None:
    """What is meant for one must not reach the other, even if the payload would fit."""
    for actions in ((part, whole), (whole, part)):
        router, witness = my.Router(role), Witness(kit)
        witness.register(router, *actions)
        with suppress(Exception):  # a payload that does not fit is another check's matter
            await router.answer(call_for(kit, whole.name, call_for(kit, part.name).payload))
        said = f"{part.name}'s handler also got another action; compare whole names."
        wrong = any(visit.action == part.name for visit in witness.visits)
        kit.require(not wrong, f"{whole.name} reached {part.name}", said)
        await _reached(my, kit, role, list(actions))


async def _reached(my: Any, kit: Kit, role: Any, actions: list[m.Action]) -> None:
    router, witness = my.Router(role), Witness(kit)
    witness.register(router, *actions)
    for action in kit.rng.sample(actions, len(actions)):
        call = call_for(kit, action.name)
        before = len(witness.visits)
        await router.answer(call)
        visits = witness.visits[before:]
        for visit in visits:
            said = f"{visit.action}'s handler also got another action; compare whole names."
            kit.require(visit.action == action.name, f"{action.name} reached {visit.action}", said)
        kit.require(len(visits) == 1, f"{action.name}: {len(visits)} handlers ran", "exactly one handler runs.")
        [visit] = visits
        got, wanted = type(visit.request), action.request
        kit.require(got is not dict, "a dict", "the handler got a dict; the type is the point.")
        kit.require(got is wanted, f"a {got.__name__}", f"the handler wants a {wanted.__name__}.")
        kit.require(visit.request == typed(action.request, call.payload), "another payload")


@step.check("a CallResult with the id of the Call")
async def same_id(my: Any, kit: Kit) -> str:
    """The reply has the id of its Call, or nobody knows whose it is (J-spec 4.2.2)."""
    router, witness = my.Router("CentralSystem"), Witness(kit)
    witness.register(router, m.ACTIONS["Heartbeat"])
    for _ in range(3):
        call = call_for(kit, "Heartbeat")
        reply = await router.answer(call)
        kit.require(isinstance(reply, CallResult), f"a {type(reply).__name__}", "a response goes out as a CallResult.")
        kit.require(reply.unique_id == call.unique_id, "another id", "a reply carries the caller's id.")
    return "the same"


@step.check("two calls at once: each gets its own answer")
async def side_by_side(my: Any, kit: Kit) -> str:
    """The peer's calls are handled beside each other, so their answers may cross (J-spec 4.1.1)."""

    async def echo(request: Any) -> Any:
        await asyncio.sleep(float(request.message_id))
        return m.DataTransferResponse(status="Accepted", data=request.message_id)

    router = my.Router("ChargePoint")
    router.on(m.DataTransferRequest)(on(m.ACTIONS["DataTransfer"], echo))
    waits = kit.rng.sample(range(1, 100), 5)
    payloads = [{"vendorId": "echo", "messageId": f"{seconds}"} for seconds in waits]
    calls = [call_for(kit, "DataTransfer", payload) for payload in payloads]
    started = kit.time
    for call, reply in zip(calls, await asyncio.gather(*map(router.answer, calls)), strict=True):
        frame = on_the_wire(kit, reply)
        kit.require(isinstance(frame, CallResult), "a CallError", "this call is right.")
        assert isinstance(frame, CallResult)
        data = frame.payload.get("data")
        kit.require(data in map(str, waits), "another response", "what the handler returned is what goes out.")
        said = "two calls at once, and one got the other's answer; keep what belongs to a call in local variables."
        kit.require(frame.unique_id == call.unique_id, "the id of another call", said)
        kit.require(data == call.payload["messageId"], "the answer of another call", said)
    said = "one call waited for the other; `answer` must not wait for another `answer`."
    kit.require(kit.time - started < max(waits) + 1, "one after the other", said)
    return "5 of 5"


@step.check("the payload is the response as JSON, with the names of the wire")
async def camel_result(my: Any, kit: Kit) -> str:
    """A CallResult carries the response as the specification names its fields (J-spec 4.2.2)."""
    for role in reversed(ROLES):
        router, witness = my.Router(role), Witness(kit)
        actions = received_by(role)
        witness.register(router, *actions)
        for action in sorted(actions, key=lambda each: each.name != "GetLocalListVersion"):
            frame = await answered(kit, router, call_for(kit, action.name))
            kit.require(isinstance(frame, CallResult), f"{action.name}: a CallError", "this call is right.")
            assert isinstance(frame, CallResult)
            wanted = to_object(witness.responses[action.name])
            keys = [key for key in wanted if key not in frame.payload]
            said = f"the wire says {keys[0] if keys else ''}; `encode_payload` knows the names of the wire."
            kit.require(not keys, f"{action.name}: {', '.join(frame.payload) or 'nothing'}", said)
            same = _read(action.response, frame.payload) == witness.responses[action.name]
            kit.require(same, f"{action.name}: another response", "what the handler returned is what goes out.")
    return "as the specification says"


def _read(response_type: type[m.Response], payload: Any) -> Any:
    try:
        return typed(response_type, payload)
    except msgspec.ValidationError:
        return None


@step.check("a second handler that was refused does not answer")
async def first_stays(my: Any, kit: Kit) -> str:
    """A registration that fails changes nothing."""
    for role in ROLES:
        router, witness, late = my.Router(role), Witness(kit), Witness(kit)
        actions = kit.rng.sample(received_by(role), 3)
        witness.register(router, *actions)
        for action in actions:
            with suppress(TypeError):
                late.register(router, action)
            await router.answer(call_for(kit, action.name))
        said = "the second handler was refused, and answers all the same; check first, then register."
        kit.require(not late.visits and len(witness.visits) == 3, "the second one ran", said)
    return "the first one answers"


@step.check("{} for a response without fields")
async def empty_result(my: Any, kit: Kit) -> str:
    """A response without fields is an empty object (J-spec 4.2.2)."""
    empty = [action for action in received_by("CentralSystem") if not action.response.__struct_fields__]
    router, witness = my.Router("CentralSystem"), Witness(kit)
    witness.register(router, *empty)
    for action in empty:
        reply = await router.answer(call_for(kit, action.name))
        kit.require(isinstance(reply, CallResult), f"a {type(reply).__name__}")
        kit.equal(raw(reply)[2], {}, "a response without fields goes out as {}.")
    return "{}"


@step.check("a payload that breaks its declaration: its code, and no handler runs")
async def payload_error_code(my: Any, kit: Kit) -> str:
    """The CallError says what kind of fault it was (J-spec 4.2.3)."""
    for role in ROLES:
        router, witness = my.Router(role), Witness(kit)
        actions = kit.rng.sample(received_by(role), 5)
        witness.register(router, *actions)
        for action in actions:
            for each in spoilt(action.request, kit.rng):
                left = "an exception left `answer`; a PayloadError becomes a CallError with its code."
                frame = await refused(kit, router, call_for(kit, action.name, each.payload), left)
                said = f"{each.kind} deserves {each.code}; pass on what `decode_payload` says."
                kit.require(frame.code == CODES[each.kind], f"{each.kind}: {frame.code}", said)
                said = "the description of `decode_payload` names the field; send it along."
                kit.require(all(name in frame.description for name in each.path), "the field is not named", said)
    kit.require(not witness.visits, "a handler ran", "a handler is for requests that fit their declaration.")
    return "its code"


@step.check("a reply of ours that is no good: InternalError, and nothing bad on the wire")
async def checks_own_reply(my: Any, kit: Kit) -> str:
    """What breaks its declaration must not be sent; and a fault of ours is InternalError (J-spec 4.2.3)."""
    long = text(kit.rng, 501)
    bad: dict[str, tuple[str, Any]] = {
        "nothing": ("ClearCache", None),
        "a dict": ("ClearCache", {"status": "Accepted"}),
        "another response": ("ClearCache", m.GetConfigurationResponse()),
        "a request": ("ClearCache", m.ResetRequest(type="Soft")),
        "a status that does not exist": ("Reset", m.ResetResponse(status="Sfot")),  # type: ignore[arg-type]
        "a text that is too long": ("GetConfiguration", m.GetConfigurationResponse(unknown_key=[long])),
        "a wrong type": ("GetLocalListVersion", m.GetLocalListVersionResponse(list_version="7")),  # type: ignore[arg-type]
    }
    for what, (action, response) in bad.items():
        await _own_fault(my, kit, what, m.ACTIONS[action], response)
    return "InternalError"


async def _own_fault(my: Any, kit: Kit, what: str, action: m.Action, response: Any) -> None:
    async def work(request: Any) -> Any:
        return response

    router = my.Router("ChargePoint")
    router.on(action.request)(on(action, work))
    call = call_for(kit, action.name)
    try:
        reply = await router.answer(call)
    except Exception as error:
        said = f"the handler returned {what}, and {type(error).__name__} left `answer`; the peer gets no answer."
        kit.require(False, short(f"{type(error).__name__} left it: {error}"), said)
    said = "structs do not check when built; encode and validate before sending."
    if response is None:
        said = "a handler that returns nothing is our fault: InternalError."
    elif not isinstance(response, action.response):
        said = f"the handler returned {what}, and it went out; ask whether it is a `response_type`."
    kit.require(isinstance(reply, CallError), f"{what} was sent", said)
    said = f"{reply.code} is for other faults; a reply of ours that is no good is InternalError."
    if reply.code in CODES.values():
        said = f"{reply.code} blames the peer; a reply of ours that is no good is InternalError."
    kit.require(reply.code == "InternalError", reply.code, said)
    kit.require(reply.unique_id == call.unique_id, "another id", "a reply carries the caller's id.")


@step.check("the handler runs for every call, and its response of now goes out")
async def each_call_anew(my: Any, kit: Kit) -> str:
    """An answer of a minute ago is not the answer of now, even to the same question."""
    ran: list[Any] = []

    async def count(request: Any) -> Any:
        ran.append(request)
        return m.GetLocalListVersionResponse(list_version=len(ran))

    router, action = my.Router("ChargePoint"), m.ACTIONS["GetLocalListVersion"]
    router.on(action.request)(on(action, count))
    for number in (1, 2, 3):
        frame = await answered(kit, router, call_for(kit, action.name, {}))
        said = "the handler runs once for every call; here it did not."
        kit.require(len(ran) == number, f"{len(ran)} runs for {number} calls", said)
        kit.require(isinstance(frame, CallResult), "a CallError", "this call is right.")
        assert isinstance(frame, CallResult)
        said = "an old response went out; what the handler returns for this call is the answer to it."
        kit.equal(frame.payload, {"listVersion": number}, said)
    return "3 runs for 3 calls"


@step.check("what a handler raises leaves `answer`")
async def raised_leaves(my: Any, kit: Kit) -> str:
    """Here nobody knows yet what an exception of a handler means; 2.6 says it."""
    if getattr(my.Router, "answer", None) is Router.answer:
        return "the package's catches it, as in 2.6"
    action = m.ACTIONS["GetLocalListVersion"]
    meant = PayloadError("PropertyConstraintViolation", "key"), CallFailed("SecurityError", "no")
    for error in (KeyError("db-3"), RuntimeError("db-3"), *meant):

        async def fails(request: Any, error: Exception = error) -> Any:
            raise error

        router = my.Router("ChargePoint")
        router.on(action.request)(on(action, fails))
        name = type(error).__name__
        try:
            reply = await router.answer(call_for(kit, action.name, {}))
        except Exception as left:
            if left is error or (isinstance(left, type(error)) and isinstance(left, PayloadError | CallFailed)):
                continue
            if isinstance(left, SLIPS):
                raise
            said = f"the handler raised {name}, and {type(left).__name__} left `answer`; let it pass as it is."
            kit.require(False, short(f"{type(left).__name__} left it: {left}"), said)
        if isinstance(error, PayloadError) and getattr(reply, "code", "") == error.code:
            continue  # who has one `try` for the payload and the handler answers what 2.6 wants
        said = f"the handler raised {name}, and `answer` returned a frame; in this step it leaves `answer`"
        said = f"{said} (2.6 catches it)."
        kit.require(False, f"{getattr(reply, 'code', 'a result')} was answered", said)
    return "as it is"
