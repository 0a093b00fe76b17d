"""The security whitepaper's operations: certificates, signed firmware, logs, security events (whitepaper 5).

Borrowed from OCPP 2.0.1. Locations are URIs and certificates are PEM text; both are plain strings here.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from .base import ConnectorId, Payload, Request, Response, String50, String255, Timestamp

Location512 = Annotated[str, Meta(max_length=512)]
Pem5500 = Annotated[str, Meta(max_length=5500)]

CertificateSignedStatusEnumType = Literal["Accepted", "Rejected"]
CertificateStatusEnumType = Literal["Accepted", "Failed", "Rejected"]
CertificateUseEnumType = Literal["CentralSystemRootCertificate", "ManufacturerRootCertificate"]
DeleteCertificateStatusEnumType = Literal["Accepted", "Failed", "NotFound"]
FirmwareStatusEnumType = Literal[
    "Downloaded",
    "DownloadFailed",
    "Downloading",
    "DownloadScheduled",
    "DownloadPaused",
    "Idle",
    "InstallationFailed",
    "Installing",
    "Installed",
    "InstallRebooting",
    "InstallScheduled",
    "InstallVerificationFailed",
    "InvalidSignature",
    "SignatureVerified",
]
GenericStatusEnumType = Literal["Accepted", "Rejected"]
GetInstalledCertificateStatusEnumType = Literal["Accepted", "NotFound"]
HashAlgorithmEnumType = Literal["SHA256", "SHA384", "SHA512"]
LogEnumType = Literal["DiagnosticsLog", "SecurityLog"]
LogStatusEnumType = Literal["Accepted", "Rejected", "AcceptedCanceled"]
MessageTriggerEnumType = Literal[
    "BootNotification",
    "LogStatusNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "MeterValues",
    "SignChargePointCertificate",
    "StatusNotification",
]
TriggerMessageStatusEnumType = Literal["Accepted", "Rejected", "NotImplemented"]
UpdateFirmwareStatusEnumType = Literal[
    "Accepted", "Rejected", "AcceptedCanceled", "InvalidCertificate", "RevokedCertificate"
]
UploadLogStatusEnumType = Literal[
    "BadMessage",
    "Idle",
    "NotSupportedOperation",
    "PermissionDenied",
    "Uploaded",
    "UploadFailure",
    "Uploading",
]


class CertificateHashDataType(Payload, kw_only=True):
    """Names one certificate by hashes, without sending it (whitepaper 6.1)."""

    hash_algorithm: HashAlgorithmEnumType
    issuer_name_hash: Annotated[str, Meta(max_length=128)]
    issuer_key_hash: Annotated[str, Meta(max_length=128)]
    serial_number: Annotated[str, Meta(max_length=40)]


class FirmwareType(Payload, kw_only=True):
    """Firmware to fetch, and the certificate and signature to check it with (whitepaper 6.7)."""

    location: Location512
    retrieve_date_time: Timestamp
    install_date_time: Timestamp | None = None
    signing_certificate: Pem5500
    signature: Annotated[str, Meta(max_length=800)]


class LogParametersType(Payload, kw_only=True):
    """Which span of the log to upload, and where to (whitepaper 6.12)."""

    remote_location: Location512
    oldest_timestamp: Timestamp | None = None
    latest_timestamp: Timestamp | None = None


class CertificateSignedResponse(Response, kw_only=True):
    """Says whether the charge point accepts its new certificate (whitepaper 5.2)."""

    status: CertificateSignedStatusEnumType


class CertificateSignedRequest(Request[CertificateSignedResponse], kw_only=True):
    """Here is the signed certificate that the charge point asked for (whitepaper 5.1)."""

    certificate_chain: Annotated[str, Meta(max_length=10000)]


class DeleteCertificateResponse(Response, kw_only=True):
    """Says whether the certificate was there and is gone (whitepaper 5.4)."""

    status: DeleteCertificateStatusEnumType


class DeleteCertificateRequest(Request[DeleteCertificateResponse], kw_only=True):
    """Remove this installed certificate (whitepaper 5.3)."""

    certificate_hash_data: CertificateHashDataType


class ExtendedTriggerMessageResponse(Response, kw_only=True):
    """Says whether the message will come (whitepaper 5.6)."""

    status: TriggerMessageStatusEnumType


class ExtendedTriggerMessageRequest(Request[ExtendedTriggerMessageResponse], kw_only=True):
    """TriggerMessage for the security messages too (whitepaper 5.5)."""

    requested_message: MessageTriggerEnumType
    connector_id: ConnectorId | None = None


class GetInstalledCertificateIdsResponse(Response, kw_only=True):
    """The installed certificates, by their hashes (whitepaper 5.8)."""

    status: GetInstalledCertificateStatusEnumType
    certificate_hash_data: list[CertificateHashDataType] | None = None


class GetInstalledCertificateIdsRequest(Request[GetInstalledCertificateIdsResponse], kw_only=True):
    """Which root certificates of this kind are installed? (whitepaper 5.7)"""

    certificate_type: CertificateUseEnumType


class GetLogResponse(Response, kw_only=True):
    """Says whether a log will be uploaded, and its file name (whitepaper 5.10)."""

    status: LogStatusEnumType
    filename: String255 | None = None


class GetLogRequest(Request[GetLogResponse], kw_only=True):
    """Upload a log; retry_interval in seconds (whitepaper 5.9)."""

    log_type: LogEnumType
    request_id: int
    retries: int | None = None
    retry_interval: int | None = None
    log: LogParametersType


class InstallCertificateResponse(Response, kw_only=True):
    """Says whether the certificate is installed (whitepaper 5.12)."""

    status: CertificateStatusEnumType


class InstallCertificateRequest(Request[InstallCertificateResponse], kw_only=True):
    """Trust this root certificate (whitepaper 5.11)."""

    certificate_type: CertificateUseEnumType
    certificate: Pem5500


class LogStatusNotificationResponse(Response):
    """The status has been received (whitepaper 5.14)."""


class LogStatusNotificationRequest(Request[LogStatusNotificationResponse], kw_only=True):
    """How far the upload of the log is (whitepaper 5.13)."""

    status: UploadLogStatusEnumType
    request_id: int | None = None


class SecurityEventNotificationResponse(Response):
    """The event has been received (whitepaper 5.16)."""


class SecurityEventNotificationRequest(Request[SecurityEventNotificationResponse], kw_only=True):
    """Something happened that matters to security (whitepaper 5.15)."""

    type: String50
    timestamp: Timestamp
    tech_info: String255 | None = None


class SignCertificateResponse(Response, kw_only=True):
    """Says whether the request goes to a certificate authority (whitepaper 5.18)."""

    status: GenericStatusEnumType


class SignCertificateRequest(Request[SignCertificateResponse], kw_only=True):
    """Please have this certificate signing request signed (whitepaper 5.17)."""

    csr: Pem5500


class SignedFirmwareStatusNotificationResponse(Response):
    """The status has been received (whitepaper 5.20)."""


class SignedFirmwareStatusNotificationRequest(Request[SignedFirmwareStatusNotificationResponse], kw_only=True):
    """How far the update with signed firmware is (whitepaper 5.19)."""

    status: FirmwareStatusEnumType
    request_id: int | None = None


class SignedUpdateFirmwareResponse(Response, kw_only=True):
    """Says whether the update begins, and if not, why (whitepaper 5.22)."""

    status: UpdateFirmwareStatusEnumType


class SignedUpdateFirmwareRequest(Request[SignedUpdateFirmwareResponse], kw_only=True):
    """Fetch, check and install this signed firmware; retry_interval in seconds (whitepaper 5.21)."""

    retries: int | None = None
    retry_interval: int | None = None
    request_id: int
    firmware: FirmwareType
