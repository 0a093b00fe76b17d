"""`Stops`: the StopTransaction of a transaction that ends: written now, or owed until the file can be written."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from ..errors import StoreFailed
from ..messages import Reason, Request, StopTransactionRequest
from ..station.connector import Connector
from ..station.quantities import Quantity
from .meter_readings import MeterReadings, register_only
from .owed import Owed
from .transactions import Transaction, Transactions

log = logging.getLogger(__name__)


class Stops:
    """``submit(request, transaction)`` hands a message to the outbox; ``now()`` gives its timestamp."""

    def __init__(
        self,
        transactions: Transactions,
        readings: MeterReadings,
        owed: Owed,
        *,
        submit: Callable[[Request[Any], str], int],
        now: Callable[[], datetime],
    ) -> None:
        self.transactions = transactions
        self.readings = readings
        self.owed = owed
        self.submit = submit
        self.now = now

    def write(self, transactions: Sequence[Transaction], reason: Reason, id_tag: str | None = None) -> None:
        """End all of these, with what their meters show, or none: `StoreFailed` if one cannot be written."""
        with self.owed.first():
            for transaction in transactions:
                now, energy = self.readings.read(transaction)
                self._write(transaction, now, energy, reason, id_tag)

    def owe(self, place: Connector, reason: Reason, why: Exception) -> None:
        """What runs on this connector ends here and now, and could not be written because of ``why``."""
        shown = place.meter.read()
        late = partial(self._write_late, place, self._instant(), int(place.energy), reason, shown)
        self.owed.add(place.number, late, why)

    def close(self, transaction: Transaction) -> None:
        """The power went while it ran: it ended with its newest reading (core 4.10)."""
        shown = register_only(transaction.meter_seen)
        end = partial(self._write, transaction, transaction.seen, transaction.meter_seen, "PowerLoss", None, shown)
        self._write_or_owe(transaction, end)

    def strike_out(self, transaction: Transaction) -> None:
        """Its stop is written down, or its start never was."""
        self._write_or_owe(transaction, partial(self.transactions.strike_out, transaction.name))

    def _write_or_owe(self, transaction: Transaction, write: Callable[[], None]) -> None:
        try:
            with self.owed.first():
                write()
        except StoreFailed as error:
            self.owed.add(transaction.connector, write, error)

    def _write_late(
        self, place: Connector, at: datetime | None, meter: int, reason: Reason, shown: list[Quantity]
    ) -> None:
        """Of whatever the file has on this connector. ``at`` is None if nobody could tell the time then."""
        if transaction := self.transactions.left(place.number):
            self.transactions.save_register(place.number, place.energy)
            late = self.now()  # with it is written down which timestamps were given while nothing could be
            self._write(transaction, at or late, meter, reason, None, shown)

    def _write(
        self,
        transaction: Transaction,
        at: datetime,
        meter: int,
        reason: Reason,
        id_tag: str | None,
        shown: list[Quantity] | None = None,
    ) -> None:
        """``shown`` is what the meter showed at the end; by default, now."""
        request = StopTransactionRequest(
            transaction_id=-1,  # the real id is put in when it is sent
            timestamp=at,
            meter_stop=meter,
            reason=reason,
            id_tag=id_tag,
            transaction_data=self.readings.transaction_data(transaction, at, shown),
        )
        self.submit(request, transaction.name)
        self.transactions.strike_out(transaction.name)

    def _instant(self) -> datetime | None:
        try:
            return self.now()
        except Exception:
            log.exception("! nobody tells the time")
            return None
