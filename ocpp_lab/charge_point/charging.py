"""`Charging`: from plug to invoice: what a driver does, and what became of the messages (core 3.6, 4.8, 4.10).

What happens to the connection is no business of ours. Written first, then done: a start or a stop that cannot be
written down has not happened, and whoever wanted it is told no. What nobody can refuse is done all the same, and what
could not be written is owed.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from .. import messages as m
from ..errors import IllegalTransition, StoreFailed
from ..outbox import Entry
from ..station.car import Car
from ..station.charging_session import EV_SIDE, ChargingSession, Holder
from ..station.connector import Connector
from ..station.facts import Facts, follow
from ..transaction_ids import TransactionIds
from .allowance import Allowance
from .bays import Bays
from .kept_sessions import STATION, KeptSession
from .owed import Owed
from .reader import Reader
from .starts import Begun
from .transactions import Transaction

log = logging.getLogger(__name__)

WARNINGS: frozenset[m.ChargePointErrorCode] = frozenset(
    ("EVCommunicationError", "LocalListConflict", "ReaderFailure", "ResetFailure", "WeakSignal")
)
"""Errors with which a connector can still charge: the status stays, and the error goes with it (core 4.9)."""


class Charging:
    """The driver's side of a charge point.

    Whatever writes raises `StoreFailed` if it cannot; ValueError if there is no such connector.
    """

    def __init__(self, bays: Bays, reader: Reader, transaction_ids: TransactionIds, allowance: Allowance) -> None:
        self.bays = bays
        self.reader = reader
        self.transaction_ids = transaction_ids
        self.allowance = allowance
        self.connectors = bays.connectors
        self.transactions = bays.transactions
        self.configuration = bays.configuration
        self.authorizer = reader.authorizer
        self.start, self.stop, self.stop_all = bays.start, bays.stop, bays.stop_all
        self.end, self.end_all, self.offer = bays.end, bays.end_all, bays.offer
        self.changed = bays.changed
        """Set whenever anything changes that `runs` or a status says; whoever waits for it clears it."""

    @property
    def owed(self) -> Owed:
        """What could not be written yet."""
        return self.bays.owed

    # -- the driver

    def plug_in(self, connector: int, car: Car | None = None) -> None:
        """A cable is plugged in. Raises `IllegalTransition` if there is one already."""
        session = self.bays.session(connector)
        place = session.connector
        if place.car is not None:
            raise IllegalTransition(place.status, "plug in", ["unplug"])
        place.plug(car or Car())
        self.bays.notice(connector, "plug")
        if session.facts.phase == "running":
            self.bays.notice(connector, "car pauses" if place.full else "car goes on")
        self.reader.cable_in(connector)

    async def present(self, connector: int, id_tag: str) -> m.AuthorizationStatus:
        """A tag is held to the reader, 0 being the one of all connectors; see `Reader.present`.

        "Invalid" also tells the driver that our own file failed. Nothing has changed then: no transaction began, or
        the one that should end goes on.
        """
        try:
            return await self.reader.present(connector, id_tag)
        except StoreFailed:
            log.exception("! connector %d: the driver was told no: our own file failed", connector)
            return "Invalid"

    async def authorize(self, id_tag: str) -> m.AuthorizationStatus:
        """May this tag charge? See `Authorizer.ask`."""
        return (await self.authorizer.ask(id_tag)).status

    def unplug(self, connector: int) -> None:
        """The cable is pulled from the car, and out of our socket unless it is locked there.

        It ends the transaction, or only pauses it (StopTransactionOnEVSideDisconnect). It cannot be refused: whatever
        fails, no energy flows and the car is gone; see `Bays.end`.
        """
        session = self.bays.session(connector)
        place, running = session.connector, session.facts.phase == "running"
        if running and self.configuration.enabled("StopTransactionOnEVSideDisconnect"):
            self.bays.end(connector, "EVDisconnected")
            running = False
        place.pull()
        if running or not place.cable_in:
            self.bays.notice(connector, "unplug", info=EV_SIDE if running else None)

    def fault(
        self, connector: int, error_code: m.ChargePointErrorCode = "GroundFailure", info: str | None = None
    ) -> None:
        """Something breaks; what is only a warning is told, and changes no status (core 4.9, 7.6)."""
        place = self.connectors[connector]
        if error_code in WARNINGS:
            if connector and error_code == "EVCommunicationError" and place.in_use:
                self.bays.pause(connector, error_code)
            place.become(place.status, error_code=error_code, info=info)
        elif connector:
            self.bays.break_down(connector, error_code, info)
        else:
            place.become("Faulted", error_code=error_code, info=info)

    def clear_fault(self, connector: int) -> None:
        """It is repaired: the status is what it was before (core 4.9, I1 to I8)."""
        place = self.connectors[connector]
        if connector:
            self.bays.sessions[connector].go_on("EVCommunicationError")
            self.bays.notice(connector, "repaired")
        elif place.status == "Faulted":
            place.become("Available" if place.operative else "Unavailable")
        place.become(place.status)

    def jam_lock(self, connector: int, jammed: bool = True) -> None:
        """The lock stays as it is, whatever it is told; or it moves again."""
        self.bays.session(connector).connector.jammed = jammed

    def unlock(self, connector: int) -> bool:
        """Let the cable go, after the end of its transaction (core 5.18). False if the lock does not open, or does not
        move, even where it holds nothing: the mechanism has failed (core 7.46)."""
        self.bays.stop(connector, "UnlockCommand")
        return self.bays.let_go(connector) and not self.connectors[connector].jammed

    def set_free(self, connector: int) -> bool:
        """Nobody came in time; False if somebody is still being asked about."""
        session = self.bays.session(connector)
        before = session.facts
        self.bays.notice(connector, "timeout")
        return session.facts != before

    # -- transactions

    def may_start(self, connector: int) -> bool:
        """Whether a transaction can start here now."""
        return not self.bays.why_not(connector)

    def runs(self, connector: int) -> tuple[int | None, datetime] | None:
        """The transaction of a connector: its id, None while the central system has not given it, and its start."""
        begun = self.bays.begun.get(connector)
        return (self.transaction_ids.get(begun.name), begun.started) if begun else None

    def sample(self, connector: int, context: m.ReadingContext) -> None:
        """Read the meter of a running transaction now; see `MeterReadings.sample`."""
        self.bays.metering.readings.sample(connector, context)

    # -- after a power cut

    def recover(self, queued: list[Entry], *, resume: bool) -> None:
        """After a power cut: go on with the transactions that ran, or close them with their newest reading; and with
        who waited, and the cables that are in.

        ``queued`` are the messages that still wait in the outbox. What cannot be written down now is owed. Raises
        `StoreFailed` if the file cannot be read.
        """
        waiting = {(entry.transaction, entry.request.action) for entry in queued}
        rows = self.bays.kept.read()
        resumed: dict[int, Transaction] = {}
        for transaction in list(self.transactions):
            name = transaction.name
            started = (name, "StartTransaction") in waiting or self.transaction_ids.get(name) is not None
            if (name, "StopTransaction") in waiting or not started:  # its stop is written down; or its start never was
                self.bays.stops.strike_out(transaction)
            elif resume and transaction.connector in self.connectors:
                resumed[transaction.connector] = transaction
            else:
                self.bays.stops.close(transaction)
        for number, session in self.bays.sessions.items():
            row = rows.get(number, KeptSession())
            if ran := resumed.get(number):
                self._resume(session, ran, rows.get(number))
            else:
                self._return(session, row)
        if holder := rows.get(STATION, KeptSession()).holder:
            self.reader.recover(holder)

    def _resume(self, session: ChargingSession, transaction: Transaction, row: KeptSession | None) -> None:
        """A file of an earlier edition says nothing of the cable: it was in."""
        place = session.connector
        _put_back(place, row or KeptSession(end_in=True, car=True))
        place.locked = place.end_in
        session.holder = row.holder if row and row.holder else Holder(transaction.id_tag)
        tag, operative = transaction.id_tag, session.facts.operative
        self.bays.begun[place.number] = Begun(transaction.name, transaction.started, transaction.meter_start)
        self.bays.resume(session, Facts("running", place.car is not None, tag, operative=operative))
        if row and row.denied:
            self.allowance.deny(session, row.denied)

    def _return(self, session: ChargingSession, row: KeptSession) -> None:
        place = session.connector
        _put_back(place, row)
        session.holder = row.holder
        tag = row.tag if row.phase == "begun" and not place.cable_in else None
        self.bays.resume(session, follow(session.facts._replace(phase=row.phase, cable=place.cable_in, tag=tag))[-1])

    # -- answers to what the outbox sent

    def answered(self, entry: Entry, response: Any) -> None:
        """The central system answered a transaction message."""
        match response:
            case m.StartTransactionResponse():
                self._learn_tag(entry, response.id_tag_info)
                if entry.transaction:
                    self.transaction_ids.learn(entry.transaction, response.transaction_id)
                    self._start_answered(entry.transaction, response.id_tag_info)
            case m.StopTransactionResponse(id_tag_info=m.IdTagInfo() as info):
                self._learn_tag(entry, info)

    def _learn_tag(self, entry: Entry, info: m.IdTagInfo) -> None:
        match entry.request:
            case m.StartTransactionRequest(id_tag=str(id_tag)) | m.StopTransactionRequest(id_tag=str(id_tag)):
                self.authorizer.learn(id_tag, info)

    def given_up(self, entry: Entry) -> None:
        """The central system refused a transaction message too often."""
        if isinstance(entry.request, m.StartTransactionRequest) and entry.transaction:
            self.transaction_ids.give_up(entry.transaction)
            self.changed.set()

    def _start_answered(self, name: str, info: m.IdTagInfo) -> None:
        """It has its id now, a group perhaps, or its tag is not accepted after all (core errata 3.17)."""
        running = next((number for number, begun in self.bays.begun.items() if begun.name == name), None)
        self.changed.set()
        if running is None:
            return
        session = self.bays.sessions[running]
        self.bays.learn_group(session, info.parent_id_tag)
        if info.status != "Accepted":
            self.allowance.deny(session, info.status)


def _put_back(place: Connector, row: KeptSession) -> None:
    """The cable is as the power cut left it. Nobody knows the car at its end any more."""
    place.car = Car() if row.car else None
    place.end_in, place.locked = row.end_in and place.cable == "socket", row.locked
