"""The statuses of file jobs: which message tells each, and which end a job (core 7.24, 7.25, whitepaper 6.6, 6.17)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from .. import messages as m
from ..file_transfer import TransferFailure

JobRequest = m.GetDiagnosticsRequest | m.GetLogRequest | m.UpdateFirmwareRequest | m.SignedUpdateFirmwareRequest
"""What begins a job."""

ENDS: Final = frozenset(
    {
        *("Uploaded", "UploadFailed"),
        *("UploadFailure", "BadMessage", "PermissionDenied", "NotSupportedOperation"),
        *("Installed", "DownloadFailed", "InstallationFailed", "InstallVerificationFailed", "InvalidSignature"),
    }
)
"""After these a job is over."""

LOG_FAILURES: Final[Mapping[TransferFailure, m.UploadLogStatusEnumType]] = {
    "forbidden": "PermissionDenied",
    "not supported": "NotSupportedOperation",
    "unreadable": "BadMessage",
}
"""What is told of a log that could not be uploaded, as precisely as can be (N01.FR.10); of the rest UploadFailure."""

_IN_1_6: Final[Mapping[str, m.FirmwareStatus]] = {
    "DownloadScheduled": "Idle",
    "DownloadPaused": "Downloading",
    "SignatureVerified": "Downloaded",
    "InstallScheduled": "Downloaded",
    "InstallRebooting": "Installing",
}
"""What FirmwareStatusNotification says of a state that only the whitepaper knows."""


def notification(request: JobRequest, status: str) -> m.Request[Any]:
    """The message that tells this status of the job that ``request`` began; it has that one's requestId."""
    told = cast("Any", status)
    match request:
        case m.GetDiagnosticsRequest():
            return m.DiagnosticsStatusNotificationRequest(status=told)
        case m.GetLogRequest():
            return m.LogStatusNotificationRequest(status=told, request_id=request.request_id)
        case m.UpdateFirmwareRequest():
            return m.FirmwareStatusNotificationRequest(status=told)
        case m.SignedUpdateFirmwareRequest():
            return m.SignedFirmwareStatusNotificationRequest(status=told, request_id=request.request_id)


def firmware_status(status: str | None) -> m.FirmwareStatus:
    """What is told of an update when FirmwareStatusNotification is triggered; None, or at its end: Idle (core 4.5)."""
    if status is None or status in ENDS:
        return "Idle"
    return _IN_1_6.get(status, cast("m.FirmwareStatus", status))
