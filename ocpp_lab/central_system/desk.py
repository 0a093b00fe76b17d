"""`Desk`: one connection's place in the central system: the gate first, then the faults, then the router."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, get_args

from ..errors import OcppError
from ..faults import Fault, Faults
from ..frames import Call, CallError, CallResult, Frame, decode, encode
from ..messages import RegistrationStatus, TriggerMessageRequest
from ..pipe import WebSocketPipe
from ..session import Answering, current_session

log = logging.getLogger(__name__)

Reply = CallResult | CallError


class Desk:
    """Answers the calls of one charge point.

    A call of a charge point whose boot was not accepted gets SecurityError, as J-errata 3.8 recommends, but for
    BootNotification and, while Pending, what was triggered. One that never booted here is asked to, once: we may have
    lost our memory.
    """

    __slots__ = (
        "asked_to_boot",
        "faults",
        "identity",
        "pipe",
        "register",
        "registrations",
        "require_boot",
        "router",
        "triggered",
    )

    def __init__(
        self,
        identity: str,
        router: Answering,
        faults: Faults,
        pipe: WebSocketPipe,
        registrations: Mapping[str, RegistrationStatus],
        register: Callable[[str, RegistrationStatus], None],
        require_boot: bool,
    ) -> None:
        self.identity = identity
        self.router = router
        self.faults = faults
        self.pipe = pipe
        self.registrations = registrations
        self.register = register
        self.require_boot = require_boot
        self.triggered: frozenset[str] = frozenset()
        self.asked_to_boot = False

    async def answer(self, call: Call) -> Reply | None:
        """The reply to a call, or None if a fault swallowed it."""
        if fault := self.faults.pick(call.action, self.identity, call=call):
            return await self._answer_badly(call, fault)
        return await self._answer_well(call)

    async def _answer_well(self, call: Call) -> Reply | None:
        if self.require_boot and call.action != "BootNotification":
            registration = self.registrations.get(self.identity)
            if registration != "Accepted" and not (registration == "Pending" and call.action in self.triggered):
                return self._turn_away(call, registration)
        reply = await self.router.answer(call)
        if call.action == "BootNotification" and isinstance(reply, CallResult):
            self._register(reply)
        return reply

    def _register(self, reply: CallResult) -> None:
        """What was answered counts from now on, whoever answered: the router may be anybody's."""
        plain: Any = decode(encode(reply))  # a router may have encoded the payload already
        if (status := plain.payload.get("status")) in get_args(RegistrationStatus):
            self.register(self.identity, status)

    def _turn_away(self, call: Call, registration: str | None) -> CallError:
        if registration is None and not self.asked_to_boot:
            self.asked_to_boot = True
            current_session().spawn(self._ask_to_boot(), "TriggerMessage")
        why = f"{call.action:.60} came before a BootNotification was accepted (registration: {registration or 'none'})"
        return CallError(call.unique_id, "SecurityError", why)

    async def _ask_to_boot(self) -> None:
        try:
            await current_session().call(TriggerMessageRequest(requested_message="BootNotification"))
        except OcppError as error:
            log.info("! %s was asked to boot: %s", self.identity, error)

    async def _answer_badly(self, call: Call, fault: Fault) -> Reply | None:
        log.info("! fault: %s, on %s", fault, call.action)
        options = fault.options
        if fault.kind == "delay":
            await asyncio.sleep(options["seconds"])
            return await self._answer_well(call)
        reply = await self._answer_well(call) if fault.effect else None
        match fault.kind:
            case "CallError":
                return CallError(call.unique_id, options["code"], options["description"])
            case "answer twice" if reply:
                await self._send(reply)
                return reply
            case "wrong id" if reply:
                return _renamed(reply)
            case "wrong payload":
                return CallResult(call.unique_id, options["payload"])
            case "garbage":
                await current_session().transport.send(options["text"])
            case "close":
                await current_session().close(options["code"], options["reason"])
            case "abort":
                self.pipe.abort()
            case "stop reading":
                self.pipe.stop_reading(options["seconds"])
                fault.undo[self.identity] = self.pipe.resume_reading
                return reply
        return None

    async def _send(self, frame: Frame) -> None:
        await current_session().transport.send(encode(frame))


def _renamed(reply: Any) -> Reply:
    """The reply under an id that nobody sent."""
    unique_id = f"not-{reply.unique_id}"[:36]
    if isinstance(reply, CallResult):
        return CallResult(unique_id, reply.payload)
    return CallError(unique_id, reply.code, reply.description, reply.details)
