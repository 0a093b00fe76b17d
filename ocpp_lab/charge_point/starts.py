"""`Starts`: the StartTransaction of a transaction that begins: written with it, or neither (core 4.8)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from ..codec import encode_payload
from ..messages import Request, StartTransactionRequest
from ..station.connector import Connector
from .meter_readings import MeterReadings
from .transactions import Transactions


class Begun(NamedTuple):
    """A transaction that has begun: our name for it, when, and what its meter showed (Wh)."""

    name: str
    started: datetime
    meter_start: int


class Starts:
    """``submit(request, transaction)`` hands a message to the outbox, ``new_name()`` gives a name of our own for a
    transaction, until the central system gives it an id, ``now()`` its timestamp, and writes it down."""

    def __init__(
        self,
        transactions: Transactions,
        readings: MeterReadings,
        *,
        submit: Callable[[Request[Any], str], int],
        new_name: Callable[[], str],
        now: Callable[[], datetime],
    ) -> None:
        self.transactions = transactions
        self.readings = readings
        self.submit = submit
        self.new_name = new_name
        self.now = now
        self.beside: list[Callable[[int, str, str, datetime], object]] = []
        """Told connector, name, tag and instant of every start, in the transaction of the store that writes it down, by
        whoever has something of its own to write with it."""

    def write(self, place: Connector, tag: str, reservation: int | None) -> Begun:
        """A transaction begins here; ``reservation`` is the id of the one that it uses up (core 5.13).

        To be called in a transaction of the store, together with what else belongs to it. Raises `PayloadError` for a
        tag that cannot be sent, and `StoreFailed`.
        """
        name, meter, now = self.new_name(), int(place.energy), self.now()
        request = StartTransactionRequest(
            connector_id=place.number, id_tag=tag, timestamp=now, meter_start=meter, reservation_id=reservation
        )
        encode_payload(request)  # a tag that cannot be sent leaves no trace
        self.transactions.open(name, place.number, tag, now, meter)
        self.readings.begun(name, place.number, now)
        self.submit(request, name)
        for write in self.beside:
            write(place.number, name, tag, now)
        return Begun(name, now, meter)
