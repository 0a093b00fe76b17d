"""`Bays`: the charging sessions of a charge point: what happens is written down, then done (core 3.6, 4.8, 4.10).

Every message of a transaction goes through the outbox, online or not. A start or a stop that cannot be written down has
not happened. What nobody can refuse (`Bays.end`, a cable) is done all the same, and what could not be written is owed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Literal

from .. import messages as m
from ..errors import IllegalTransition, StoreFailed
from ..station.charging_session import EV_SIDE, ChargingSession, Holder
from ..station.connector import Connector
from ..station.decisions import Decisions
from ..station.facts import Facts, Happening, is_open, starts
from ..station.rights import same
from .configuration import Configuration
from .kept_sessions import KeptSessions, kept
from .metering import Metering
from .owed import Owed
from .reservation_book import NoReservations, Reservations
from .starts import Begun, Starts
from .stops import Stops
from .transactions import Transactions

log = logging.getLogger(__name__)


class Bays:
    """``date()`` looks at the clock.

    Whatever writes raises `StoreFailed` if it cannot; ValueError if there is no such connector.
    """

    def __init__(
        self,
        connectors: Mapping[int, Connector],
        transactions: Transactions,
        sessions: KeptSessions,
        configuration: Configuration,
        metering: Metering,
        starts: Starts,
        stops: Stops,
        owed: Owed,
        *,
        date: Callable[[], datetime],
        decisions: Decisions = Decisions(),
    ) -> None:
        self.connectors = connectors
        self.transactions = transactions
        self.kept = sessions
        self.configuration = configuration
        self.metering = metering
        self.starts = starts
        self.stops = stops
        self.owed = owed
        self.date = date
        self.decisions = decisions
        self.sessions = {n: ChargingSession(place, decisions.happens) for n, place in connectors.items() if n}
        self.reservations: Reservations = NoReservations()
        """Set by whoever keeps some."""
        self.closed = False
        """Whether nobody new may come, whatever was commanded; set and cleared by `DoorClosed`."""
        self.changed = asyncio.Event()
        """Set whenever a session has changed; whoever waits for it clears it."""
        self.listeners: list[Callable[[int], None]] = []
        """Told the connector whose session has changed; added by whoever wants to know."""
        self.begun: dict[int, Begun] = {}
        """By connector, the transaction that runs there; set by a start, or by a power cut; cleared at its end."""
        metering.full = lambda connector: self.notice(connector, "car pauses")

    def session(self, connector: int) -> ChargingSession:
        """Raises ValueError if there is no such connector, or if it is the charge point as a whole."""
        if connector not in self.sessions:
            raise ValueError(f"expected a connector from 1 to {len(self.sessions)}, came {connector}")
        return self.sessions[connector]

    # -- what happens

    def happens(
        self, connector: int, event: Happening, tag: str | None = None, *, holder: Holder | None = None
    ) -> bool:
        """Write down what comes of an event, and let it come; False if nothing does.

        ``holder`` is whose tag is accepted, with "yes" and "again". Raises `StoreFailed` if it cannot be written; then
        nothing has changed. A start needs a lock that holds: if it does not, the connector is Faulted instead.
        """
        session = self.session(connector)
        before, chain = session.facts, session.after(event, tag, stop_on_unplug=self._stops_on_unplug)
        holder = holder if holder and chain[-1].tag is not None else session.holder
        if starts(before, chain):
            if not session.connector.lock():
                self.break_down(connector, "ConnectorLockFailure")
                if event == "plug":  # it is in all the same, and has to be pulled
                    self.notice(connector, event)
                return True
            self.begun[connector] = self._write_start(session, chain[-1], holder)
        else:
            self.kept.save(connector, kept(session, chain[-1], holder))
        self._take(session, chain, holder)
        return session.facts != before

    def notice(self, connector: int, event: Happening, *, info: str | None = None) -> None:
        """What nobody can refuse: it comes so, and if that cannot be written down now, it is owed.

        A tag that waited for this cable, and whose start cannot be written, waits no longer.
        """
        session = self.session(connector)
        try:
            chain = session.after(event, stop_on_unplug=self._stops_on_unplug)
            if starts(session.facts, chain):
                self.happens(connector, event)
                return
        except StoreFailed:
            log.exception("! connector %d: nothing begins: our own file failed", connector)
            session.facts = session.facts._replace(tag=None)
            chain = session.after(event, stop_on_unplug=self._stops_on_unplug)
        self._take(session, chain, session.holder, info=info)
        self._keep(session)

    def _take(
        self, session: ChargingSession, chain: list[Facts], holder: Holder | None, *, info: str | None = None
    ) -> None:
        session.holder = holder
        session.take(chain, info=info)
        self._look(session)

    def _look(self, session: ChargingSession) -> None:
        """A meter is read as long as a transaction runs, but for a fault."""
        number, facts = session.connector.number, session.facts
        if facts.phase == "running" and not facts.fault:
            self.metering.watch(number, self.begun[number].started)
        else:
            self.metering.leave(number)
        self.changed.set()
        for listener in self.listeners:
            listener(number)

    def _keep(self, session: ChargingSession) -> None:
        number = session.connector.number
        try:
            self._save(session)
        except StoreFailed as error:
            self.owed.row(number, partial(self._save, session), error)

    def write_down(self, session: ChargingSession) -> None:
        """What has changed beside the facts."""
        self._keep(session)

    def learn_group(self, session: ChargingSession, parent: str | None) -> None:
        """The group of the tag that runs here, unless it was known."""
        if session.holder and session.holder.parent is None and parent is not None:
            session.holder = Holder(session.holder.tag, parent)
            self._keep(session)

    def resume(self, session: ChargingSession, facts: Facts) -> None:
        """What a power cut left goes on."""
        session.restore(facts)
        self._look(session)
        self._keep(session)

    def _save(self, session: ChargingSession) -> None:
        self.kept.save(session.connector.number, kept(session, session.facts, session.holder))

    @property
    def _stops_on_unplug(self) -> bool:
        return self.configuration.enabled("StopTransactionOnEVSideDisconnect")

    # -- faults, and what is offered

    def break_down(self, connector: int, error_code: m.ChargePointErrorCode, info: str | None = None) -> None:
        """A fault: no energy, and nothing begins, until it is repaired (core 4.9)."""
        session = self.session(connector)
        session.break_down(error_code, info)
        self._look(session)
        self._keep(session)
        self.end_reservations(connector, "Faulted")

    def withdraw(self, connector: int, *, operative: bool) -> bool:
        """Availability as commanded, once it is written down; False if it has to wait: for the end of a session, or
        until the door is open again."""
        session, opens = self.session(connector), operative and not self.closed
        session.connector.operative = opens
        self.notice(connector, "operative" if opens else "inoperative")
        if not opens:
            self.end_reservations(connector, "Unavailable")
        return opens if operative else session.facts.phase == "free"

    def end_reservations(self, connector: int, why: Literal["Faulted", "Unavailable"]) -> None:
        """Nobody can use this connector; see `Reservations.ends`."""
        try:
            self.reservations.ends(connector, why)
        except StoreFailed:
            log.exception("! connector %d: a reservation that is over could not be struck out", connector)

    def offer(self, connector: int, amperes: float | None, phases: int = 3) -> None:
        """A car may take so much from now on (A per phase); with less than it needs, we pause (core 4.9, C5)."""
        session = self.session(connector)
        session.connector.offer(amperes, phases)
        (session.pause if session.connector.starved else session.go_on)("limit")
        self._look(session)

    def offer_first(self, connector: int, amperes: float | None, phases: int = 3) -> None:
        """What a car may take from its very first moment; nothing is told of it before something begins."""
        session = self.session(connector)
        session.connector.offer(amperes, phases)
        session.expect("limit", session.connector.starved)

    def pause(self, connector: int, why: str) -> None:
        """Offer nothing, for this reason."""
        session = self.session(connector)
        session.pause(why)
        self._look(session)
        self._keep(session)

    # -- transactions

    def free(self) -> set[int]:
        """The connectors with nobody, where somebody might begin."""
        return {n for n, each in self.sessions.items() if each.facts.phase == "free" and is_open(each.facts)}

    def may_use(self, connector: int, tag: str, parent: str | None) -> tuple[bool, int | None]:
        """Whether this tag may begin here, and which reservation it uses up; see `rights.may_use`."""
        free = self.free() | {connector}
        return self.decisions.may_use(connector, tag, parent, self.reservations.reservations(), free, self.date())

    def why_not(self, connector: int, tag: str | None = None) -> list[str]:
        """What has to happen before this tag can start a transaction here; nothing if it can."""
        session = self.session(connector)
        facts = session.facts
        if facts.phase == "running":
            return ["stop"]
        if facts.fault or (facts.phase == "free" and not facts.operative):
            return ["Available"]
        if facts.phase == "over":
            own = session.holder is not None and same(tag, session.holder.tag)
            return [] if own and facts.operative and session.connector.car else ["unplug"]
        return ([] if is_open(facts) else ["wait"]) if facts.cable else ["plug in"]

    def accept(self, connector: int, tag: str, parent: str | None = None) -> bool:
        """This tag is accepted here, and waits for its cable, or starts. False if it came to nothing."""
        session, holder = self.session(connector), Holder(tag, parent)
        if session.facts.phase == "over":
            if session.connector.car is None:  # only the near end is in: there is nothing to charge
                return False
            return self.happens(connector, "again", tag, holder=holder)
        facts = session.facts
        if facts.asked is None:
            session.facts = session.after("ask", tag)[-1]
        try:
            return self.happens(connector, "yes", tag, holder=holder) and session.holder == holder
        except BaseException:
            session.facts = facts
            raise

    def start(self, connector: int, tag: str) -> str:
        """Begin a transaction with a tag that is accepted; returns our name for it. Durable on return.

        Raises `IllegalTransition` with what has to happen before, `PayloadError` for a tag that cannot be sent, and
        `StoreFailed` if it cannot be written down: then nothing has begun, and nobody is told of anything.
        """
        session = self.session(connector)
        if allowed := self.why_not(connector, tag):
            raise IllegalTransition(session.connector.status, "start", allowed)
        self.accept(connector, tag, session.holder.parent if session.holder else None)
        if session.facts.phase != "running":
            raise IllegalTransition(session.connector.status, "start", ["repair"])
        return self.begun[connector].name

    def _write_start(self, session: ChargingSession, facts: Facts, holder: Holder | None) -> Begun:
        tag, place = facts.tag or "", session.connector
        try:
            with self.owed.first():
                reservation = self.may_use(place.number, tag, holder.parent if holder else None)[1]
                begun = self.starts.write(place, tag, reservation)
                self.kept.save(place.number, kept(session, facts, holder))
                if reservation is not None:
                    self.reservations.used(reservation)
                return begun
        except BaseException:
            place.unlock()
            raise

    def stop(self, connector: int, reason: m.Reason, id_tag: str | None = None) -> None:
        """End the transaction of a connector. Durable on return; nothing happens if there is none.

        Raises `StoreFailed` if it cannot be written down: then it goes on, the energy too, and can be stopped later.
        """
        session = self.session(connector)
        if session.facts.phase != "running":
            return
        if transaction := self.transactions.on(connector):
            self.stops.write([transaction], reason, id_tag)
        self._over(session, reason)

    def stop_all(self, reason: m.Reason) -> None:
        """End every transaction, or none: `StoreFailed` if one of them cannot be written down."""
        running = list(self.transactions)
        self.stops.write(running, reason)
        for transaction in running:
            self._over(self.session(transaction.connector), reason)

    def end(self, connector: int, reason: m.Reason) -> None:
        """End the transaction of a connector, whatever fails: its cable is out, or energy may not flow any more.

        No energy flows from now on. A stop that cannot be written down now is written as soon as it can be, with the
        instant and the meter of now; until then no transaction can begin.
        """
        session = self.session(connector)
        try:
            self.stop(connector, reason)
        except Exception as error:  # our file, or a bug of whoever tells the time
            self.stops.owe(session.connector, reason, error)
            self._over(session, reason)

    def end_all(self, reason: m.Reason) -> None:
        """End every transaction, whatever fails; see `end`."""
        for connector in self.sessions:
            self.end(connector, reason)

    def _over(self, session: ChargingSession, reason: m.Reason) -> None:
        place = session.connector
        self.begun.pop(place.number, None)
        session.facts = session.facts._replace(cable=place.cable_in)  # an end that is still in has to be pulled
        stuck = self._lets_go(reason) and not place.unlock()
        self.notice(place.number, "stop", info=EV_SIDE if reason == "EVDisconnected" else None)
        if stuck:
            place.become(place.status, error_code="ConnectorLockFailure")

    def let_go(self, connector: int) -> bool:
        """Unlock the cable; False if it stays. That the lock failed before is over then, and told so (core 4.9)."""
        place = self.session(connector).connector
        opened = place.unlock()
        if opened and place.status != "Faulted" and place.shown.error_code == "ConnectorLockFailure":
            place.become(place.status)
        return opened

    def _lets_go(self, reason: m.Reason) -> bool:
        """Whether the cable is unlocked at such an end; if not, its owner has to come and present the tag: it is not
        accepted after all (core errata 3.17), or the key says so of a car that was pulled (core 4.10)."""
        if reason == "EVDisconnected":
            return self.configuration.enabled("UnlockConnectorOnEVSideDisconnect")
        return reason != "DeAuthorized"
