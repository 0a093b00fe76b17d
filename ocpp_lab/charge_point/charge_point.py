"""`ChargePoint`: one charge point's whole life: dial, boot, live, lose the line, come back.

What lives on one connection is in its `Line` and dies with it. What outlives it is a field here: registration,
configuration, connectors, ids.
"""

from __future__ import annotations

import asyncio
import logging
import ssl as tls
from collections.abc import Callable, Coroutine, Iterator
from datetime import datetime
from functools import partial
from math import ceil
from random import Random
from types import TracebackType
from typing import Any, Self

from .. import messages as m
from ..backoff import backoff
from ..clock import utc_now
from ..connection import CONNECTION, keep_connected
from ..credentials import basic_auth
from ..errors import CallFailed, NotAccepted, NotConnected
from ..frames import Call, CallError, CallResult
from ..heartbeat import Heartbeat
from ..outbox import Outbox
from ..pending import Pending
from ..pipe import Pipe
from ..router import Router
from ..session import Session, random_ids
from ..states import Machine
from ..tally import Tally
from ..trace import Trace
from ..transaction_ids import TransactionIds
from ..transport import Transport
from .authorization import AuthorizationCache
from .charging import Charging
from .configuration import Configuration
from .connector import recover_connectors
from .core import Core
from .dial import connection_url, dial, pings
from .line import Line
from .live_keys import take_effect
from .registration import may_send, may_serve
from .remote_trigger import RemoteTrigger
from .state_watch import StateWatch
from .statuses import Statuses
from .transactions import Transactions
from .uptime import Uptime

log = logging.getLogger(__name__)


