"""`ChargePoint`: one charge point's whole life: dial, boot, live, lose the line, come back.

What lives on one connection is a child of that connection's TaskGroup and dies with it. What outlives it is a field here:
registration, configuration, connectors, ids.
"""

from __future__ import annotations

import asyncio
import logging
import ssl as tls
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from datetime import datetime
from functools import partial
from random import Random
from types import TracebackType
from typing import Any, Self

from .. import messages as m
from ..backoff import backoff
from ..clock import utc_now
from ..connection import CONNECTION, keep_connected
from ..credentials import basic_auth
from ..errors import CallFailed, ConnectionLost, NotAccepted, NotConnected, OcppError
from ..frames import Call, CallError, CallResult
from ..heartbeat import Heartbeat
from ..pending import Pending
from ..pipe import Pipe
from ..router import Router
from ..session import Session, random_ids
from ..states import Machine
from ..trace import Trace
from ..transport import Transport
from .configuration import Configuration
from .core import Core
from .dial import connection_url, dial
from .registration import boot, may_send, may_serve
from .remote_trigger import RemoteTrigger

log = logging.getLogger(__name__)


class ChargePoint:
    """``async with ChargePoint(url, "CP_1") as charge_point:`` dials, boots and stays connected until the end.

    ``url`` is the endpoint; the identity is appended. ``password`` is the AuthorizationKey, raw bytes or hex text.
    ``timeout`` (s) is how long a call waits, ``retry_interval`` (s) how long a boot waits when nobody says. ``ssl`` is
    for ``wss://``. ``ping_interval`` (s, None: off) is how often a silent line is tested. ``send_buffer`` (bytes) shrinks
    the socket's buffer, to make back-pressure visible.

    The pieces come from outside: ``transport(pipe)``, ``pending()``, ``session(transport, router, pending, …)``,
    ``heartbeat(call, interval, …)`` and ``delays()`` are factories, ``machine(table, state, on_change)`` too.
    """

    def __init__(
        self,
        url: str,
        identity: str,
        *,
        password: str | bytes | None = None,
        connectors: int = 1,
        boot: m.BootNotificationRequest | None = None,
        ssl: tls.SSLContext | None = None,
        timeout: float = 30.0,
        retry_interval: float = 60.0,
        ping_interval: float | None = 60.0,
        max_size: int = 262_144,
        compression: bool = False,
        send_buffer: int | None = None,
        transport: Callable[..., Transport] | None = None,
        pending: Callable[..., Pending] = Pending,
        session: Callable[..., Session] | None = None,
        heartbeat: Callable[..., Heartbeat] | None = None,
        machine: Callable[..., Machine] = Machine,
        delays: Callable[[], Iterator[float]] | None = None,
        ids: Iterator[str] | None = None,
        rng: Random | None = None,
        trace: Trace | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        if connectors < 1:
            raise ValueError(f"expected at least 1 connector, came {connectors}")
        self.url = connection_url(url, identity)
        self.identity = identity
        self.password = password
        self.timeout = timeout
        self.retry_interval = retry_interval
        self.now = now
        self.boot_request = boot or m.BootNotificationRequest(charge_point_vendor="OCPP Lab", charge_point_model="One")
        self.trace = trace or Trace()
        self.configuration = Configuration(
            self._configured, NumberOfConnectors=connectors, MessageTimeout=round(timeout)
        )
        self.registration: m.RegistrationStatus | None = None
        self.connectors: dict[int, m.ChargePointStatus] = dict.fromkeys(range(connectors + 1), "Available")
        self.router = Router("ChargePoint")
        self.router.include(Core(self))
        self.router.include(RemoteTrigger(self))
        self.machine = machine(CONNECTION, "disconnected", self._changed)
        self.session: Session | None = None
        """The session of the current connection, None while there is none."""
        self.heartbeat: Heartbeat | None = None
        self._make_transport = transport or partial(Transport, name=identity)
        self._make_pending = pending
        self._make_session = session or partial(Session, identity=identity, trouble=partial(self._note, "!"))
        self._make_heartbeat = heartbeat or partial(Heartbeat, now=now)
        self._delays = delays or (lambda: backoff(rng or Random(identity)))
        self._ids = ids or random_ids()
        self._dial_options: dict[str, Any] = {
            "ssl": ssl,
            "max_size": max_size,
            "compression": "deflate" if compression else None,
            "ping_interval": ping_interval,
            "ping_timeout": ping_interval,
            "close_timeout": 5,
            "send_buffer": send_buffer,
        }
        self._reported: dict[int, m.ChargePointStatus] = {}
        self._boot_now = asyncio.Event()
        self._forgotten = asyncio.Event()
        self._waiters: list[tuple[tuple[str, ...], asyncio.Future[str]]] = []
        self._proved: Callable[[], None] = lambda: None
        self._line: asyncio.TaskGroup | None = None
        self._life: asyncio.Task[None] | None = None

    # -- life

    async def start(self) -> Self:
        """Begin to dial, in the background."""
        if self._life:
            raise RuntimeError("expected a charge point that was not started yet; a new start is a new ChargePoint")
        self.machine.fire("connect")
        self._life = asyncio.create_task(self._live(), name=f"{self.identity} life")
        return self

    async def stop(self) -> None:
        """Close the line and end; done at once while it dials or waits."""
        if self._life and not self._life.done():
            self._life.cancel()
            await asyncio.wait([self._life])
        if self.state != "stopped":
            self.machine.fire("stop")

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()
        if self._life and not self._life.cancelled() and (bug := self._life.exception()) and error is None:
            raise bug

    @property
    def state(self) -> str:
        """One of the states of `connection.CONNECTION`."""
        return self.machine.state

    async def wait_for(self, *states: str) -> str:
        """Wait until the state is one of these; returns it."""
        for state in states:
            if state not in CONNECTION:
                raise ValueError(f"expected one of the states {', '.join(CONNECTION)}, came {state!r}")
        if self.state in states:
            return self.state
        arrived: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiters.append((states, arrived))
        watched: list[asyncio.Future[Any]] = [arrived] if self._life is None else [arrived, self._life]
        await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        if arrived.done():
            return arrived.result()
        raise NotConnected(f"{self.identity} is {self.state} and will not be {' or '.join(states)}")

    async def _live(self) -> None:
        await keep_connected(self._dial, self._serve, self._delays, fire=self.machine.fire)

    async def _dial(self) -> Pipe:
        """Dial with the credentials of this moment: a changed AuthorizationKey is used at the next dial."""
        authorization = basic_auth(self.identity, self.password) if self.password else None
        return await dial(self.url, authorization=authorization, note=self._note, **self._dial_options)

    async def _serve(self, pipe: Pipe, proved: Callable[[], None]) -> None:
        """One connection: its reader and its life are one TaskGroup, and end together with `ConnectionLost`."""
        self._proved = proved
        transport = self._make_transport(pipe)
        session = self._make_session(transport, self, self._make_pending(), ids=self._ids, timeout=self.timeout)
        self.session = session
        lost: ConnectionLost | None = None
        try:
            async with asyncio.TaskGroup() as line:
                self._line = line
                line.create_task(self._read(session), name=f"{self.identity} reader")
                line.create_task(self._online(session), name=f"{self.identity} online")
        except* (ConnectionLost, NotConnected) as group:
            first = group.exceptions[0]
            lost = first if isinstance(first, ConnectionLost) else ConnectionLost(str(first))
        finally:
            self.session = self._line = self.heartbeat = None
        raise lost or ConnectionLost()

    async def _read(self, session: Session) -> None:
        await session.run()
        raise getattr(session.transport, "lost", None) or ConnectionLost()

    async def _online(self, session: Session) -> None:
        if self.registration == "Accepted":
            self.machine.fire("resumed")  # accepted before and unchanged: no BootNotification (J-spec 5.4)
        else:
            self.machine.fire("opened")
            await self._boot(session)
        while True:
            await self._until_forgotten()
            self.machine.fire("forgotten")
            await self._boot(session)

    async def _boot(self, session: Session) -> None:
        self._forgotten.clear()
        await boot(
            session.call,
            self.boot_request,
            retry_interval=self.retry_interval,
            on_answer=self._boot_answered,
            wait=self._wait_to_boot,
        )

    def _boot_answered(self, response: m.BootNotificationResponse) -> None:
        self.registration = response.status
        self.machine.fire(response.status.lower())
        if response.status == "Accepted":
            self._proved()
            self._reported.clear()  # the central system wants to hear of every connector again (core errata 3.22)
            if response.interval > 0:
                self.configuration["HeartbeatInterval"] = str(response.interval)

    async def _wait_to_boot(self, seconds: float) -> None:
        """Wait, or less if BootNotification is triggered meanwhile."""
        self._boot_now.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._boot_now.wait()
        if self.state in ("pending", "rejected"):
            self.machine.fire("interval_over")

    async def _until_forgotten(self) -> None:
        """Statuses, then heartbeats, until the central system says that it does not know us."""
        self.heartbeat = self._make_heartbeat(self.call, self.configuration.seconds("HeartbeatInterval"))
        beating = asyncio.create_task(self.heartbeat.run(), name=f"{self.identity} heartbeat")
        forgotten = asyncio.create_task(self._forgotten.wait(), name=f"{self.identity} forgotten")
        try:
            await self.report({c: s for c, s in self.connectors.items() if self._reported.get(c) != s})
            await asyncio.wait([beating, forgotten], return_when=asyncio.FIRST_COMPLETED)
            if beating.done():
                beating.result()  # the line is lost, or the heartbeat has a bug
        finally:
            for task in (beating, forgotten):
                task.cancel()
            await asyncio.wait([beating, forgotten])

    # -- calling

    async def call[R: m.Response](
        self, request: m.Request[R], *, timeout: float | None = None, triggered: bool = False
    ) -> R:
        """Send a request and return its response; raises what `Session.call` does.

        In addition `NotAccepted` if it may not be sent before the boot is accepted. ``triggered``: the central system
        asked for it, so it may be sent while Pending.
        """
        session = self.session
        if session is None:
            raise NotConnected(f"{request.action} was not sent: {self.identity} is {self.state}")
        if may_send(request.action, self.registration, triggered=triggered) != "send":
            raise NotAccepted(f"{request.action} may not be sent while the registration is {self.registration}")
        if self.heartbeat:
            self.heartbeat.touch()
        try:
            response = await session.call(request, timeout=timeout)
        except CallFailed as error:
            if error.code == "SecurityError" and self.state == "online":
                self.registration = None  # it does not know us any more (J-errata 3.8): boot again
                self._forgotten.set()
            raise
        self._proved()
        return response

    async def report(self, statuses: dict[int, m.ChargePointStatus], *, triggered: bool = False) -> None:
        """Set the status of connectors and tell the central system; what it did not hear is told after a reconnect."""
        self.connectors |= statuses
        for connector, status in statuses.items():
            request = m.StatusNotificationRequest(
                connector_id=connector, error_code="NoError", status=status, timestamp=self.now()
            )
            try:
                await self.call(request, triggered=triggered)
                self._reported[connector] = status
            except OcppError as error:
                self._note("!", f"StatusNotification for connector {connector}: {error}")

    # -- obeying

    async def answer(self, call: Call) -> CallResult | CallError | None:
        """The answer to a call of the central system, as the registration allows."""
        match may_serve(call.action, self.registration):
            case "silent":
                return None
            case "refuse":
                return CallResult(call.unique_id, {"status": "Rejected"})
            case "serve":
                return await self.router.answer(call)

    def after_answer(self, work: Coroutine[Any, Any, object], what: str) -> None:
        """Do something once the running handler has answered, as a child of this connection."""
        if self._line is None:
            work.close()
            return
        self._line.create_task(self._quietly(work, what), name=f"{self.identity} {what}")

    async def _quietly(self, work: Coroutine[Any, Any, object], what: str) -> None:
        try:
            await work
        except OcppError as error:
            self._note("!", f"{what}: {error}")

    async def reboot(self, why: str) -> None:
        """Go down and come back: a charge point that restarted boots again (core 4.2)."""
        self.registration = None
        if self.session:
            await self.session.close(1001, why)

    def boot_now(self) -> None:
        """Do not wait out the interval before the next BootNotification."""
        self._boot_now.set()

    def _configured(self, key: str, value: str) -> None:
        """A key was changed by the central system. Other keys take effect where they are read."""
        if key == "HeartbeatInterval" and self.heartbeat:
            self.heartbeat.interval = float(value)
        elif key == "MessageTimeout":
            self.timeout = float(value)
            if self.session:
                self.session.timeout = self.timeout
        elif key == "AuthorizationKey":
            self.password = value
            if self.session:
                self.after_answer(self.session.close(1001, "new AuthorizationKey"), "AuthorizationKey")

    # -- the story

    def _changed(self, old: str, event: str, new: str) -> None:
        self._note("=", f"{old} → {new} ({event})")
        for waiter in [w for w in self._waiters if new in w[0]]:
            self._waiters.remove(waiter)
            if not waiter[1].done():
                waiter[1].set_result(new)

    def _note(self, mark: str, text: str) -> None:
        self.trace.note(self.identity, mark, text)
