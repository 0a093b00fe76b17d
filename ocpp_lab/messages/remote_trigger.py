"""The Remote Trigger profile: the central system asks the charge point to speak (core 3.3)."""

from __future__ import annotations

from typing import Literal

from .base import ConnectorIdOrZero, Request, Response

MessageTrigger = Literal[
    "BootNotification",
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "MeterValues",
    "StatusNotification",
]
TriggerMessageStatus = Literal["Accepted", "Rejected", "NotImplemented"]


class TriggerMessageResponse(Response, kw_only=True):
    """Says whether the message will come; it comes after this answer (core 6.52, 5.17)."""

    status: TriggerMessageStatus


class TriggerMessageRequest(Request[TriggerMessageResponse], kw_only=True):
    """Send this message now, for one connector or, if none is named, for all (core 6.51, 5.17)."""

    requested_message: MessageTrigger
    connector_id: ConnectorIdOrZero | None = None  # core 6.51: > 0; but 5.17 asks with 0 for the charge point's status
