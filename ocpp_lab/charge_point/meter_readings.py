"""`MeterReadings`: what is written down when a meter is read: for delivery, for the stop, and for a power cut.

Periodic readings belong to a transaction. Readings by the clock are taken at every connector, whether a transaction
runs there or not; it is named if one does (core errata 3.16). Both are transaction messages, outside a transaction too
(core 3.7). Beside that, readings are kept for the stop, as two more keys say (core 3.16).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from datetime import datetime
from typing import Any, Literal

from .. import messages as m
from ..errors import StoreFailed
from ..station.connector import Connector
from ..station.quantities import Quantity, chosen
from .configuration import Configuration
from .keys import ENERGY
from .owed import Owed
from .transaction_data import TransactionData
from .transactions import Transaction, Transactions

Due = Literal["Sample.Periodic", "Sample.Clock"]
"""Why a reading is due by itself."""

# The keys that say what such a reading tells: in MeterValues, and in the stop.
_KEYS: dict[Due, tuple[str, str]] = {
    "Sample.Periodic": ("MeterValuesSampledData", "StopTxnSampledData"),
    "Sample.Clock": ("MeterValuesAlignedData", "StopTxnAlignedData"),
}


class MeterReadings:
    """``submit(request, transaction)`` hands a reading to the outbox, ``now()`` gives its timestamp, on the disk.

    Everything that writes raises `StoreFailed` if it cannot.
    """

    def __init__(
        self,
        connectors: Mapping[int, Connector],
        transactions: Transactions,
        data: TransactionData,
        configuration: Configuration,
        owed: Owed,
        *,
        submit: Callable[[m.Request[Any], str | None], int],
        now: Callable[[], datetime],
    ) -> None:
        self.connectors = connectors
        self.transactions = transactions
        self.data = data
        self.configuration = configuration
        self.owed = owed
        self.submit = submit
        self.now = now

    def take(self, connector: int, context: Due) -> int | None:
        """Read the meter and write down what the keys for this context ask for, in MeterValues and for the stop.

        Nothing is read of a connector that is faulted, and a periodic reading needs a transaction. Returns the key of
        the MeterValues in the outbox, if there is one. Raises `StoreFailed` if nothing can be written.
        """
        place = self.connectors[connector]
        if place.status == "Faulted":
            return None
        shown = place.meter.read()
        live, stop = (self.configuration[key] for key in _KEYS[context])
        with self.owed.first():
            transaction = self.transactions.on(connector)
            if transaction is None:
                told = chosen(shown, live) if context == "Sample.Clock" else []
                return self._submit(connector, self.now(), told, context, None) if told else None
            now, _ = self.read(transaction)
            if kept := chosen(shown, stop):
                reading = meter_value(now, kept, context)
                self.data.keep(transaction.name, context, reading, self._most_between)
            return self._submit(connector, now, chosen(shown, live), context, transaction.name)

    def sample(self, connector: int, context: m.ReadingContext) -> int | None:
        """Read the meter of a running transaction now, and write it down for delivery; nothing happens if none runs.

        It tells what MeterValuesSampledData asks for. Returns its key in the outbox. Raises `StoreFailed` if it cannot
        be written.
        """
        with self.owed.first():
            transaction = self.transactions.on(connector)
            if transaction is None:
                return None
            now, _ = self.read(transaction)
            return self._submit(connector, now, self.current(connector), context, transaction.name)

    def current(self, connector: int) -> list[Quantity]:
        """What the meter shows now of that which MeterValuesSampledData asks for."""
        return chosen(self.connectors[connector].meter.read(), self.configuration["MeterValuesSampledData"])

    def triggered(self, connector: int, transaction_id: int | None) -> m.MeterValuesRequest | None:
        """The reading of now, for whoever asked (core errata 3.46), if there is anything to read.

        It is not written down: a stale one serves nobody.
        """
        shown = self.current(connector)
        if not shown:
            return None
        reading = meter_value(self.now(), shown, "Trigger")
        return m.MeterValuesRequest(connector_id=connector, transaction_id=transaction_id, meter_value=[reading])

    def _submit(
        self,
        connector: int,
        at: datetime,
        told: list[Quantity],
        context: m.ReadingContext,
        transaction: str | None,
    ) -> int | None:
        if not told:
            return None
        request = m.MeterValuesRequest(
            connector_id=connector,
            transaction_id=None if transaction is None else -1,  # the real id is put in when it is sent
            meter_value=[meter_value(at, told, context)],
        )
        return self.submit(request, transaction)

    def read(self, transaction: Transaction) -> tuple[datetime, int]:
        """Read the meter (Wh) and write down what a power cut would leave us with."""
        with self.transactions.together():
            now, energy = self.now(), self.connectors[transaction.connector].energy
            self.transactions.save_register(transaction.connector, energy)
            self.transactions.read(transaction.name, now, int(energy))
        return now, int(energy)

    def read_all(self, watched: Container[int]) -> None:
        """The last readings of these connectors before the power goes.

        All are tried; then `StoreFailed` if one could not be written.
        """
        failed: StoreFailed | None = None
        for transaction in list(self.transactions):
            if transaction.connector in watched:
                try:
                    self.read(transaction)
                except StoreFailed as error:
                    failed = error
        if failed:
            raise failed

    # -- for the stop

    def begun(self, name: str, connector: int, at: datetime) -> None:
        """A transaction begins: the first reading that its stop will tell. Belongs together with its start."""
        if first := chosen(self.connectors[connector].meter.read(), self._wanted_at_stop):
            self.data.keep(name, "Transaction.Begin", meter_value(at, first, "Transaction.Begin"), self._most_between)

    def transaction_data(
        self, transaction: Transaction, at: datetime, shown: list[Quantity] | None = None
    ) -> list[m.MeterValue] | None:
        """What the stop of a transaction tells: the readings of its start, of the time between, and of its end.

        ``shown`` is what the meter showed at the end (by default, now). None if no key asks for any (core 3.16.5).
        """
        wanted = self._wanted_at_stop
        if not wanted:
            return None
        shown = self.connectors[transaction.connector].meter.read() if shown is None else shown
        readings = self.data.of(transaction.name)
        if not readings or readings[0].sampled_value[0].context != "Transaction.Begin":  # nobody asked for it then
            first = chosen([Quantity(ENERGY, transaction.meter_start)], wanted)
            readings[:0] = [meter_value(transaction.started, first, "Transaction.Begin")] if first else []
        if last := chosen(shown, wanted):
            readings.append(meter_value(at, last, "Transaction.End"))
        return readings or None

    @property
    def _wanted_at_stop(self) -> str:
        lists = (self.configuration[stop] for _, stop in _KEYS.values())
        return ",".join(each for each in lists if each.strip())

    @property
    def _most_between(self) -> int:
        return self.configuration.number("StopTransactionMaxMeterValues") - 2


def meter_value(at: datetime, shown: list[Quantity], context: m.ReadingContext) -> m.MeterValue:
    """What a meter showed at an instant, as it is told."""
    return m.MeterValue(
        timestamp=at,
        sampled_value=[
            m.SampledValue(
                value=each.text,
                context=context,
                measurand=each.measurand,
                phase=each.phase,
                unit=each.unit,
            )
            for each in shown
        ],
    )


def register_only(energy: float) -> list[Quantity]:
    """What is known of a meter whose power went: its register (Wh)."""
    return [Quantity(ENERGY, energy)]