class ChargePoint:
    """``async with ChargePoint(url, "CP_1") as charge_point:`` dials, boots and stays connected until the end.

    ``url`` is the endpoint; the identity is appended. ``password`` is the AuthorizationKey, raw bytes or hex text.
    ``timeout`` (s) is how long a call waits, ``retry_interval`` (s) how long a boot waits when nobody says. ``ssl`` is
    for ``wss://``. ``ping_interval`` (s, None: off) is how often a silent line is tested. ``send_buffer`` (bytes)
    shrinks the socket's buffer, to make back-pressure visible.

    ``path`` is the file that survives a power cut: outbox, transactions, meter registers, known tags, changed keys.
    What ran when the power went is closed with PowerLoss, or goes on if ``resume_transactions``. ``report_all``: see
    `Statuses`.

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
        outbox: Outbox | None = None,
        path: str = ":memory:",
        resume_transactions: bool = False,
        report_all: bool = False,
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
        self.trace = Trace() if trace is None else trace
        self.tally = Tally()
        self.uptime = Uptime(asyncio.get_running_loop().time)
        self.configuration = Configuration(
            partial(take_effect, self),
            path,
            NumberOfConnectors=connectors,
            MessageTimeout=round(timeout),
            WebSocketPingInterval=ceil(ping_interval or 0),
        )
        self.registration: m.RegistrationStatus | None = None
        self.outbox = Outbox(path) if outbox is None else outbox  # an empty one is false
        self.unsent = asyncio.Event()
        """Set while the outbox holds something."""
        if len(self.outbox):
            self.unsent.set()
        self.ids = TransactionIds(path)
        self.transactions = Transactions(path)
        self.cache = AuthorizationCache(path)
        self.connectors = recover_connectors(self, connectors)
        self.statuses = Statuses(self, report_all=report_all)
        self.charging = Charging(self)
        self.resume_transactions = resume_transactions
        self.router = Router("ChargePoint")
        self.router.include(Core(self))
        self.router.include(self.charging)
        self.router.include(RemoteTrigger(self))
        self.machine = machine(CONNECTION, "disconnected", self._changed)
        self.line: Line | None = None
        """The current connection, None while there is none."""
        self._make_transport = transport or partial(Transport, name=identity)
        self._make_pending = pending
        self._make_session = partial(
            session or Session, identity=identity, trouble=partial(self.note, "!"), tally=self.tally
        )
        self.make_heartbeat = partial(heartbeat or Heartbeat, now=now)
        self._delays = delays or (lambda: backoff(rng or Random(identity)))
        self._ids = ids or random_ids()
        self.dial_options: dict[str, Any] = {
            "ssl": ssl,
            "max_size": max_size,
            "compression": "deflate" if compression else None,
            **pings(ping_interval),
            "close_timeout": 5,
            "send_buffer": send_buffer,
        }
        self._own_outbox = outbox is None
        self._watch = StateWatch()
        self._life: asyncio.Task[None] | None = None
        self.configuration.restore()  # what the central system changed in an earlier life wins

    # -- life

    async def start(self) -> Self:
        """Begin to dial, in the background."""
        if self._life:
            raise RuntimeError("expected a charge point that was not started yet; a new start is a new ChargePoint")
        self.charging.recover(resume=self.resume_transactions)
        self.machine.fire("connect")
        self._life = asyncio.create_task(self._live(), name=f"{self.identity} life")
        return self

    async def stop(self) -> None:
        """Close the line and end; done at once while it dials or waits."""
        while self._life and not self._life.done():
            self._life.cancel()
            # Before Python 3.13 a TaskGroup that aborts in this instant swallows it: then once more, after a close.
            await asyncio.wait([self._life], timeout=6)
        if self.state != "stopped":
            self.machine.fire("stop")
            self.charging.read_all()
            self.charging.end()
            self.ids.close()
            self.transactions.close()
            self.cache.close()
            self.configuration.close()
            if self._own_outbox:
                self.outbox.close()

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

    @property
    def session(self) -> Session | None:
        """The session of the current connection."""
        return self.line.session if self.line else None

    @property
    def heartbeat(self) -> Heartbeat | None:
        """The heartbeat of the current connection, None until its boot is accepted."""
        return self.line.heartbeat if self.line else None

    async def wait_for(self, *states: str) -> str:
        """Wait until the state is one of these; returns it. A line that is over counts as lost already."""
        for state in states:
            if state not in CONNECTION:
                raise ValueError(f"expected one of the states {', '.join(CONNECTION)}, came {state!r}")
        dead = self.line.dead if self.line else self.state in ("booting", "pending", "rejected", "online")
        if self.state in states and not dead:
            return self.state
        if (arrived := await self._watch.wait_for(states, self._life)) is not None:
            return arrived
        bug = self._life.exception() if self._life and not self._life.cancelled() else None
        raise NotConnected(f"{self.identity} has ended and will not be {' or '.join(states)}") from bug

    async def _live(self) -> None:
        await keep_connected(self._dial, self._serve, self._delays, fire=self.machine.fire)

    async def _dial(self) -> Pipe:
        """Dial with the credentials of this moment: a changed AuthorizationKey is used at the next dial."""
        authorization = basic_auth(self.identity, self.password) if self.password else None
        try:
            pipe = await dial(self.url, authorization=authorization, note=self.note, **self.dial_options)
        except (OSError, NotConnected) as error:
            self.uptime.dialled(error)
            raise
        self.uptime.dialled(None)
        return pipe

    async def _serve(self, pipe: Pipe, proved: Callable[[], None]) -> None:
        transport = self._make_transport(pipe)
        session = self._make_session(transport, self, self._make_pending(), ids=self._ids, timeout=self.timeout)
        self.line = line = Line(self, session, transport, proved)
        try:
            await line.live()
        finally:
            self.line = None
            await line.shut()

    def registered(self, response: m.BootNotificationResponse) -> None:
        """A BootNotification was answered."""
        self.registration = response.status
        self.machine.fire(response.status.lower())
        if response.status == "Accepted":
            self.statuses.forget()  # the central system wants to hear of every connector (core errata 3.22)
            if response.interval > 0:
                self.configuration["HeartbeatInterval"] = str(response.interval)

    # -- calling

    async def call[R: m.Response](
        self, request: m.Request[R], *, timeout: float | None = None, triggered: bool = False
    ) -> R:
        """Send a request and return its response; raises what `Session.call` does.

        In addition `NotAccepted` if it may not be sent before the boot is accepted. ``triggered``: the central system
        asked for it, so it may be sent while Pending.
        """
        line = self.line
        if line is None:
            raise NotConnected(f"{request.action} was not sent: {self.identity} is {self.state}")
        async with line.lane:  # the gate is asked at the instant of sending: while we waited, a boot may have come due
            if line.over:
                raise NotConnected(f"{request.action} was not sent: {self.identity} has given up this connection")
            if may_send(request.action, self.registration, triggered=triggered) != "send":
                raise NotAccepted(f"{request.action} may not be sent while the registration is {self.registration}")
            if line.heartbeat:
                line.heartbeat.touch()
            try:
                response = await line.session.call(request, timeout=timeout)
            except CallFailed as error:
                if error.code == "SecurityError" and self.state == "online":
                    self.registration = None  # it does not know us any more (J-errata 3.8): boot again
                    line.forget()
                raise
        line.proved()
        return response

    def submit(self, request: m.Request[Any], transaction: str | None = None) -> int:
        """Hand a transaction message to the outbox: delivered in order, whatever happens. Durable on return."""
        if request.action not in m.TRANSACTION_ACTIONS:
            raise ValueError(f"expected one of {', '.join(sorted(m.TRANSACTION_ACTIONS))}, came {request.action}")
        key = self.outbox.put(request, transaction)
        self.unsent.set()
        return key

    def new_name(self) -> str:
        """A name of our own for a transaction, until the central system gives it an id."""
        return next(self._ids)

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
        if self.line:
            self.line.spawn(work, what)
        else:
            work.close()

    async def reboot(self, why: str) -> None:
        """Go down and come back: a charge point that restarted boots again (core 4.2)."""
        self.registration = None
        if self.line:
            await self.line.close(1001, why)

    def boot_now(self) -> None:
        """Do not wait out the interval before the next BootNotification."""
        if self.line:
            self.line.boot_now()

    # -- the story

    def _changed(self, old: str, event: str, new: str) -> None:
        self.note("=", f"{old} → {new} ({event})")
        self.uptime.changed(old, new)
        self._watch.changed(new)

    def note(self, mark: str, text: str) -> None:
        self.trace.note(self.identity, mark, text)
