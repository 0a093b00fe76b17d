"""Handlers that note what they are given, and what the checks of `Router.answer` read off its replies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from ocpp_lab.frames import Call, CallError, CallResult, decode, encode
from ocpp_lab.messages import ACTIONS, Action, Request, Response, Role

from ..kit import Kit, short
from ..step import Wrong
from .payloads import drawn, typed

ROLES: tuple[Role, ...] = ("CentralSystem", "ChargePoint")

FRAME = "`answer` returns a frame: a CallResult or a CallError."
OTHER_ID = "a reply carries the caller's id."
SLIPS = (NameError, AttributeError, TypeError)
"""What a typing mistake raises."""


def received_by(role: Role) -> list[Action]:
    """The actions that may reach this role."""
    return [action for action in ACTIONS.values() if action.sender != role]


def annotated(handler: Any, name: str, request_type: Any, response_type: Any) -> Any:
    """The handler under a name of its own, annotated with these types, as in a notebook."""
    handler.__name__ = handler.__qualname__ = name
    handler.__annotations__ = {"request": request_type, "return": response_type}
    return handler


def on(action: Action, work: Callable[[Any], Awaitable[Any]]) -> Any:
    """A handler for an action that does this work."""

    async def handler(request: Any) -> Any:
        return await work(request)

    return annotated(handler, f"on_{action.name}", action.request, action.response)


@dataclass
class Visit:
    """Which action's handler was called, with what."""

    action: str
    request: Any


class Witness:
    """Handlers for any actions; each notes its visit and answers with a response that is drawn once."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.visits: list[Visit] = []
        self.responses: dict[str, Response] = {}

    def register(self, router: Any, *actions: Action) -> None:
        for action in actions:
            self.responses[action.name] = typed(action.response, drawn(action.response, self.kit.rng))
            router.on(action.request)(self._handler(action))

    def _handler(self, action: Action) -> Any:
        async def work(request: Any) -> Any:
            self.visits.append(Visit(action.name, request))
            return self.responses[action.name]

        return on(action, work)


def call_for(kit: Kit, action: str, payload: Any = None) -> Call:
    """A Call under an id that no example shows; its payload is drawn if none is given."""
    request_type: type[Request[Any]] = ACTIONS[action].request if action in ACTIONS else ACTIONS["Heartbeat"].request
    payload = drawn(request_type, kit.rng) if payload is None else payload
    return Call(f"{kit.rng.getrandbits(64):016x}", action, payload)


async def answered(kit: Kit, router: Any, call: Call) -> CallResult | CallError:
    """The reply as it goes over the wire; refuses what is no reply, and one that is nobody's."""
    frame = on_the_wire(kit, await router.answer(call))
    kit.require(frame.unique_id == call.unique_id, "another id", OTHER_ID)
    return frame


def on_the_wire(kit: Kit, reply: Any) -> CallResult | CallError:
    """What the peer reads; refuses what cannot be sent (J-spec 4.2.2, 4.2.3)."""
    kit.require(isinstance(reply, CallResult | CallError), f"a {type(reply).__name__}", FRAME)
    more = "" if isinstance(reply, CallError) else " `encode_payload` gives a payload that can."
    try:
        frame = decode(encode(reply))
    except Exception as error:
        raise Wrong(type(error).__name__, f"this frame cannot be sent: {error}.{more}") from None
    assert isinstance(frame, CallResult | CallError)
    if isinstance(reply, CallError):
        said = "the details of a CallError are an object; {} if there is nothing to say."
        kit.require(isinstance(raw(reply)[4], dict), "details that are no object", said)
    return frame


async def refused(
    kit: Kit, router: Any, call: Call, left: str = "", result: str = "", raised: Exception | None = None
) -> CallError:
    """The CallError that answers a call. Other diagnoses for an exception that ``left`` and for a ``result``.

    A slip of the answer's own goes through, for then its line is what helps; what a handler has ``raised`` is no slip.
    """
    try:
        frame = await answered(kit, router, call)
    except Wrong:
        raise
    except Exception as error:
        if isinstance(error, SLIPS) and error is not raised:
            raise
        said = left or "the peer gets no answer; return a CallError."
        raise Wrong(short(f"{type(error).__name__} left it: {error}"), said) from None
    said = result or f"{call.action!r:.40} was answered as if all were well."
    kit.require(isinstance(frame, CallError), "a CallResult", said)
    assert isinstance(frame, CallError)
    return frame


def raw(reply: CallResult | CallError) -> list[Any]:
    """The JSON array that a frame is."""
    array: list[Any] = msgspec.json.decode(encode(reply))
    return array
