"""`ChargePoint`: one charge point's whole life: dial, boot, live, lose the connection, come back.

It puts the parts together and knows them all; none of them knows it. What lives on one connection is in its `Uplink`
and dies with it. What outlives a connection is a part here; what survives a power cut is in the one `Store`.
"""

from __future__ import annotations

import asyncio
import logging
from copy import copy
from functools import partial
from random import Random
from types import TracebackType
from typing import Any, NoReturn, Self

from .. import messages as m
from ..backoff import backoff
from ..codec import encode_payload
from ..connection import CONNECTION, ConnectionEvent, ConnectionState
from ..errors import NotConnected, StoreFailed
from ..frames import Call, CallError, CallResult
from ..heartbeat import Heartbeat
from ..pending import Pending
from ..pipe import Pipe
from ..session import Session, random_ids
from ..station.decisions import Decisions
from ..store import Store
from ..tally import Tally
from ..trace import ONE_OF_MANY, Trace
from ..transport import Transport
from .amnesia import Amnesia
from .chores import Chores
from .delivery import Delivery
from .dial import Dialler
from .event_clock import EventClock
from .file_jobs import FileJobs, Sender
from .gate import Gate
from .guard import Guard
from .life import Life, Speaker
from .live_keys import live_keys
from .memory import Memory, open_memory
from .options import ChargingOptions, Connecting, Pieces, Security, Surroundings, all_filled
from .orders import orders
from .premises import Premises
from .registration import ANSWERED, LONGEST_WAIT, may_serve
from .state_watch import StateWatch
from .uplink import Beating, Duties, Speaking, Uplink
from .uptime import Uptime

log = logging.getLogger(__name__)
_BOOT = m.BootNotificationRequest(charge_point_vendor="OCPP Lab", charge_point_model="One")


