"""`Guard`: everything of a charge point's security put together: profile, key, certificates, events (whitepaper)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from .. import messages as m
from .. import security
from ..errors import (
    CallFailed,
    ConnectionLost,
    MalformedReply,
    NotAccepted,
    NotConnected,
    OcppError,
    StoreFailed,
)
from ..heartbeat import A_DAY
from ..security.events import CRITICAL, PUSHED, SecurityEvents
from ..security.peer import out_of_date, verified_root
from .certificates import Certificates
from .chores import Chores
from .configuration import Configuration
from .dial import Dialler
from .dial_failed import security_event_of
from .errands import Work
from .event_clock import EventClock
from .gate import Gate
from .maker import Maker
from .options import Security
from .routes import Route, Routes, is_key
from .trusted_time import TrustedTime
from .upgrading import Upgrading
from .uplink import Asks
from .wallet import Wallet

log = logging.getLogger(__name__)

A_DRIFT = 60.0  # seconds; ours
LINGER = 1.0
"""Seconds from a new security profile to the end of the connection, so that a Reset that comes right behind the change
is answered. A05.FR.06 does not say how soon it has to end."""


class Guard:
    """``serial`` is the serial number; ``clock`` tells when an event happened, ``now()`` is our own one, which nobody
    sets.

    Raises `StoreFailed` if the file cannot be read, ImportError without the package `cryptography` where a certificate
    was given.
    """

    def __init__(
        self,
        serial: str,
        options: Security,
        configuration: Configuration,
        dialler: Dialler,
        gate: Gate,
        chores: Chores,
        clock: EventClock,
        now: Callable[[], datetime],
    ) -> None:
        store = configuration.store
        self.configuration = configuration
        self.dialler = dialler
        self.gate = gate
        self.chores = chores
        self.clock = clock
        self.events = SecurityEvents(store, push=PUSHED)
        self._always = options.security_events
        self.wallet = Wallet(store)
        self.wallet.provision(options.roots, options.manufacturer_roots, options.own_certificate)
        self.trusted_time = TrustedTime(store, now)
        self.upgrading = Upgrading(store, dialler.usual_profile)
        self.routes = Routes(dialler.urls, options.ssl, self.wallet, self.trusted_time.now)
        self.maker = Maker(self.wallet, self.trusted_time.now, self.tell)
        """Whose firmware is good."""
        self.certificates = Certificates(
            serial,
            self.wallet,
            configuration,
            gate,
            now=self.trusted_time.now,
            in_use=self._root_in_use,
            switch=self._switch,
            tell=self.tell,
        )
        dialler.route = lambda: self.routes.next(self.upgrading.dials())
        dialler.judge = lambda secured: out_of_date(secured, self.trusted_time.now())
        dialler.on_end = self._dialled
        configuration.own_answer["SecurityProfile"] = self._change_profile
        configuration["AdditionalRootCertificateCheck"] = str(options.root_check).lower()
        configuration["SecurityProfile"] = str(self.profile)
        clock.on_set = self.clock_set
        gate.rebooting = lambda why: self.tell("ResetOrReboot", why)
        self.works: dict[str, Work] = {
            "security events": lambda: self.events.run(gate.call),
            "security": self._prove_and_renew,
        }
        """What runs beside a connection while its boot is accepted."""
        self._told: str | None = None  # the trouble of the newest dials, until one succeeds: told once

    @property
    def profile(self) -> int:
        """The security profile of the newest connection; before the first one, that of the first dial."""
        return self.upgrading.state.current if self.dialler.in_use is None else self.dialler.in_use

    def begin(self) -> None:
        """The charge point starts. What was changed from afar in an earlier life is known; from now on it is told."""
        self.configuration["SecurityProfile"] = str(self.profile)
        self.configuration.changed = self._key_changed
        self.tell("StartupOfTheDevice")
        for _, chain in self.wallet.own():
            begins, _ = security.validity(chain)
            if begins > self.trusted_time.now():
                self._switch(chain)

    # -- what happens

    def tell(self, type: str, info: str | None = None) -> None:
        """Note a security event. One that cannot be written is told to the log: what happened has happened.

        The ordinary life of a charge point without security (profile 0) is nobody's business: its starts and resets are
        in the log, and not told; unless `Security.events` says otherwise.
        """
        always = self.profile > 0 if self._always is None else self._always
        self.events.push = PUSHED if always else PUSHED - CRITICAL
        try:
            self.events.note(type, self.clock.now(), info)
        except Exception:
            log.exception("! the security event %s (%s) cannot be written", type, info)

    def clock_set(self, seconds: float) -> None:
        """Our clock was set, by so much. A drift is no event."""
        if abs(seconds) >= A_DRIFT:
            self.tell("SettingSystemTime", f"by {seconds:+.0f} s")

    def _key_changed(self, name: str) -> None:
        if name in ("AuthorizationKey", "CpoName"):  # never the value (A01.FR.12)
            self.tell("ReconfigurationOfSecurityParameters", f"{name} was changed")

    def _change_profile(self, value: str) -> m.ConfigurationStatus:
        state = self.upgrading.state
        if value.isascii() and value.isdigit() and self.routes.url(int(value)) is None:
            return "Rejected"  # nobody told where to dial
        status = self.upgrading.change(
            value,
            key=is_key(self.dialler.password),
            root=self.routes.has_root(),
            certificate=self.routes.has_certificate(),
        )
        if status == "Accepted":
            self.tell("ReconfigurationOfSecurityParameters", f"SecurityProfile from {state.current} to {value}")
            self.gate.later(self._leave(), "SecurityProfile")
        return status

    async def _leave(self) -> None:
        await asyncio.sleep(LINGER)
        await self.gate.hang_up("new security profile")

    # -- the connection

    async def _prove_and_renew(self) -> None:
        """During an upgrade, show that it works: a boot may not be repeated after a reconnect, so a Heartbeat has to
        do. Then look after our certificate, once a day. Raises what ends a connection."""
        if self.upgrading.under_proof:
            await self._quietly(self.gate.call(m.HeartbeatRequest()))
            if self.upgrading.under_proof:
                raise ConnectionLost("nothing is answered over the new security profile")
        while True:
            if self.profile == 3 and (ask := self.certificates.renewal()):
                await self._quietly(ask)
            await asyncio.sleep(A_DAY)

    async def _quietly(self, work: Coroutine[Any, Any, object]) -> None:
        try:
            await work
        except (ConnectionLost, NotConnected, NotAccepted):
            raise
        except OcppError as error:
            log.warning("! %s", error)

    def ask(self) -> Callable[[], Coroutine[Any, Any, None]] | None:
        """What asks for a new certificate; None: it cannot be asked for."""
        return self.certificates.ask if security.has_cryptography() and self.certificates.can_ask() else None

    def over(self) -> None:
        """The dial has failed, or its connection has ended."""
        self.upgrading.over()

    def listening(self, call: Asks) -> Asks:
        """The same call. Whatever is answered proves a new profile, and what an authenticated central system says of
        the time is heard."""

        async def listened(request: Any, **options: Any) -> Any:
            try:
                response = await call(request, **options)
            except (CallFailed, MalformedReply):
                self.upgrading.proved()
                raise
            self.upgrading.proved()
            if self.profile >= 2 and isinstance(response, m.HeartbeatResponse | m.BootNotificationResponse):
                self.trusted_time.hear(response.current_time)
            return response

        return listened

    def _dialled(self, route: Route, error: Exception | None) -> None:
        if error is None:
            self._told = None
            self.configuration["SecurityProfile"] = str(route.profile)
            try:
                self.routes.succeeded(route)
            except StoreFailed as failed:
                log.warning("! the old root is still trusted: %s", failed)
            return
        event = security_event_of(error)
        self.routes.failed(route, not_trusted=event == "InvalidCentralSystemCertificate")
        if event and event != self._told:  # once until a dial succeeds: a slow clock must not make each dial an event
            self._told = event
            self.tell(event, str(error))

    def _root_in_use(self) -> bytes | None:
        secured = self.dialler.secured
        return verified_root(secured) if secured is not None else None

    def _switch(self, chain: str) -> None:
        """Dial again with a new certificate, as soon as its time begins (A02.FR.08)."""
        begins, _ = security.validity(chain)
        left = (begins - self.trusted_time.now()).total_seconds()
        if left <= 0:
            self.gate.later(self._hang_up(), "new certificate")
        else:
            self.chores.start(self._switch_after(left), "new certificate")

    async def _switch_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._hang_up()

    async def _hang_up(self) -> None:
        if self.profile == 3:
            await self.gate.hang_up("new certificate")
