"""`Charging`: from plug to invoice: plug in, authorise, start, meter, stop, unplug (core 3.6, 4.8, 4.10).

Every message of a transaction goes through the outbox, online or not. What happens to the connection is no business of
ours. Written first, then done: a start or a stop that cannot be written down has not happened, and whoever wanted it is
told no. What nobody can refuse (`Charging.end`) is done all the same, and what could not be written is owed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from .. import messages as m
from ..codec import encode_payload
from ..errors import IllegalTransition, StoreFailed
from ..outbox import Entry
from ..station.connector import Car, Connector
from ..transaction_ids import TransactionIds
from .authorization import Authorizer
from .configuration import Configuration
from .metering import Metering
from .owed import Owed
from .stops import Stops
from .transactions import Transaction, Transactions

log = logging.getLogger(__name__)


class Charging:
    """The driver's side of a charge point.

    ``submit(request, transaction)`` hands a message to the outbox, ``new_name()`` gives a name of our own for a
    transaction, until the central system gives it an id, ``now()`` the timestamp of a start, and writes it down.
    Whatever writes raises `StoreFailed` if it cannot; ValueError if there is no such connector.
    """

    def __init__(
        self,
        connectors: Mapping[int, Connector],
        transactions: Transactions,
        transaction_ids: TransactionIds,
        configuration: Configuration,
        authorizer: Authorizer,
        metering: Metering,
        stops: Stops,
        owed: Owed,
        *,
        submit: Callable[[m.Request[Any], str], int],
        new_name: Callable[[], str],
        now: Callable[[], datetime],
    ) -> None:
        self.connectors = connectors
        self.transactions = transactions
        self.transaction_ids = transaction_ids
        self.configuration = configuration
        self.authorizer = authorizer
        self.metering = metering
        self.stops = stops
        self.owed = owed
        self.submit = submit
        self.new_name = new_name
        self.now = now

    # -- the driver

    def plug_in(self, connector: int, car: Car | None = None) -> None:
        """A cable is plugged in. Raises `IllegalTransition` if this connector takes none now."""
        place = self._connector(connector)
        goes_on = place.in_use and place.car is None  # see `unplug`
        if not goes_on and (place.car or place.status not in ("Available", "Reserved")):
            raise IllegalTransition(place.status, "plug in", ["unplug"] if place.car else [])
        place.car = car or Car()
        if not goes_on:
            place.become("Preparing")
        elif place.status == "SuspendedEV":
            place.become("Charging")
            self._let_flow(place)

    async def present(self, connector: int, id_tag: str) -> m.AuthorizationStatus:
        """A tag is held to the reader: starts a transaction, or stops the one that this tag started.

        "Invalid" also tells the driver that our own file failed. Nothing has changed then: no transaction began, or
        the one that should end goes on.
        """
        try:
            return await self._present(connector, id_tag)
        except StoreFailed:
            log.exception("! connector %d: the driver was told no: our own file failed", connector)
            return "Invalid"

    async def _present(self, connector: int, id_tag: str) -> m.AuthorizationStatus:
        running = self.transactions.on(connector)
        if running and running.id_tag.casefold() == id_tag.casefold():
            self.stop(connector, "Local", id_tag)
            return "Accepted"
        status = await self.authorizer.authorize(id_tag)
        if status == "Accepted" and self.may_start(connector):  # asked now: the answer took its time
            self.start(connector, id_tag)
        return status

    async def authorize(self, id_tag: str) -> m.AuthorizationStatus:
        """May this tag charge? See `Authorizer.authorize`."""
        return await self.authorizer.authorize(id_tag)

    def unplug(self, connector: int) -> None:
        """The cable is pulled: ends the transaction, or only pauses it (StopTransactionOnEVSideDisconnect).

        It cannot be refused: whatever fails, no energy flows and the car is gone; see `end`.
        """
        place = self._connector(connector)
        if self.configuration.enabled("StopTransactionOnEVSideDisconnect"):
            self.end(connector, "EVDisconnected")
        place.open_contactor()
        place.car = None
        if place.in_use:
            if place.status == "Charging":
                place.become("SuspendedEV")
        elif place.status not in ("Unavailable", "Faulted"):
            self.set_free(connector)

    def set_free(self, connector: int) -> None:
        """Available, or Unavailable if that was commanded meanwhile (core 5.2)."""
        place = self._connector(connector)
        if place.operative or place.status == "Preparing":  # from which no edge leads to Unavailable (core 4.9)
            place.become("Available")
        if not place.operative:
            place.become("Unavailable")

    # -- transactions

    def may_start(self, connector: int) -> bool:
        """Whether a transaction can start here now."""
        return not self._why_not(connector)

    def start(self, connector: int, id_tag: str) -> str:
        """Begin a transaction; returns our name for it. Durable on return.

        Raises `IllegalTransition` with what has to happen before, `PayloadError` for a tag that cannot be sent, and
        `StoreFailed` if it cannot be written down: then nothing has begun, and nobody is told of anything.
        """
        place = self._connector(connector)
        if allowed := self._why_not(connector):
            raise IllegalTransition(place.status, "start", allowed)
        name, meter = self.new_name(), int(place.energy)
        with self.owed.first():
            now = self.now()
            request = m.StartTransactionRequest(connector_id=connector, id_tag=id_tag, timestamp=now, meter_start=meter)
            encode_payload(request)  # a tag that cannot be sent leaves no trace
            self.transactions.open(name, connector, id_tag, now, meter)
            self.metering.readings.begun(name, connector, now)
            self.submit(request, name)
        if place.status == "Finishing":
            place.become("Preparing")  # again, without a new plug (core 4.9, F2)
        place.become("Charging")
        self._let_flow(place)
        return name

    def _why_not(self, connector: int) -> list[str]:
        """What has to happen before a transaction can start here; nothing if it can."""
        place = self._connector(connector)
        if self.transactions.on(connector):
            return ["stop"]
        if place.status in ("Unavailable", "Faulted"):
            return ["Available"]
        return [] if place.car else ["plug in"]

    def stop(self, connector: int, reason: m.Reason, id_tag: str | None = None) -> None:
        """End the transaction of a connector. Durable on return; nothing happens if there is none.

        Raises `StoreFailed` if it cannot be written down: then it goes on, the energy too, and can be stopped later.
        """
        self._connector(connector)
        transaction = self.transactions.on(connector)
        if transaction is None:
            return
        self.stops.write([transaction], reason, id_tag)
        self._over(connector)

    def stop_all(self, reason: m.Reason) -> None:
        """End every transaction, or none: `StoreFailed` if one of them cannot be written down."""
        running = list(self.transactions)
        self.stops.write(running, reason)
        for transaction in running:
            self._over(transaction.connector)

    def end(self, connector: int, reason: m.Reason) -> None:
        """End the transaction of a connector, whatever fails: its cable is out, or energy may not flow any more.

        No energy flows from now on. A stop that cannot be written down now is written as soon as it can be, with the
        instant and the meter of now; until then no transaction can begin.
        """
        place = self._connector(connector)
        try:
            self.stop(connector, reason)
        except Exception as error:  # our file, or a bug of whoever tells the time
            self.stops.owe(place, reason, error)
            self._over(connector)

    def end_all(self, reason: m.Reason) -> None:
        """End every transaction, whatever fails; see `end`."""
        for connector in self.connectors:
            if connector:
                self.end(connector, reason)

    def _over(self, connector: int) -> None:
        place = self._connector(connector)
        self.metering.leave(connector)
        place.open_contactor()
        if place.in_use:
            place.become("Finishing")

    def sample(self, connector: int, context: m.ReadingContext) -> None:
        """Read the meter of a running transaction now; see `MeterReadings.sample`."""
        self.metering.readings.sample(connector, context)

    def recover(self, queued: list[Entry], *, resume: bool) -> None:
        """After a power cut: go on with the transactions that ran, or close them with their newest reading.

        ``queued`` are the messages that still wait in the outbox. What cannot be written down now is owed. Raises
        `StoreFailed` if the file cannot be read.
        """
        waiting = {(entry.transaction, entry.request.action) for entry in queued}
        for transaction in list(self.transactions):
            name = transaction.name
            started = (name, "StartTransaction") in waiting or self.transaction_ids.get(name) is not None
            if (name, "StopTransaction") in waiting or not started:  # its stop is written down; or its start never was
                self.stops.strike_out(transaction)
            elif resume and transaction.connector in self.connectors:
                self._resume(transaction)
            else:
                self.stops.close(transaction)

    def _resume(self, transaction: Transaction) -> None:
        place = self._connector(transaction.connector)
        place.car = place.car or Car()
        place.become("Charging")
        self._let_flow(place, transaction.started)

    def _let_flow(self, place: Connector, started: datetime | None = None) -> None:
        place.close_contactor()
        self.metering.watch(place.number, started)

    # -- answers to what the outbox sent

    def answered(self, entry: Entry, response: Any) -> None:
        """The central system answered a transaction message."""
        match response:
            case m.StartTransactionResponse():
                self._learn_tag(entry, response.id_tag_info)
                if entry.transaction:
                    self.transaction_ids.learn(entry.transaction, response.transaction_id)
                    if response.id_tag_info.status != "Accepted":
                        self._deauthorize(entry.transaction)
            case m.StopTransactionResponse(id_tag_info=m.IdTagInfo() as info):
                self._learn_tag(entry, info)

    def _learn_tag(self, entry: Entry, info: m.IdTagInfo) -> None:
        match entry.request:
            case m.StartTransactionRequest(id_tag=str(id_tag)) | m.StopTransactionRequest(id_tag=str(id_tag)):
                self.authorizer.cache.learn(id_tag, info)

    def given_up(self, entry: Entry) -> None:
        """The central system refused a transaction message too often."""
        if isinstance(entry.request, m.StartTransactionRequest) and entry.transaction:
            self.transaction_ids.give_up(entry.transaction)

    def _deauthorize(self, name: str) -> None:
        """The tag is not accepted after all: end it, or only cut the energy (core 4.8, StopTransactionOnInvalidId)."""
        running = next((t for t in self.transactions if t.name == name), None)
        if running is None:
            return
        if self.configuration.enabled("StopTransactionOnInvalidId"):
            self.end(running.connector, "DeAuthorized")
        else:
            place = self._connector(running.connector)
            place.open_contactor()
            place.become("SuspendedEVSE")

    def _connector(self, number: int) -> Connector:
        if number == 0 or number not in self.connectors:
            raise ValueError(f"expected a connector from 1 to {len(self.connectors) - 1}, came {number}")
        return self.connectors[number]
