"""The typed payloads, grouped by feature profile, and `ACTIONS`: the map of OCPP on one screen.

Rules that concern more than one field (a profile sent with RemoteStartTransaction is a TxProfile, a full local list
has an idTagInfo in every entry, …) are no matter of shape. They are kept by who acts on the payload.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

# One line per operation reads better than one per name, and profiles keep the order of core 3.3.
# ruff: noqa: I001
# fmt: off
from .base import (
    AuthorizationStatus, ConnectorId, ConnectorIdOrZero, IdTagInfo, IdToken, Payload, Request, Response,
    Timestamp,
)
from .metering import (
    Location, Measurand, MeterValue, Phase, ReadingContext, SampledValue, UnitOfMeasure, ValueFormat,
)
from .core import (
    AuthorizeRequest, AuthorizeResponse,
    BootNotificationRequest, BootNotificationResponse,
    ChangeAvailabilityRequest, ChangeAvailabilityResponse,
    ChangeConfigurationRequest, ChangeConfigurationResponse,
    ClearCacheRequest, ClearCacheResponse,
    DataTransferRequest, DataTransferResponse,
    GetConfigurationRequest, GetConfigurationResponse,
    HeartbeatRequest, HeartbeatResponse,
    MeterValuesRequest, MeterValuesResponse,
    RemoteStartTransactionRequest, RemoteStartTransactionResponse,
    RemoteStopTransactionRequest, RemoteStopTransactionResponse,
    ResetRequest, ResetResponse,
    StartTransactionRequest, StartTransactionResponse,
    StatusNotificationRequest, StatusNotificationResponse,
    StopTransactionRequest, StopTransactionResponse,
    UnlockConnectorRequest, UnlockConnectorResponse,
    AvailabilityStatus, AvailabilityType, ChargePointErrorCode, ChargePointStatus, ClearCacheStatus,
    ConfigurationStatus, DataTransferStatus, KeyValue, Reason, RegistrationStatus, RemoteStartStopStatus,
    ResetStatus, ResetType, UnlockStatus,
)
from .firmware_management import (
    DiagnosticsStatusNotificationRequest, DiagnosticsStatusNotificationResponse,
    FirmwareStatusNotificationRequest, FirmwareStatusNotificationResponse,
    GetDiagnosticsRequest, GetDiagnosticsResponse,
    UpdateFirmwareRequest, UpdateFirmwareResponse,
    DiagnosticsStatus, FirmwareStatus,
)
from .local_auth_list import (
    GetLocalListVersionRequest, GetLocalListVersionResponse,
    SendLocalListRequest, SendLocalListResponse,
    AuthorizationData, UpdateStatus, UpdateType,
)
from .reservation import (
    CancelReservationRequest, CancelReservationResponse,
    ReserveNowRequest, ReserveNowResponse,
    CancelReservationStatus, ReservationStatus,
)
from .smart_charging import (
    ClearChargingProfileRequest, ClearChargingProfileResponse,
    GetCompositeScheduleRequest, GetCompositeScheduleResponse,
    SetChargingProfileRequest, SetChargingProfileResponse,
    ChargingProfile, ChargingProfileKindType, ChargingProfilePurposeType, ChargingProfileStatus,
    ChargingRateUnitType, ChargingSchedule, ChargingSchedulePeriod, ClearChargingProfileStatus,
    GetCompositeScheduleStatus, RecurrencyKindType,
)
from .remote_trigger import (
    TriggerMessageRequest, TriggerMessageResponse,
    MessageTrigger, TriggerMessageStatus,
)
from .security import (
    CertificateSignedRequest, CertificateSignedResponse,
    DeleteCertificateRequest, DeleteCertificateResponse,
    ExtendedTriggerMessageRequest, ExtendedTriggerMessageResponse,
    GetInstalledCertificateIdsRequest, GetInstalledCertificateIdsResponse,
    GetLogRequest, GetLogResponse,
    InstallCertificateRequest, InstallCertificateResponse,
    LogStatusNotificationRequest, LogStatusNotificationResponse,
    SecurityEventNotificationRequest, SecurityEventNotificationResponse,
    SignCertificateRequest, SignCertificateResponse,
    SignedFirmwareStatusNotificationRequest, SignedFirmwareStatusNotificationResponse,
    SignedUpdateFirmwareRequest, SignedUpdateFirmwareResponse,
    CertificateHashDataType, CertificateSignedStatusEnumType, CertificateStatusEnumType,
    CertificateUseEnumType, DeleteCertificateStatusEnumType, FirmwareStatusEnumType, FirmwareType,
    GenericStatusEnumType, GetInstalledCertificateStatusEnumType, HashAlgorithmEnumType, LogEnumType,
    LogParametersType, LogStatusEnumType, MessageTriggerEnumType, TriggerMessageStatusEnumType,
    UpdateFirmwareStatusEnumType, UploadLogStatusEnumType,
)

__all__ = [
    # the map
    "ACTIONS", "Action", "FeatureProfile", "Role", "TRANSACTION_ACTIONS",
    # base
    "AuthorizationStatus", "ConnectorId", "ConnectorIdOrZero", "IdTagInfo", "IdToken", "Payload", "Request",
    "Response", "Timestamp",
    # metering
    "Location", "Measurand", "MeterValue", "Phase", "ReadingContext", "SampledValue", "UnitOfMeasure",
    "ValueFormat",
    # core
    "AuthorizeRequest", "AuthorizeResponse",
    "BootNotificationRequest", "BootNotificationResponse",
    "ChangeAvailabilityRequest", "ChangeAvailabilityResponse",
    "ChangeConfigurationRequest", "ChangeConfigurationResponse",
    "ClearCacheRequest", "ClearCacheResponse",
    "DataTransferRequest", "DataTransferResponse",
    "GetConfigurationRequest", "GetConfigurationResponse",
    "HeartbeatRequest", "HeartbeatResponse",
    "MeterValuesRequest", "MeterValuesResponse",
    "RemoteStartTransactionRequest", "RemoteStartTransactionResponse",
    "RemoteStopTransactionRequest", "RemoteStopTransactionResponse",
    "ResetRequest", "ResetResponse",
    "StartTransactionRequest", "StartTransactionResponse",
    "StatusNotificationRequest", "StatusNotificationResponse",
    "StopTransactionRequest", "StopTransactionResponse",
    "UnlockConnectorRequest", "UnlockConnectorResponse",
    "AvailabilityStatus", "AvailabilityType", "ChargePointErrorCode", "ChargePointStatus",
    "ClearCacheStatus", "ConfigurationStatus", "DataTransferStatus", "KeyValue", "Reason",
    "RegistrationStatus", "RemoteStartStopStatus", "ResetStatus", "ResetType", "UnlockStatus",
    # firmware_management
    "DiagnosticsStatusNotificationRequest", "DiagnosticsStatusNotificationResponse",
    "FirmwareStatusNotificationRequest", "FirmwareStatusNotificationResponse",
    "GetDiagnosticsRequest", "GetDiagnosticsResponse",
    "UpdateFirmwareRequest", "UpdateFirmwareResponse",
    "DiagnosticsStatus", "FirmwareStatus",
    # local_auth_list
    "GetLocalListVersionRequest", "GetLocalListVersionResponse",
    "SendLocalListRequest", "SendLocalListResponse",
    "AuthorizationData", "UpdateStatus", "UpdateType",
    # reservation
    "CancelReservationRequest", "CancelReservationResponse",
    "ReserveNowRequest", "ReserveNowResponse",
    "CancelReservationStatus", "ReservationStatus",
    # smart_charging
    "ClearChargingProfileRequest", "ClearChargingProfileResponse",
    "GetCompositeScheduleRequest", "GetCompositeScheduleResponse",
    "SetChargingProfileRequest", "SetChargingProfileResponse",
    "ChargingProfile", "ChargingProfileKindType", "ChargingProfilePurposeType", "ChargingProfileStatus",
    "ChargingRateUnitType", "ChargingSchedule", "ChargingSchedulePeriod", "ClearChargingProfileStatus",
    "GetCompositeScheduleStatus", "RecurrencyKindType",
    # remote_trigger
    "TriggerMessageRequest", "TriggerMessageResponse",
    "MessageTrigger", "TriggerMessageStatus",
    # security
    "CertificateSignedRequest", "CertificateSignedResponse",
    "DeleteCertificateRequest", "DeleteCertificateResponse",
    "ExtendedTriggerMessageRequest", "ExtendedTriggerMessageResponse",
    "GetInstalledCertificateIdsRequest", "GetInstalledCertificateIdsResponse",
    "GetLogRequest", "GetLogResponse",
    "InstallCertificateRequest", "InstallCertificateResponse",
    "LogStatusNotificationRequest", "LogStatusNotificationResponse",
    "SecurityEventNotificationRequest", "SecurityEventNotificationResponse",
    "SignCertificateRequest", "SignCertificateResponse",
    "SignedFirmwareStatusNotificationRequest", "SignedFirmwareStatusNotificationResponse",
    "SignedUpdateFirmwareRequest", "SignedUpdateFirmwareResponse",
    "CertificateHashDataType", "CertificateSignedStatusEnumType", "CertificateStatusEnumType",
    "CertificateUseEnumType", "DeleteCertificateStatusEnumType", "FirmwareStatusEnumType", "FirmwareType",
    "GenericStatusEnumType", "GetInstalledCertificateStatusEnumType", "HashAlgorithmEnumType", "LogEnumType",
    "LogParametersType", "LogStatusEnumType", "MessageTriggerEnumType", "TriggerMessageStatusEnumType",
    "UpdateFirmwareStatusEnumType", "UploadLogStatusEnumType",
]
# fmt: on

Role = Literal["ChargePoint", "CentralSystem"]
"""The two ends of a connection, as who asks and who answers."""
FeatureProfile = Literal[
    "Core",
    "FirmwareManagement",
    "LocalAuthListManagement",
    "Reservation",
    "SmartCharging",
    "RemoteTrigger",
    "Security",  # the whitepaper's operations; no feature profile of core 3.3
]


@dataclass(frozen=True, slots=True)
class Action:
    """One operation: its two payloads, who may ask, and the feature profile it belongs to."""

    name: str
    request: type[Request[Any]]
    response: type[Response]
    sender: Role | Literal["both"]
    profile: FeatureProfile

    def sent_by(self, role: Role) -> bool:
        """May this role send the request? The other one answers."""
        return self.sender in (role, "both")


# fmt: off
_TABLE: tuple[tuple[type[Request[Any]], Role | Literal["both"], FeatureProfile], ...] = (
    # request, who may send it, feature profile
    (AuthorizeRequest,                        "ChargePoint",   "Core"),
    (BootNotificationRequest,                 "ChargePoint",   "Core"),
    (ChangeAvailabilityRequest,               "CentralSystem", "Core"),
    (ChangeConfigurationRequest,              "CentralSystem", "Core"),
    (ClearCacheRequest,                       "CentralSystem", "Core"),
    (DataTransferRequest,                     "both",          "Core"),
    (GetConfigurationRequest,                 "CentralSystem", "Core"),
    (HeartbeatRequest,                        "ChargePoint",   "Core"),
    (MeterValuesRequest,                      "ChargePoint",   "Core"),
    (RemoteStartTransactionRequest,           "CentralSystem", "Core"),
    (RemoteStopTransactionRequest,            "CentralSystem", "Core"),
    (ResetRequest,                            "CentralSystem", "Core"),
    (StartTransactionRequest,                 "ChargePoint",   "Core"),
    (StatusNotificationRequest,               "ChargePoint",   "Core"),
    (StopTransactionRequest,                  "ChargePoint",   "Core"),
    (UnlockConnectorRequest,                  "CentralSystem", "Core"),

    (DiagnosticsStatusNotificationRequest,    "ChargePoint",   "FirmwareManagement"),
    (FirmwareStatusNotificationRequest,       "ChargePoint",   "FirmwareManagement"),
    (GetDiagnosticsRequest,                   "CentralSystem", "FirmwareManagement"),
    (UpdateFirmwareRequest,                   "CentralSystem", "FirmwareManagement"),

    (GetLocalListVersionRequest,              "CentralSystem", "LocalAuthListManagement"),
    (SendLocalListRequest,                    "CentralSystem", "LocalAuthListManagement"),

    (CancelReservationRequest,                "CentralSystem", "Reservation"),
    (ReserveNowRequest,                       "CentralSystem", "Reservation"),

    (ClearChargingProfileRequest,             "CentralSystem", "SmartCharging"),
    (GetCompositeScheduleRequest,             "CentralSystem", "SmartCharging"),
    (SetChargingProfileRequest,               "CentralSystem", "SmartCharging"),

    (TriggerMessageRequest,                   "CentralSystem", "RemoteTrigger"),

    (CertificateSignedRequest,                "CentralSystem", "Security"),
    (DeleteCertificateRequest,                "CentralSystem", "Security"),
    (ExtendedTriggerMessageRequest,           "CentralSystem", "Security"),
    (GetInstalledCertificateIdsRequest,       "CentralSystem", "Security"),
    (GetLogRequest,                           "CentralSystem", "Security"),
    (InstallCertificateRequest,               "CentralSystem", "Security"),
    (LogStatusNotificationRequest,            "ChargePoint",   "Security"),
    (SecurityEventNotificationRequest,        "ChargePoint",   "Security"),
    (SignCertificateRequest,                  "ChargePoint",   "Security"),
    (SignedFirmwareStatusNotificationRequest, "ChargePoint",   "Security"),
    (SignedUpdateFirmwareRequest,             "CentralSystem", "Security"),
)
# fmt: on

ACTIONS: dict[str, Action] = {
    request.action: Action(request.action, request, request.response_type, sender, profile)
    for request, sender, profile in _TABLE
}
"""The 28 operations of OCPP 1.6 (core 4, 5) and the 11 of the security whitepaper (whitepaper 5)."""

TRANSACTION_ACTIONS = frozenset({"StartTransaction", "StopTransaction", "MeterValues"})
"""Transaction messages: kept and sent in order (core 3.7, which counts periodic and clock-aligned MeterValues only)."""
