"""What a charge point sends when asked to: the RemoteTrigger profile (core 5.17)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from .. import messages as m
from ..station.connector import Connector
from ..transaction_ids import TransactionIds
from .errands import Work
from .gate import Gate
from .meter_readings import MeterReadings
from .or_else import or_else
from .statuses import Statuses
from .transactions import Transactions


class RemoteTrigger:
    """TriggerMessage: the answer first, then the message.

    What is triggered again before it was sent is Accepted and sent once: one message tells the current state to all who
    asked (core 5.17). ``waits(key)`` says whether a message in the outbox is still to be delivered. ``file_jobs``
    tell, by its action, the status of a job with files.
    """

    def __init__(
        self,
        gate: Gate,
        connectors: Mapping[int, Connector],
        transactions: Transactions,
        transaction_ids: TransactionIds,
        readings: MeterReadings,
        statuses: Statuses,
        *,
        waits: Callable[[int], bool],
        file_jobs: Mapping[str, Work],
    ) -> None:
        self.gate = gate
        self.connectors = connectors
        self.transactions = transactions
        self.transaction_ids = transaction_ids
        self.readings = readings
        self.statuses = statuses
        self.waits = waits
        self.file_jobs = file_jobs
        self._sampled: dict[int, int] = {}
        """By connector, the key of the newest reading that was triggered; set by `_write_reading`."""

    @or_else(m.TriggerMessageResponse(status="Rejected"))
    async def on_trigger_message(self, request: m.TriggerMessageRequest) -> m.TriggerMessageResponse:
        """A connector that does not matter to the message is not looked at (core 5.17)."""
        one = request.connector_id
        match request.requested_message:
            case "BootNotification":
                done = self._boot()
            case "Heartbeat":
                beat = partial(self.gate.call, m.HeartbeatRequest(), triggered=True)
                self.gate.once("triggered Heartbeat", beat)
                done = True
            case "StatusNotification":
                # None named: all (core 5.17).
                done = self._tell([number for number in self.connectors if one in (None, number)])
            case "MeterValues":
                # None named: all. There is no main meter that 0 could mean, so it means all too.
                named = [number for number in self.connectors if number and one in (None, 0, number)]
                done = self._read([number for number in named if self.readings.current(number)])
            case "DiagnosticsStatusNotification" | "FirmwareStatusNotification" as wanted:
                self.gate.once(f"triggered {wanted}", self.file_jobs[wanted])
                done = True
        return m.TriggerMessageResponse(status="Accepted" if done else "Rejected")

    def _boot(self) -> bool:
        """Once accepted, it is better not repeated on request (core errata 3.35)."""
        if self.gate.registration == "Accepted":
            return False
        self.gate.boot_now()
        return True

    def _tell(self, connectors: list[int]) -> bool:
        for connector in connectors:
            tell = partial(self.statuses.tell, [connector], triggered=True)
            self.gate.once(f"triggered StatusNotification {connector}", tell)
        return bool(connectors)

    def _read(self, connectors: list[int]) -> bool:
        """A reading of a transaction takes its place in the outbox; any other is sent as soon as possible.

        So is that of a transaction while the boot is Pending: the outbox waits then, a triggered message need not (core
        4.2).
        """
        for connector in connectors:
            if self.gate.registration == "Accepted" and self.transactions.on(connector):
                self._write_reading(connector)
            else:
                self.gate.once(f"triggered MeterValues {connector}", partial(self._send_reading, connector))
        return bool(connectors)

    def _write_reading(self, connector: int) -> None:
        newest = self._sampled.get(connector)
        if newest is None or not self.waits(newest):
            key = self.readings.sample(connector, "Trigger")
            if key is not None:
                self._sampled[connector] = key

    async def _send_reading(self, connector: int) -> None:
        running = self.transactions.on(connector)
        transaction_id = self.transaction_ids.get(running.name) if running else None
        if request := self.readings.triggered(connector, transaction_id):
            await self.gate.call(request, triggered=True)
