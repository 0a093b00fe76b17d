"""`CentralSystem`: accepts charge points by identity, answers them, calls them (OCPP's server, the CSMS)."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl as tls
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.server import ServerConnection

from ..clock import utc_now
from ..errors import NotConnected
from ..faults import Faults
from ..frames import Call
from ..group import Groups
from ..messages import RegistrationStatus
from ..pending import Pending
from ..pipe import (
    CLOSE_TIMEOUT,
    MAX_SIZE,
    OPEN_TIMEOUT,
    PING_INTERVAL,
    SUBPROTOCOL,
    WIRE_LOG,
    WebSocketPipe,
)
from ..session import CALL_TIMEOUT, Answering, Session, random_ids
from ..tally import Tally
from ..trace import Trace
from ..transport import Transport
from .answers import Answers
from .closing import errors_of
from .desk import Desk
from .door import choose_subprotocol, identity_of
from .doorbell import Doorbell
from .gatekeeper import Gatekeeper
from .guest import came_from
from .heard import Heard
from .keyring import Keyring, check_keys, warn_of_open_door
from .ledger import Ledger
from .operator import Operator
from .operator_session import OperatorSession
from .policy import Policy
from .ports import Listener, Ports
from .recording import Recording
from .registrar import Registrar
from .registry import Registered, RequiredProfiles
from .signing import Signing, Signs

log = logging.getLogger(__name__)


class CentralSystem(Heard):
    """``async with CentralSystem() as central_system:`` listens on a free port of the loopback interface.

    ``identities``: who is known, others get HTTP 404; None means all that have a password or stand in the ``registry``,
    or everybody if there is neither.
    ``passwords``: identity to AuthorizationKey (raw bytes, or hex text); without it they get 401. A key that it changes
    lives on in the ledger, sealed, and wins over the password until that is another (`Keyring`). ``router`` answers
    the requests of all charge points, in place of the default `Answers`; or ``routers``, a function, gets the identity
    of each that connects and returns who answers it. ``ssl`` makes it ``wss://``; ``listeners`` are more ports, for
    other security profiles. ``registry`` is what is known of each charge point: serial number, owner, and the profile
    that it has to use; ``authority`` signs their certificates. ``timeout`` (s) is how long its own calls wait.
    ``require_boot`` answers SecurityError before a boot was accepted, as J-errata 3.8 recommends. ``max_size`` (bytes)
    is the largest frame it reads, a larger one closes with 1009; ``ping_interval`` (s, None: off) how often it looks
    whether a silent charge point lives. ``lenient``: what `tolerance` mends is let pass, and counted; a ``router`` of
    your own has its own ``lenient``. ``receive_buffer`` (bytes) shrinks the sockets' buffers, to make back-pressure
    visible.

    Raises ValueError for ``router`` and ``routers`` both and for a password that is empty or no key, and what the
    ledger raises.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        identities: Collection[str] | None = None,
        passwords: Mapping[str, str | bytes] | None = None,
        router: Answering | None = None,
        routers: Callable[[str], Answering] | None = None,
        ledger: Recording | None = None,
        policy: Policy | None = None,
        faults: Faults | None = None,
        ssl: tls.SSLContext | None = None,
        listeners: Sequence[Listener] = (),
        registry: Mapping[str, Registered] | None = None,
        authority: Signs | None = None,
        timeout: float = CALL_TIMEOUT,
        require_boot: bool = True,
        max_size: int = MAX_SIZE,
        lenient: bool = False,
        compression: bool = False,
        ping_interval: float | None = PING_INTERVAL,
        receive_buffer: int | None = None,
        ids: Iterator[str] | None = None,
        trace: Trace | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        if router is not None and routers is not None:
            raise ValueError("expected a router for all, or routers by identity, came both")
        self.host = host
        self.port = port
        self.passwords = dict(passwords or {})
        """The configured keys by identity. May be changed while it runs: a key that is changed here counts at once, and
        alone. One that a charge point accepted since is not written here: the keyring knows it, and its ledger."""
        self.identities = identities if identities is not None else {*self.passwords, *(registry or ())} or None
        self.ledger: Recording = Ledger() if ledger is None else ledger
        self._keyring = Keyring(self.passwords, self.ledger)
        self.registry = dict(registry or {})
        """What is known of each charge point; may be changed while it runs."""
        self.required = RequiredProfiles(self.registry, self.ledger)
        """Which security profile each charge point has to use."""
        self.policy = policy or Policy()
        self.faults = faults or Faults()
        self.ssl = ssl
        self.timeout = timeout
        self.require_boot = require_boot
        self.sessions: dict[str, Session] = {}
        """Who is connected now: from the end of an older connection of that identity to the end of this one. As many as
        the operating system gives us sockets."""
        self._registrar = Registrar(self.ledger, self._stays)
        self.registrations: dict[str, RegistrationStatus] = self._registrar.known
        """What the newest BootNotification of each identity got; kept across reconnects (J-spec 5.4). Of more than
        20,000 the one is forgotten that changed longest ago and is neither connected nor listed in ``identities``."""
        self.answers = Answers(self.policy, self.ledger, now, self.sessions)
        own = self.answers.router(lenient=lenient)
        self.signing = Signing(self.registry, self.ledger, now, authority)
        pieces = (self.ledger, self.policy, self.registrations, now, self.signing, self.required)
        self.operator = Operator(self.__getitem__, *pieces)
        """What an operator asks of charge points: checked before it is sent, and recorded in the ledger."""
        own.include(self.signing)
        self.notes: Counter[str] = own.notes if router is None else Counter()
        """What our own router let pass in requests; empty if another one answers, which may count for itself."""
        self.router: Answering = own if router is None else router
        """Asked at each connection, unless there are ``routers``."""
        self.routers = routers or (lambda identity: self.router)
        self._lenient = lenient
        self.trace = Trace() if trace is None else trace
        self.tally = Tally()
        """What all sessions of this life count."""
        self.groups = Groups()
        """What answers have written and is not on the disk yet; ``failures`` of them were undone."""
        self.doorbell = Doorbell(self.trace.note)
        """Tells of all who were not let in, and counts them by ``kinds``."""
        self.ports = Ports(host, [Listener(port, ssl), *listeners], self.doorbell.ring)
        self.pages: dict[str, Callable[[], tuple[str, str]]] = {}
        """What plain GETs find on our port: path to content type and text (metrics puts its pages here)."""
        self._gatekeeper = Gatekeeper(
            self._knows,
            self._keyring,
            self.registry,
            self.required,
            now,
            lambda: self.faults,
            self.pages,
            self.doorbell.ring,
        )
        self.refused = self._gatekeeper.refused
        """Handshakes refused, by HTTP status."""
        self._receive_buffer = receive_buffer
        self._unique_ids = random_ids() if ids is None else ids  # of its own calls, on all connections
        # Set when an identity connects for which somebody waits (`connected`), and then thrown away.
        self._arrivals: dict[str, asyncio.Event] = {}
        # The newest connection of each identity, from its handshake on: it may still wait for an older one to end.
        self._newest: dict[str, Session] = {}
        # Compression costs 32 KB for each idle connection and buys nothing on loopback.
        self._options: dict[str, Any] = {
            "max_size": max_size,
            "compression": "deflate" if compression else None,
            "ping_interval": ping_interval,
            "ping_timeout": ping_interval,
            "open_timeout": OPEN_TIMEOUT,
            "close_timeout": CLOSE_TIMEOUT,
        }
        check_keys(self.passwords)
        warn_of_open_door(host, self.identities, self.passwords)

    # -- life

    async def start(self) -> Self:
        """Listen. With port 0 the system chooses a free one; ``url`` says which.

        Raises OSError if the port cannot be had, and RuntimeError if it listens already.
        """
        if self.listening:
            raise RuntimeError("expected a central system that is not started yet; this one listens already")
        await self.ports.open(
            self._serve,
            process_request=self._gatekeeper.process_request,
            process_response=self._gatekeeper.process_response,
            logger=WIRE_LOG,
            select_subprotocol=lambda connection, offered: choose_subprotocol(offered),
            **self._options,
        )
        if self._receive_buffer:
            for each in self.ports.servers:
                for listening in each.sockets:
                    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
        self.port = self.ports.listeners[0].port
        self.trace.note("central system", "=", f"listens on {self.url}")
        return self

    async def stop(self) -> None:
        """Close every connection with 1001 and stop listening; returns when nothing of it is left.

        What fails on the way is raised when all the rest is closed. The ledger stays open: it is its maker's; what was
        written for answers is on its disk.
        """
        if self.listening:
            self.groups.commit()
            self.ports.shut()  # connections are closed below: what they have still to send first
            why = (1001, "central system stops")
            errors = await errors_of(session.close(*why, timeout=2.0) for session in list(self.sessions.values()))
            errors += await errors_of(each.close(*why) for each in self.ports.connections())
            errors += await self.ports.closed()
            self.groups.commit()  # what handlers wrote while they were cancelled
            self.doorbell.rest()
            self.trace.note("central system", "=", "stopped")
            if errors:
                raise errors[0]

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """The endpoint; a charge point appends its identity."""
        return Listener(self.port, self.ssl).url(self.host)

    # -- calling

    @property
    def listening(self) -> bool:
        """Between `start` and `stop`."""
        return bool(self.ports.servers)

    def __getitem__(self, identity: str) -> Session:
        """The session of a connected charge point: ``await central_system["CP_1"].call(ResetRequest(type="Soft"))``."""
        try:
            return self.sessions[identity]
        except KeyError:
            known = ", ".join(self.sessions) or "nobody"
            raise NotConnected(f"{identity!r} is not connected; connected now: {known}") from None

    def __contains__(self, identity: str) -> bool:
        return identity in self.sessions

    async def connected(self, identity: str) -> Session:
        """Wait until this charge point is connected."""
        while identity not in self.sessions:
            event = self._arrivals.setdefault(identity, asyncio.Event())
            await event.wait()
        return self.sessions[identity]

    # -- the door

    def _knows(self, identity: str) -> bool:
        return self.identities is None or identity in self.identities or identity in self.registry

    async def _serve(self, websocket: ServerConnection) -> None:
        """One connection, from the handshake to its end."""
        assert websocket.request is not None
        identity = identity_of(websocket.request.path) or ""
        websocket.request.headers.clear()  # nobody reads them any more, and an idle connection should be small
        websocket.response = None
        if websocket.subprotocol is None:
            what = f"no common subprotocol, closed, {came_from(websocket)}"
            self.doorbell.ring("no common subprotocol", what, identity)
            await websocket.close(1002, f"expected the subprotocol {SUBPROTOCOL}")
            return
        try:
            session = self._session(websocket, identity)
        except Exception:
            log.exception("! %s: nobody answers it, closing with 1011", identity)
            self.trace.note(identity, "!", "no router for it, closed")
            await websocket.close(1011, "our own fault")
            return
        self._newest[identity] = session
        await self._end_older(identity)
        if self._newest.get(identity) is not session:  # a still newer one came meanwhile
            await session.close(1008, "replaced", timeout=1.0)
            return
        self.sessions[identity] = session
        self._arrivals.pop(identity, asyncio.Event()).set()
        self.trace.note(identity, "=", f"connected {came_from(websocket)}")
        if self.require_boot:
            session.desk.reminder.begin(session)
        try:
            await session.run()
        finally:
            session.desk.reminder.rest()
            self._forget(identity, session)
            self.trace.note(identity, "=", f"disconnected: {session.transport.lost}")

    async def _end_older(self, identity: str) -> None:
        """The newest connection of an identity is the one its charge point means; an older one is dead or soon will be.

        When this returns, the pending calls of the older one have ended.
        """
        if old := self.sessions.get(identity):
            await old.close(1008, "replaced", flush=False, timeout=1.0)
            await old.wait_closed()
            self._forget(identity, old)

    def _forget(self, identity: str, session: Session) -> None:
        """Unregister this very session: a late close of an old one must not take its successor away."""
        for register in (self.sessions, self._newest):
            if register.get(identity) is session:
                del register[identity]

    def _stays(self, identity: str) -> bool:
        """Whether its registration must be known: it is connected, or the operator has listed it."""
        return identity in self.sessions or (self.identities is not None and self._knows(identity))

    def _set_aside(self, identity: str, call: Call, reason: str) -> None:
        self.ledger.set_aside(identity, call, reason, self.answers.now())

    def _session(self, websocket: ServerConnection, identity: str) -> OperatorSession:
        note = partial(self.trace.note, identity)
        pipe = WebSocketPipe(websocket, note)
        router = self.routers(identity)
        desk = Desk(
            identity, router, self.faults, pipe, self._registrar, self.require_boot, self._set_aside, self.groups
        )
        return OperatorSession(
            Transport(pipe, name=identity),
            desk,
            self._keyring,
            self.required,
            pending=Pending(lenient=self._lenient),
            ids=self._unique_ids,
            timeout=self.timeout,
            identity=identity,
            trouble=partial(note, "!"),
            tally=self.tally,
        )
