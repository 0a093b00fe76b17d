"""The Firmware Management profile: new firmware comes, diagnostics go (core 3.3, 8).

Locations are URIs; they are plain strings here, because only who opens one can tell whether it leads anywhere.
"""

from __future__ import annotations

from typing import Literal

from .base import Request, Response, String255, Timestamp

DiagnosticsStatus = Literal["Idle", "Uploaded", "UploadFailed", "Uploading"]
FirmwareStatus = Literal[
    "Downloaded",
    "DownloadFailed",
    "Downloading",
    "Idle",
    "InstallationFailed",
    "Installing",
    "Installed",
]


class DiagnosticsStatusNotificationResponse(Response):
    """The status has been received (core 6.18, 4.4)."""


class DiagnosticsStatusNotificationRequest(Request[DiagnosticsStatusNotificationResponse], kw_only=True):
    """How far the upload of diagnostics is (core 6.17, 4.4)."""

    status: DiagnosticsStatus


class FirmwareStatusNotificationResponse(Response):
    """The status has been received (core 6.20, 4.5)."""


class FirmwareStatusNotificationRequest(Request[FirmwareStatusNotificationResponse], kw_only=True):
    """How far the firmware update is (core 6.19, 4.5)."""

    status: FirmwareStatus


class GetDiagnosticsResponse(Response, kw_only=True):
    """The name of the file that will be uploaded; absent if there is nothing to upload (core 6.26, 5.9)."""

    file_name: String255 | None = None


class GetDiagnosticsRequest(Request[GetDiagnosticsResponse], kw_only=True):
    """Upload diagnostics of this span of time to this location; retry_interval in seconds (core 6.25, 5.9)."""

    location: str
    retries: int | None = None
    retry_interval: int | None = None
    start_time: Timestamp | None = None
    stop_time: Timestamp | None = None


class UpdateFirmwareResponse(Response):
    """The request has been understood; the rest is told by FirmwareStatusNotification (core 6.56, 5.19)."""


class UpdateFirmwareRequest(Request[UpdateFirmwareResponse], kw_only=True):
    """Fetch firmware from this location after this date; retry_interval in seconds (core 6.55, 5.19)."""

    location: str
    retries: int | None = None
    retrieve_date: Timestamp
    retry_interval: int | None = None
