"""The Core profile: boot, authorise, charge, meter, configure, reset (core 3.3)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from .base import (
    ConnectorId,
    ConnectorIdOrZero,
    IdTagInfo,
    IdToken,
    Payload,
    Request,
    Response,
    String20,
    String25,
    String50,
    String255,
    String500,
    Timestamp,
)
from .metering import MeterValue
from .smart_charging import ChargingProfile

AvailabilityStatus = Literal["Accepted", "Rejected", "Scheduled"]
AvailabilityType = Literal["Inoperative", "Operative"]
ChargePointErrorCode = Literal[
    "ConnectorLockFailure",
    "EVCommunicationError",
    "GroundFailure",
    "HighTemperature",
    "InternalError",
    "LocalListConflict",
    "NoError",
    "OtherError",
    "OverCurrentFailure",
    "OverVoltage",
    "PowerMeterFailure",
    "PowerSwitchFailure",
    "ReaderFailure",
    "ResetFailure",
    "UnderVoltage",
    "WeakSignal",
]
ChargePointStatus = Literal[
    "Available",
    "Preparing",
    "Charging",
    "SuspendedEVSE",
    "SuspendedEV",
    "Finishing",
    "Reserved",
    "Unavailable",
    "Faulted",
]
ClearCacheStatus = Literal["Accepted", "Rejected"]
ConfigurationStatus = Literal["Accepted", "Rejected", "RebootRequired", "NotSupported"]
DataTransferStatus = Literal["Accepted", "Rejected", "UnknownMessageId", "UnknownVendorId"]
Reason = Literal[
    "DeAuthorized",
    "EmergencyStop",
    "EVDisconnected",
    "HardReset",
    "Local",
    "Other",
    "PowerLoss",
    "Reboot",
    "Remote",
    "SoftReset",
    "UnlockCommand",
]
RegistrationStatus = Literal["Accepted", "Pending", "Rejected"]
RemoteStartStopStatus = Literal["Accepted", "Rejected"]
ResetStatus = Literal["Accepted", "Rejected"]
ResetType = Literal["Hard", "Soft"]
UnlockStatus = Literal["Unlocked", "UnlockFailed", "NotSupported"]


class AuthorizeResponse(Response, kw_only=True):
    """Says whether this idTag may charge (core 6.2, 4.1)."""

    id_tag_info: IdTagInfo


class AuthorizeRequest(Request[AuthorizeResponse], kw_only=True):
    """May the holder of this idTag start or stop charging? (core 6.1, 4.1)"""

    id_tag: IdToken


class BootNotificationResponse(Response, kw_only=True):
    """Accepted to talk or not, what time it is, and when to speak again, in seconds (core 6.4, 4.2)."""

    current_time: Timestamp
    interval: int
    status: RegistrationStatus


class BootNotificationRequest(Request[BootNotificationResponse], kw_only=True):
    """The charge point has started, and this is what it is (core 6.3, 4.2)."""

    charge_box_serial_number: String25 | None = None
    charge_point_model: String20
    charge_point_serial_number: String25 | None = None
    charge_point_vendor: String20
    firmware_version: String50 | None = None
    iccid: String20 | None = None
    imsi: String20 | None = None
    meter_serial_number: String25 | None = None
    meter_type: String25 | None = None


class ChangeAvailabilityResponse(Response, kw_only=True):
    """Says whether the change happens now, later or never (core 6.8, 5.2)."""

    status: AvailabilityStatus


class ChangeAvailabilityRequest(Request[ChangeAvailabilityResponse], kw_only=True):
    """Put a connector, or with 0 the whole charge point, in or out of service (core 6.7, 5.2)."""

    connector_id: ConnectorIdOrZero
    type: AvailabilityType


class ChangeConfigurationResponse(Response, kw_only=True):
    """Says what became of the new setting (core 6.10, 5.3)."""

    status: ConfigurationStatus


class ChangeConfigurationRequest(Request[ChangeConfigurationResponse], kw_only=True):
    """Set one configuration key (core 6.9, 5.3)."""

    key: String50
    value: String500


class ClearCacheResponse(Response, kw_only=True):
    """Says whether the authorization cache is now empty (core 6.12, 5.4)."""

    status: ClearCacheStatus


class ClearCacheRequest(Request[ClearCacheResponse]):
    """Forget every idTag in the authorization cache (core 6.11, 5.4)."""


class DataTransferResponse(Response, kw_only=True):
    """What the vendor's own message came to; ``data`` is text of any length (core 6.16, 4.3, 5.6)."""

    status: DataTransferStatus
    data: str | None = None


