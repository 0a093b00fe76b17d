"""`Metering`: reads the meters of running transactions and writes down what they show (core 4.7)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from .. import messages as m
from ..errors import StoreFailed
from ..station.connector import Connector
from .chores import Chores
from .configuration import Configuration
from .keys import ENERGY
from .owed import Owed
from .transactions import Transaction, Transactions

log = logging.getLogger(__name__)


class Metering:
    """A reading every MeterValueSampleInterval seconds for each transaction that runs, and one whenever asked.

    One that cannot be written down is missed, and the next is tried at its time: a meter never stops being read.

    ``submit(request, transaction)`` hands a reading to the outbox; ``now()`` gives its timestamp, and writes it down.
    """

    def __init__(
        self,
        connectors: Mapping[int, Connector],
        transactions: Transactions,
        configuration: Configuration,
        chores: Chores,
        owed: Owed,
        *,
        submit: Callable[[m.Request[Any], str], int],
        now: Callable[[], datetime],
    ) -> None:
        self.connectors = connectors
        self.transactions = transactions
        self.configuration = configuration
        self.chores = chores
        self.owed = owed
        self.submit = submit
        self.now = now
        self.full: Callable[[int], None] = lambda connector: None
        """Told the connector whose car takes no more; set by whoever follows the session."""
        self.missed = 0
        """Readings at intervals that could not be written down in this life; each is a gap in a curve."""
        self._meters: dict[int, asyncio.Task[None]] = {}
        """By connector, what reads its meter while a transaction runs there; begun by `watch`, ended by `leave`."""
        self._due: dict[int, float] = {}  # by connector, when (loop time) the next reading is due

    def watch(self, connector: int) -> None:
        """From now on, a reading at every interval."""
        self.leave(connector)
        interval = self.configuration.seconds("MeterValueSampleInterval")
        self._due[connector] = asyncio.get_running_loop().time() + interval
        self._read_on(connector)

    def _read_on(self, connector: int) -> None:
        self._meters[connector] = self.chores.start(self._keep_reading(connector), f"meter {connector}")

    def watches(self, connector: int) -> bool:
        """Whether there are readings at intervals."""
        return connector in self._meters

    def power_changed(self, connector: int) -> None:
        """Another power flows: the car will be full at another time."""
        if meter := self._meters.pop(connector, None):
            meter.cancel()
            self._read_on(connector)

    def leave(self, connector: int) -> None:
        """No more readings at intervals."""
        if meter := self._meters.pop(connector, None):
            meter.cancel()

    def new_interval(self) -> None:
        """MeterValueSampleInterval was changed: count from now."""
        for connector in list(self._meters):
            self.watch(connector)

    async def _keep_reading(self, connector: int) -> None:
        """A reading every MeterValueSampleInterval seconds, and the status when the car is full."""
        interval = self.configuration.seconds("MeterValueSampleInterval")
        place = self.connectors[connector]
        loop = asyncio.get_running_loop()
        while True:
            full = place.seconds_to_full
            wait = [self._due[connector] - loop.time()] if interval > 0 else []
            if full is not None:
                wait.append(full)
            if not wait:
                return
            await asyncio.sleep(max(min(wait), 0.0))
            if place.full and place.status == "Charging":
                self.full(connector)
            if interval > 0 and loop.time() >= self._due[connector] - 1e-9:
                self._due[connector] += interval
                self._try_to_sample(connector)

    def _try_to_sample(self, connector: int) -> None:
        try:
            self.sample(connector, "Sample.Periodic")
        except Exception:  # a full disk, or a bug of whoever tells the time
            self.missed += 1
            log.exception("! connector %d: a reading was missed", connector)

    def sample(self, connector: int, context: m.ReadingContext) -> int | None:
        """Read the meter of a running transaction and write the reading down; nothing happens if none runs.

        Returns its key in the outbox. Raises `StoreFailed` if it cannot be written.
        """
        transaction = self.transactions.on(connector)
        if transaction is None:
            return None
        with self.owed.first():
            now, energy = self.read(transaction)
            value = m.SampledValue(value=str(energy), context=context, measurand=ENERGY, unit="Wh")
            reading = m.MeterValue(timestamp=now, sampled_value=[value])
            request = m.MeterValuesRequest(connector_id=connector, transaction_id=-1, meter_value=[reading])
            return self.submit(request, transaction.name)

    def read(self, transaction: Transaction) -> tuple[datetime, int]:
        """Read the meter (Wh) and write down what a power cut would leave us with."""
        with self.transactions.together():
            now, energy = self.now(), self.connectors[transaction.connector].energy
            self.transactions.save_register(transaction.connector, energy)
            self.transactions.read(transaction.name, now, int(energy))
        return now, int(energy)

    def read_all(self) -> None:
        """The last readings before the power goes. All are tried; then `StoreFailed` if one could not be written."""
        failed: StoreFailed | None = None
        for transaction in list(self.transactions):
            if transaction.connector in self._meters:
                try:
                    self.read(transaction)
                except StoreFailed as error:
                    failed = error
        if failed:
            raise failed
