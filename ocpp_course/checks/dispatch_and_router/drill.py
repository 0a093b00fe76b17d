"""The drill of capstone 2: six broken routers, and the calls that show it; it earns no points."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ocpp_lab import messages as m
from ocpp_lab.frames import Call, CallError, CallResult
from ocpp_lab.router import Router

from ..kit import NOON, Kit, short
from ..result import Result
from ..run import run_step
from ..step import Step, Wrong
from .witnesses import on

MOST = 10
"""Calls that a drill may send."""
Reply = CallResult | CallError
Answer = Callable[[Call], Awaitable[Reply]]


def right() -> Router:
    """Serves BootNotification, Heartbeat and Authorize, as it should."""

    async def boot(request: Any) -> Any:
        return m.BootNotificationResponse(status="Accepted", current_time=NOON, interval=300)

    async def beat(request: Any) -> Any:
        return m.HeartbeatResponse(current_time=NOON)

    async def authorize(request: Any) -> Any:
        if request.id_tag == "TAG_DB":
            raise OSError("db-3 refuses user ocpp, password letmein")
        return m.AuthorizeResponse(id_tag_info=m.IdTagInfo(status="Accepted"))

    router = Router("CentralSystem")
    for name, work in (("BootNotification", boot), ("Heartbeat", beat), ("Authorize", authorize)):
        router.on(m.ACTIONS[name].request)(on(m.ACTIONS[name], work))
    return router


def _any_case(answer: Answer) -> Answer:
    async def broken(call: Call) -> Reply:
        names = {name.lower(): name for name in m.ACTIONS}
        return await answer(Call(call.unique_id, names.get(call.action.lower(), call.action), call.payload))

    return broken


def _one_code(answer: Answer) -> Answer:
    async def broken(call: Call) -> Reply:
        reply = await answer(call)
        unserved = isinstance(reply, CallError) and reply.code == "NotSupported"
        return CallError(call.unique_id, "NotImplemented") if unserved else reply

    return broken


def _cut_ids(answer: Answer) -> Answer:
    async def broken(call: Call) -> Reply:
        return await answer(Call(call.unique_id[:32], call.action, call.payload))

    return broken


def _no_null(answer: Answer) -> Answer:
    async def broken(call: Call) -> Reply:
        if call.payload is None:
            return CallError(call.unique_id, "FormationViolation", "a payload is an object")
        return await answer(call)

    return broken


def _lenient(answer: Answer) -> Answer:
    async def broken(call: Call) -> Reply:
        payload = call.payload
        if isinstance(payload, dict) and isinstance(payload.get("idTag"), str):
            payload = payload | {"idTag": payload["idTag"][:20]}
        return await answer(Call(call.unique_id, call.action, payload))

    return broken


def _ends_at_failure(answer: Answer) -> Answer:
    failed = False

    async def broken(call: Call) -> Reply:
        nonlocal failed
        if failed:
            return CallError(call.unique_id, "InternalError")
        reply = await answer(call)
        failed = isinstance(reply, CallError) and reply.code == "InternalError"
        return reply

    return broken


BROKEN: tuple[tuple[Callable[[Answer], Answer], str], ...] = (
    (_any_case, "one takes `heartbeat` for Heartbeat; send an action in the wrong case."),
    (_one_code, "one says NotImplemented for an action that OCPP knows and nobody serves here; send such an action."),
    (_cut_ids, "one gives back only 32 characters of an id; send an id of 36."),
    (_no_null, "one refuses null as a payload, which stands for {}; send a Heartbeat with null."),
    (_lenient, "one accepts an idTag of 21 characters; send one that is too long, and nothing else wrong with it."),
    (
        _ends_at_failure,
        "one never recovers when its handler has failed; send TAG_DB, and after it a call that is right.",
    ),
)
"""Ways to spoil a right router, and what is said to a drill that does not notice."""


async def shows(calls: list[Call], spoil: Callable[[Answer], Answer]) -> bool:
    """Whether some reply of the spoilt router differs from that of a right one."""
    good, bad = right().answer, spoil(right().answer)
    return any([_seen(await good(call)) != _seen(await bad(call)) for call in calls])


def _seen(reply: Reply) -> tuple[Any, ...]:
    """What a peer may rely on: not the description."""
    more = reply.code if isinstance(reply, CallError) else bytes(reply.payload)
    return type(reply), reply.unique_id, more


HOUSE = [
    Call("1", "heartbeat", {}),
    Call("2", "Reset", {"type": "Soft"}),
    Call("3" * 36, "Heartbeat", None),
    Call("4", "Authorize", {"idTag": "T" * 21}),
    Call("5", "Authorize", {"idTag": "TAG_DB"}),
    Call("6", "Heartbeat", {}),
]

step = Step("2.drill", "your drill", ("drill",), points=0, minutes=15, reference=lambda: HOUSE)


def drilled(drill: Any) -> Result:
    """Try a drill on six broken routers."""
    return run_step(step, (drill,))


@step.check(f"a list of at most {MOST} calls")
def is_a_list(my: Any, kit: Kit) -> str:
    """A drill that takes all night is not done."""
    calls = my.drill
    right_kind = isinstance(calls, list) and all(isinstance(call, Call) for call in calls)
    kit.require(right_kind, short(calls), '`drill` is a list, and in it are Calls: `[Call("1", "Heartbeat", {}), …]`.')
    kit.require(len(calls) <= MOST, f"{len(calls)} calls", f"{MOST} calls are enough: each should show something new.")
    return f"{len(calls)} calls"


@step.check("each of six broken routers answers otherwise than a right one")
async def shows_each(my: Any, kit: Kit) -> str:
    """What is broken shows in some answer; a drill is the list of questions that brings it out."""
    missed = [said for spoil, said in BROKEN if not await shows(my.drill, spoil)]
    if missed:
        raise Wrong(
            f"{len(BROKEN) - len(missed)} of {len(BROKEN)} shown", f"{len(missed)} are not shown yet: {missed[0]}"
        )
    return "all six"
