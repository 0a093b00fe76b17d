"""What a charge point sends when asked to: the RemoteTrigger profile (core 5.17)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from .. import messages as m
from ..station.connector import Connector
from .gate import Gate
from .metering import Metering
from .or_else import or_else
from .statuses import Statuses
from .transactions import Transactions


class RemoteTrigger:
    """TriggerMessage: the answer first, then the message.

    What is triggered again before it was sent is Accepted and sent once: one message tells the current state to all who
    asked (core 5.17). ``waits(key)`` says whether a message in the outbox is still to be delivered.
    """

    def __init__(
        self,
        gate: Gate,
        connectors: Mapping[int, Connector],
        transactions: Transactions,
        metering: Metering,
        statuses: Statuses,
        *,
        waits: Callable[[int], bool],
    ) -> None:
        self.gate = gate
        self.connectors = connectors
        self.transactions = transactions
        self.metering = metering
        self.statuses = statuses
        self.waits = waits
        self._sampled: dict[int, int] = {}
        """By connector, the key of the newest reading that was triggered; set by `_sample`."""

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
                done = self._sample([t.connector for t in self.transactions if one in (None, 0, t.connector)])
            case _:
                return m.TriggerMessageResponse(status="NotImplemented")
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

    def _sample(self, running: list[int]) -> bool:
        for connector in running:
            newest = self._sampled.get(connector)
            if newest is None or not self.waits(newest):
                key = self.metering.sample(connector, "Trigger")
                if key is not None:
                    self._sampled[connector] = key
        return bool(running)
