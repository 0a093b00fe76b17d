"""`Desk`: one connection's place in the central system: the gate first, then the faults, then the router."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from typing import Any, get_args

from ..errors import StoreFailed
from ..faults import Fault, Faults
from ..frames import Call, CallError, CallResult, Frame, decode, encode
from ..group import Groups
from ..messages import TRANSACTION_ACTIONS, RegistrationStatus
from ..pipe import WebSocketPipe
from ..session import Answering, current_session
from .boot_reminder import BootReminder
from .registrar import Registrar

log = logging.getLogger(__name__)

Reply = CallResult | CallError


class Desk:
    """Answers the calls of one charge point.

    A call of a charge point whose boot was not accepted gets SecurityError, as J-errata 3.8 recommends, but for
    BootNotification and, while Pending, what was triggered. One that never booted here is asked to by the ``reminder``,
    now or a second after it connected.

    A transaction message that our own file cannot keep gets no answer, and the connection is closed with 1011: the
    charge point has to keep it and sends it again. Any other error goes on to the session. One that is refused is
    ``set_aside``.

    An answer waits until all that was written for it is on the disk (`group`), whoever wrote it; one for which nothing
    was written does not.
    """

    __slots__ = (
        "faults",
        "groups",
        "identity",
        "pipe",
        "registrar",
        "require_boot",
        "reminder",
        "router",
        "set_aside",
        "triggered",
    )

    def __init__(
        self,
        identity: str,
        router: Answering,
        faults: Faults,
        pipe: WebSocketPipe,
        registrar: Registrar,
        require_boot: bool,
        set_aside: Callable[[str, Call, str], None],
        groups: Groups,
    ) -> None:
        self.identity = identity
        self.router = router
        self.faults = faults
        self.pipe = pipe
        self.registrar = registrar
        self.require_boot = require_boot
        self.set_aside = set_aside
        self.groups = groups
        self.triggered: frozenset[str] = frozenset()
        self.reminder = BootReminder(identity, registrar.known)

    async def answer(self, call: Call) -> Reply | None:
        """The reply to a call, or None if there shall be none."""
        if call.action == "BootNotification":
            self.reminder.rest()
        try:
            if fault := self.faults.pick(call.action, self.identity, call=call):
                return await self._answer_badly(call, fault)
            return await self._answer_well(call)
        except (StoreFailed, sqlite3.Error) as error:
            if call.action not in TRANSACTION_ACTIONS:
                raise
            log.error("! %s: %s cannot be kept, closing with 1011: %s", self.identity, call.action, error)
            await current_session().close(1011, "the message cannot be kept now")
            return None

    async def _answer_well(self, call: Call) -> Reply | None:
        if call.action == "BootNotification":
            return await self._answer_boot(call)
        async with self.groups.answer():
            reply = self._turn_away(call) or await self.router.answer(call)
        if isinstance(reply, CallError) and call.action in TRANSACTION_ACTIONS:
            await self._set_aside(call, reply)
        return reply

    async def _answer_boot(self, call: Call) -> Reply | None:
        """What is answered counts from then on, whoever answers: the router may be anybody's."""
        async with self.groups.answer():
            reply = await self.router.answer(call)
            if status := _status_in(reply):
                self.registrar.keep(self.identity, status)
        if status:
            self.reminder.withdraw()
        return reply

    async def _set_aside(self, call: Call, refusal: CallError) -> None:
        """Somebody has to look into it: the charge point will give it up. The answer stays as it is."""
        try:
            async with self.groups.answer():
                self.set_aside(self.identity, call, f"{refusal.code}: {refusal.description}")
        except Exception:
            log.exception("! %s: a refused %s could not be set aside", self.identity, call.action)

    def _turn_away(self, call: Call) -> CallError | None:
        """What a call gets that comes too early; None if it does not."""
        registration = self.registrar.known.get(self.identity)
        triggered = registration == "Pending" and call.action in self.triggered
        if not self.require_boot or registration == "Accepted" or triggered:
            return None
        if registration is None:
            self.reminder.ask(current_session())
        why = f"{call.action:.60} came before a BootNotification was accepted (registration: {registration or 'none'})"
        return CallError(call.unique_id, "SecurityError", why)

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


def _status_in(reply: Reply | None) -> RegistrationStatus | None:
    """The registration that a boot's answer tells, if it is one."""
    if not isinstance(reply, CallResult):
        return None
    plain: Any = decode(encode(reply))  # a router may have encoded the payload already
    status: RegistrationStatus = plain.payload.get("status")
    return status if status in get_args(RegistrationStatus) else None


def _renamed(reply: Any) -> Reply:
    """The reply under an id that nobody sent."""
    unique_id = f"not-{reply.unique_id}"[:36]
    if isinstance(reply, CallResult):
        return CallResult(unique_id, reply.payload)
    return CallError(unique_id, reply.code, reply.description, reply.details)
