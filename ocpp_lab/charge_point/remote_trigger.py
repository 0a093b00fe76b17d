"""What a charge point sends when asked to: the RemoteTrigger profile (core 5.17)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import messages as m

if TYPE_CHECKING:
    from .charge_point import ChargePoint


class RemoteTrigger:
    """TriggerMessage: the answer first, then the message."""

    def __init__(self, charge_point: ChargePoint) -> None:
        self.charge_point = charge_point

    async def on_trigger_message(self, request: m.TriggerMessageRequest) -> m.TriggerMessageResponse:
        charge_point = self.charge_point
        if request.connector_id is not None and request.connector_id not in charge_point.connectors:
            return m.TriggerMessageResponse(status="Rejected")
        match request.requested_message:
            case "BootNotification":
                # Once accepted, it is not repeated on request (core errata 3.40).
                if charge_point.registration == "Accepted":
                    return m.TriggerMessageResponse(status="Rejected")
                charge_point.boot_now()
            case "Heartbeat":
                charge_point.after_answer(
                    charge_point.call(m.HeartbeatRequest(), triggered=True), "triggered Heartbeat"
                )
            case "StatusNotification":
                one = request.connector_id
                wanted = list(charge_point.connectors) if one is None else [one]  # none named: all (core 5.17)
                charge_point.after_answer(
                    charge_point.statuses.tell(wanted, triggered=True), "triggered StatusNotification"
                )
            case "MeterValues":
                one = request.connector_id
                running = [t.connector for t in charge_point.transactions if one in (None, 0, t.connector)]
                if not running:
                    return m.TriggerMessageResponse(status="Rejected")
                charge_point.after_answer(self._sample(running), "triggered MeterValues")
            case _:
                return m.TriggerMessageResponse(status="NotImplemented")
        return m.TriggerMessageResponse(status="Accepted")

    async def _sample(self, connectors: list[int]) -> None:
        for connector in connectors:
            self.charge_point.charging.sample(connector, "Trigger")
