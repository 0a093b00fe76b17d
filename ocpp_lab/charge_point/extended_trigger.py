"""ExtendedTriggerMessage: TriggerMessage for the messages of the whitepaper too (whitepaper 5.5, 6.14)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from .. import messages as m
from .gate import Gate

Trigger = Callable[[m.TriggerMessageRequest], Awaitable[m.TriggerMessageResponse]]
StatusReport = Callable[[], m.Request[Any]]
"""What a triggered status says: of the job that runs, or Idle."""


class ExtendedTrigger:
    """What TriggerMessage knows too goes to ``trigger``. ``sign()`` asks for a certificate, None: it cannot be asked
    for. ``log_status`` and ``firmware_status`` tell how the upload of a log and the signed update stand."""

    def __init__(
        self,
        gate: Gate,
        trigger: Trigger,
        sign: Callable[[], Callable[[], Coroutine[Any, Any, Any]] | None],
        log_status: StatusReport,
        firmware_status: StatusReport,
    ) -> None:
        self.gate = gate
        self.trigger = trigger
        self.sign = sign
        self.log_status = log_status
        self.firmware_status = firmware_status

    async def on_extended_trigger_message(
        self, request: m.ExtendedTriggerMessageRequest
    ) -> m.ExtendedTriggerMessageResponse:
        """The answer first, then the message."""
        match request.requested_message:
            case "SignChargePointCertificate":
                ask = self.sign()
                if ask is None:
                    return m.ExtendedTriggerMessageResponse(status="Rejected")
                self.gate.once("triggered SignCertificate", ask)
            case "LogStatusNotification":
                self._tell("triggered LogStatusNotification", self.log_status)
            case "FirmwareStatusNotification":
                self._tell("triggered SignedFirmwareStatusNotification", self.firmware_status)
            case "BootNotification" | "Heartbeat" | "MeterValues" | "StatusNotification" as common:
                same = m.TriggerMessageRequest(requested_message=common, connector_id=request.connector_id)
                return m.ExtendedTriggerMessageResponse(status=(await self.trigger(same)).status)
        return m.ExtendedTriggerMessageResponse(status="Accepted")

    def _tell(self, what: str, report: StatusReport) -> None:
        self.gate.once(what, lambda: self.gate.call(report(), triggered=True))
