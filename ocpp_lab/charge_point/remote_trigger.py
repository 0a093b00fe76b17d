"""What a charge point sends when asked to: the RemoteTrigger profile (core 5.17)."""

from __future__ import annotations

from collections.abc import Mapping

from .. import messages as m
from .connector import Connector
from .gate import Gate
from .metering import Metering
from .statuses import Statuses
from .transactions import Transactions


class RemoteTrigger:
    """TriggerMessage: the answer first, then the message."""

    def __init__(
        self,
        gate: Gate,
        connectors: Mapping[int, Connector],
        transactions: Transactions,
        metering: Metering,
        statuses: Statuses,
    ) -> None:
        self.gate = gate
        self.connectors = connectors
        self.transactions = transactions
        self.metering = metering
        self.statuses = statuses

    async def on_trigger_message(self, request: m.TriggerMessageRequest) -> m.TriggerMessageResponse:
        one = request.connector_id
        if one is not None and one not in self.connectors:
            return m.TriggerMessageResponse(status="Rejected")
        match request.requested_message:
            case "BootNotification":
                done = self._boot()
            case "Heartbeat":
                self.gate.later(self.gate.call(m.HeartbeatRequest(), triggered=True), "triggered Heartbeat")
                done = True
            case "StatusNotification":
                wanted = list(self.connectors) if one is None else [one]  # none named: all (core 5.17)
                self.gate.later(self.statuses.tell(wanted, triggered=True), "triggered StatusNotification")
                done = True
            case "MeterValues":
                done = self._sample_all([t.connector for t in self.transactions if one in (None, 0, t.connector)])
            case _:
                return m.TriggerMessageResponse(status="NotImplemented")
        return m.TriggerMessageResponse(status="Accepted" if done else "Rejected")

    def _boot(self) -> bool:
        """Once accepted, it is better not repeated on request (core errata 3.35)."""
        if self.gate.registration == "Accepted":
            return False
        self.gate.boot_now()
        return True

    def _sample_all(self, running: list[int]) -> bool:
        if running:
            self.gate.later(self._sample(running), "triggered MeterValues")
        return bool(running)

    async def _sample(self, connectors: list[int]) -> None:
        for connector in connectors:
            self.metering.sample(connector, "Trigger")