class DataTransferRequest(Request[DataTransferResponse], kw_only=True):
    """A message of a vendor's own, from either side; ``data`` is text of any length (core 6.15, 4.3, 5.6)."""

    vendor_id: String255
    message_id: String50 | None = None
    data: str | None = None


class KeyValue(Payload, kw_only=True):
    """One configuration key, with its value unless it has none (core 7.29)."""

    key: String50
    readonly: bool
    value: String500 | None = None


class GetConfigurationResponse(Response, kw_only=True):
    """The settings that were asked for, and the keys nobody knows (core 6.24, 5.8)."""

    configuration_key: list[KeyValue] | None = None
    unknown_key: list[String50] | None = None


class GetConfigurationRequest(Request[GetConfigurationResponse], kw_only=True):
    """Read these configuration keys, or all if none is named (core 6.23, 5.8)."""

    key: list[String50] | None = None


class HeartbeatResponse(Response, kw_only=True):
    """The central system's time (core 6.30, 4.6)."""

    current_time: Timestamp


class HeartbeatRequest(Request[HeartbeatResponse]):
    """The charge point lives, and asks what time it is (core 6.29, 4.6)."""


class MeterValuesResponse(Response):
    """The meter values have been received (core 6.32, 4.7)."""


class MeterValuesRequest(Request[MeterValuesResponse], kw_only=True):
    """Readings of a connector's meter, or with 0 of the main meter (core 6.31, 4.7)."""

    connector_id: ConnectorIdOrZero
    transaction_id: int | None = None
    meter_value: Annotated[list[MeterValue], Meta(min_length=1)]


class RemoteStartTransactionResponse(Response, kw_only=True):
    """Says whether the charge point will try to start (core 6.34, 5.11)."""

    status: RemoteStartStopStatus


class RemoteStartTransactionRequest(Request[RemoteStartTransactionResponse], kw_only=True):
    """Start charging for this idTag; a profile that comes along is a TxProfile (core 6.33, 5.11)."""

    connector_id: ConnectorId | None = None
    id_tag: IdToken
    charging_profile: ChargingProfile | None = None


class RemoteStopTransactionResponse(Response, kw_only=True):
    """Says whether the charge point will stop the transaction (core 6.36, 5.12)."""

    status: RemoteStartStopStatus


class RemoteStopTransactionRequest(Request[RemoteStopTransactionResponse], kw_only=True):
    """Stop this transaction (core 6.35, 5.12)."""

    transaction_id: int


class ResetResponse(Response, kw_only=True):
    """Says whether the charge point will reset (core 6.40, 5.14)."""

    status: ResetStatus


class ResetRequest(Request[ResetResponse], kw_only=True):
    """Restart: Soft ends transactions first, Hard need not (core 6.39, 5.14)."""

    type: ResetType


class StartTransactionResponse(Response, kw_only=True):
    """The transaction's id, and whether the idTag may charge (core 6.46, 4.8)."""

    id_tag_info: IdTagInfo
    transaction_id: int


class StartTransactionRequest(Request[StartTransactionResponse], kw_only=True):
    """A transaction began, at this meter reading in Wh (core 6.45, 4.8)."""

    connector_id: ConnectorId
    id_tag: IdToken
    meter_start: int
    reservation_id: int | None = None
    timestamp: Timestamp


class StatusNotificationResponse(Response):
    """The status has been received (core 6.48, 4.9)."""


class StatusNotificationRequest(Request[StatusNotificationResponse], kw_only=True):
    """A connector, or with 0 the charge point itself, is now in this state (core 6.47, 4.9)."""

    connector_id: ConnectorIdOrZero
    error_code: ChargePointErrorCode
    info: String50 | None = None
    status: ChargePointStatus
    timestamp: Timestamp | None = None
    vendor_id: String255 | None = None
    vendor_error_code: String50 | None = None


class StopTransactionResponse(Response, kw_only=True):
    """The stop is known; what is known of the idTag, if one was given (core 6.50, 4.10)."""

    id_tag_info: IdTagInfo | None = None


class StopTransactionRequest(Request[StopTransactionResponse], kw_only=True):
    """A transaction ended, at this meter reading in Wh; no reason means Local (core 6.49, 4.10)."""

    id_tag: IdToken | None = None
    meter_stop: int
    timestamp: Timestamp
    transaction_id: int
    reason: Reason | None = None
    transaction_data: list[MeterValue] | None = None


class UnlockConnectorResponse(Response, kw_only=True):
    """Says whether the cable is free now (core 6.54, 5.18)."""

    status: UnlockStatus


class UnlockConnectorRequest(Request[UnlockConnectorResponse], kw_only=True):
    """Unlock this connector, for a driver whose cable is stuck (core 6.53, 5.18)."""

    connector_id: ConnectorId