class ChargePoint:
    """``async with ChargePoint(url, "CP_1") as charge_point:`` dials, boots and stays connected until the end.

    ``url`` is the endpoint; the identity is appended. ``boot`` is what it says of itself. ``path`` is the file that
    survives a power cut: outbox, transactions, meter registers, known tags, changed keys; nobody else may use it. It
    may also be a `Store` that has the file open; the charge point moves in, and closes it at its end.

    All other options are in groups: `Security`, `Connecting`, `ChargingOptions`, `Pieces`, `Decisions`, `Surroundings`.
    An option may also be given by its own name: ``timeout=5.0`` is ``connecting=Connecting(timeout=5.0)``, and
    ``session=YourSession`` is ``pieces=Pieces(session=YourSession)``.

    Raises ValueError for an endpoint, an identity or a number of connectors that cannot be, TypeError for an option
    that no group knows, `PayloadError` for a ``boot`` that cannot be sent, and `StoreFailed` for a file that is another
    charge point's, open elsewhere, newer than this edition, or no database.
    """

    def __init__(
        self,
        url: str,
        identity: str,
        *,
        boot: m.BootNotificationRequest | None = None,
        path: str | Store = ":memory:",
        security: Security = Security(),
        connecting: Connecting = Connecting(),
        charging: ChargingOptions = ChargingOptions(),
        pieces: Pieces = Pieces(),
        decisions: Decisions = Decisions(),
        surroundings: Surroundings = Surroundings(),
        **options: Any,
    ) -> None:
        groups = security, connecting, charging, pieces, decisions, surroundings
        security, connecting, charging, pieces, decisions, around = all_filled(groups, options)
        self.boot = copy(boot or _BOOT)
        """What it says of itself whenever it boots."""
        encode_payload(self.boot)
        self.identity = identity
        self.now = around.now  # our own clock, which nobody sets; what time it is says `clock`
        self.trace = Trace(max_bytes=ONE_OF_MANY) if around.trace is None else around.trace
        self.tally = Tally()
        """What all sessions of this life count."""
        self.uptime = Uptime(asyncio.get_running_loop().time)
        """Dials, losses and seconds online of this life."""
        self.dialler = Dialler(url, identity, security, connecting, note=self.note, on_dial=self.uptime.dialled)
        self.machine = pieces.machine(CONNECTION, "disconnected", self._changed)
        waits = pieces.delays or (lambda: backoff(around.rng or Random(identity)))
        self.gate = Gate(identity, lambda: self.machine.state, timeout=connecting.timeout, amnesia=Amnesia(waits))
        self.chores = Chores(identity)
        self._unique_ids = random_ids() if around.ids is None else around.ids
        self._pieces = pieces
        self._lenient = connecting.lenient
        self._watch: StateWatch[ConnectionState] = StateWatch()
        self._living: asyncio.Task[NoReturn] | None = None  # from `start` until `stop` has seen its end
        self._remember(open_memory(path, identity, connecting, charging, pieces))
        self.clock = EventClock(self.memory.store, around.now, settable=around.set_clock)
        parts = self.configuration, self.dialler, self.gate, self.chores, self.clock, around.now
        self.guard = Guard(self.boot.charge_point_serial_number or identity, security, *parts)
        self._open(charging, connecting.retry_interval, decisions)
        sender, closing = Sender(identity, self.boot, self.trace, connecting, security.ssl), self._premises.closing_time
        self.file_jobs = FileJobs(sender, self.memory.jobs, self.gate, self.chores, self.clock, closing, self.guard)
        parts_of_orders = self.memory, self._premises, self.gate, self.delivery, self.chores, self.file_jobs, self.guard
        self.router = orders(*parts_of_orders, lenient=self._lenient)
        """What the central system may ask for."""
        self.configuration.effects |= live_keys(self.gate, self.dialler, self.metering)
        duties = self._duties(connecting.retry_interval)
        self.life = Life(self.dialler.dial, self._speak, waits, self.machine, self.gate, duties)
        self.configuration.restore()  # what the central system changed in an earlier life wins

    # -- the parts

    def _remember(self, memory: Memory) -> None:
        """What survives a power cut."""
        self.memory = memory
        self.outbox = memory.outbox
        self.transaction_ids = memory.transaction_ids
        self.transactions = memory.transactions
        self.cache = memory.cache
        self.configuration = memory.configuration
        self.delivery = Delivery(
            memory.outbox,
            memory.configuration,
            self.gate.call,
            prepare=memory.transaction_ids.prepare,
            answered=lambda entry, response: self.charging.answered(entry, response),
            given_up=lambda entry: self.charging.given_up(entry),
        )

    def _open(self, options: ChargingOptions, retry_interval: float, decisions: Decisions) -> None:
        """What drivers meet."""
        self._resume = options.resume_transactions
        premises = self._premises = Premises(
            options,
            self.memory,
            self.gate,
            self.chores,
            submit=self.delivery.submit,
            new_name=lambda: next(self._unique_ids),
            note=self.note,
            clock=self.clock,
            retry_interval=retry_interval,
            profiles=self._pieces.profiles,
            decisions=decisions,
        )
        self.connectors, self.statuses = premises.connectors, premises.statuses
        self.vendor_messages = premises.vendor_messages
        self.metering, self.charging = premises.metering, premises.charging

    # -- life

    async def start(self) -> Self:
        """Begin to dial, in the background.

        Raises RuntimeError if it was started before, and `StoreFailed` if the file cannot be read; nothing has begun
        then.
        """
        if self.state != "disconnected":
            raise RuntimeError("expected a charge point that was not started yet; a new start is a new ChargePoint")
        self.guard.begin()
        self._premises.recover(self.outbox.entries(), resume=self._resume)
        self.file_jobs.recover()
        self.machine.fire("connect")
        self._living = asyncio.create_task(self.life.run(), name=f"{self.identity} life")
        self._living.add_done_callback(self._ended)
        return self

    def _ended(self, life: asyncio.Task[NoReturn]) -> None:
        """Nobody is at home any more, whatever ended it: the state tells, also those who wait for another one."""
        if not life.cancelled() and (bug := life.exception()):
            log.error("! %s: a bug ended its life", self.identity, exc_info=bug)
        self._be_stopped()

    async def stop(self) -> None:
        """Close the connection and end; done at once while it dials or waits.

        Everything is closed, also if the last readings cannot be written; then it raises `StoreFailed`.
        """
        while self._living and not self._living.done():
            self._living.cancel()
            # Before Python 3.13 a TaskGroup that aborts in this instant swallows it: then once more, after a close.
            await asyncio.wait([self._living], timeout=6)
        if self.state == "stopped" and self._living is None:
            return
        self._living = None
        self._be_stopped()
        try:
            self._premises.write_down()
        finally:
            self._close()
            await self.chores.ended()

    def _be_stopped(self) -> None:
        if self.state != "stopped":
            self.machine.fire("stop")

    def _close(self) -> None:
        self.chores.end()
        self.memory.close()

    async def __aenter__(self) -> Self:
        try:
            return await self.start()
        except StoreFailed:
            self._close()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self.stop()
        except StoreFailed:
            if error is None:  # or it would hide the block's own
                raise
            log.exception("! %s: its last words could not be written", self.identity)

    @property
    def state(self) -> ConnectionState:
        """One of the states of `connection.CONNECTION`."""
        return self.machine.state

    @property
    def registration(self) -> m.RegistrationStatus | None:
        """What the newest boot got; see `Gate.registration`."""
        return self.gate.registration

    @property
    def uplink(self) -> Uplink | None:
        """The current connection, None while there is none."""
        return self.life.uplink

    @property
    def session(self) -> Speaking | None:
        """The session of the current connection."""
        return self.uplink.session if self.uplink else None

    @property
    def heartbeat(self) -> Beating | None:
        """The heartbeat of the current connection, None until its boot is accepted."""
        return self.uplink.heartbeat if self.uplink else None

    async def wait_for(self, *states: ConnectionState) -> ConnectionState:
        """Wait until the state is one of these; returns it.

        Raises ValueError for a state that is in no table, and `NotConnected` if the charge point ends before.
        """
        for state in states:
            if state not in CONNECTION:
                raise ValueError(f"expected one of the states {', '.join(CONNECTION)}, came {state!r}")
        if self.state in states:
            return self.state
        if self.state != "stopped" and (arrived := await self._watch.wait_for(*states, "stopped")) in states:
            return arrived
        raise NotConnected(f"{self.identity} has ended and will not be {' or '.join(states)}")

    def _duties(self, retry_interval: float) -> Duties:
        make_heartbeat = partial(self._pieces.heartbeat or Heartbeat, now=self.now)
        works = self.guard.works | self._premises.works | self.file_jobs.works
        return Duties(
            identity=self.identity,
            registration=lambda: self.registration,
            boot=self.boot,
            boot_interval=self.gate.boot_interval,
            retry_interval=retry_interval,
            booted=self._booted,
            amnesia=self.gate.amnesia,
            listening=lambda call: self.clock.listening(self.guard.listening(call)),
            wait_for=self._watch.wait_for,
            heartbeat=lambda: make_heartbeat(self.gate.call, self.configuration.seconds("HeartbeatInterval")),
            works=works | {"outbox": lambda: self.delivery.run()},
            delivering=self.delivery.lane,
            note=self.note,
            failed=self.chores.failed,
        )

    def _speak(self, pipe: Pipe) -> Speaker:
        """What talks over a new connection."""
        make_transport = self._pieces.transport or partial(Transport, name=self.identity)
        make_session = partial(
            self._pieces.session or Session,
            identity=self.identity,
            trouble=partial(self.note, "!"),
            tally=self.tally,
            closing=lambda: self.life.give_up(),
        )
        make_pending = self._pieces.pending or partial(Pending, lenient=self._lenient)
        transport = make_transport(pipe)
        session = make_session(transport, self, make_pending(), ids=self._unique_ids, timeout=self.gate.timeout)
        return session, transport

    def _booted(self, response: m.BootNotificationResponse) -> None:
        """A BootNotification was answered."""
        self.gate.registration = response.status
        self.machine.fire(ANSWERED[response.status])
        if response.status == "Accepted":
            self.statuses.forget()  # the central system wants to hear of every connector (core errata 3.22)
            if response.interval > 0:
                self.configuration["HeartbeatInterval"] = f"{min(response.interval, LONGEST_WAIT):.0f}"

    # -- calling and answering

    async def call[R: m.Response](
        self, request: m.Request[R], *, timeout: float | None = None, triggered: bool = False
    ) -> R:
        """Send a request and return its response; see `Gate.call`."""
        return await self.gate.call(request, timeout=timeout, triggered=triggered)

    def submit(self, request: m.Request[Any], transaction: str | None = None) -> int:
        """Hand a transaction message to the outbox; see `Delivery.submit`."""
        return self.delivery.submit(request, transaction)

    async def reboot(self, why: str) -> None:
        """Go down and come back: a charge point that restarted boots again (core 4.2)."""
        await self.gate.reboot(why)

    async def answer(self, call: Call) -> CallResult | CallError | None:
        """The answer to a call of the central system, as the registration allows (core 4.2)."""
        match may_serve(call.action, self.registration):
            case "silent":
                return None
            case "refuse":
                return CallResult(call.unique_id, {"status": "Rejected"})
            case "serve":
                return await self.router.answer(call)

    # -- the story

    def _changed(self, old: ConnectionState, event: ConnectionEvent, new: ConnectionState) -> None:
        self.note("=", f"{old} → {new} ({event})")
        self.uptime.changed(old, new)
        if event == "lost":
            self.guard.over()
        self._watch.changed(new)

    def note(self, mark: str, text: str) -> None:
        """Add a line to the trace; the marks are those of `Trace`."""
        self.trace.note(self.identity, mark, text)
