"""The Smart Charging profile: how much power or current a transaction may draw, and when (core 3.13)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from .base import ConnectorIdOrZero, Payload, Request, Response, Timestamp, one_decimal

ChargingProfileKindType = Literal["Absolute", "Recurring", "Relative"]
ChargingProfilePurposeType = Literal["ChargePointMaxProfile", "TxDefaultProfile", "TxProfile"]
ChargingProfileStatus = Literal["Accepted", "Rejected", "NotSupported"]
ChargingRateUnitType = Literal["A", "W"]
ClearChargingProfileStatus = Literal["Accepted", "Unknown"]
GetCompositeScheduleStatus = Literal["Accepted", "Rejected"]
RecurrencyKindType = Literal["Daily", "Weekly"]


class ChargingSchedulePeriod(Payload, kw_only=True):
    """One step of a schedule: from ``start_period`` seconds on, at most ``limit`` (core 7.14)."""

    start_period: int
    limit: float
    number_phases: int | None = None

    def __post_init__(self) -> None:
        self.limit = one_decimal("limit", self.limit)


class ChargingSchedule(Payload, kw_only=True):
    """Limits over time, in amperes or watts (core 7.13)."""

    duration: int | None = None
    start_schedule: Timestamp | None = None
    charging_rate_unit: ChargingRateUnitType
    charging_schedule_period: Annotated[list[ChargingSchedulePeriod], Meta(min_length=1)]
    min_charging_rate: float | None = None

    def __post_init__(self) -> None:
        if self.min_charging_rate is not None:
            self.min_charging_rate = one_decimal("minChargingRate", self.min_charging_rate)


class ChargingProfile(Payload, kw_only=True):
    """A schedule with its purpose, its place in the stack and the time in which it holds (core 7.8)."""

    charging_profile_id: int
    transaction_id: int | None = None
    stack_level: Annotated[int, Meta(ge=0)]
    charging_profile_purpose: ChargingProfilePurposeType
    charging_profile_kind: ChargingProfileKindType
    recurrency_kind: RecurrencyKindType | None = None
    valid_from: Timestamp | None = None
    valid_to: Timestamp | None = None
    charging_schedule: ChargingSchedule


class ClearChargingProfileResponse(Response, kw_only=True):
    """Says whether any profile matched and was cleared (core 6.14, 5.5)."""

    status: ClearChargingProfileStatus


class ClearChargingProfileRequest(Request[ClearChargingProfileResponse], kw_only=True):
    """Forget the one profile with this id, or all that match the other fields (core 6.13, 5.5)."""

    id: int | None = None
    connector_id: ConnectorIdOrZero | None = None
    charging_profile_purpose: ChargingProfilePurposeType | None = None
    stack_level: int | None = None


class GetCompositeScheduleResponse(Response, kw_only=True):
    """The schedule that results from all profiles and local limits (core 6.22, 5.7)."""

    status: GetCompositeScheduleStatus
    connector_id: ConnectorIdOrZero | None = None
    schedule_start: Timestamp | None = None
    charging_schedule: ChargingSchedule | None = None


class GetCompositeScheduleRequest(Request[GetCompositeScheduleResponse], kw_only=True):
    """What will this connector draw in the next ``duration`` seconds? (core 6.21, 5.7)"""

    connector_id: ConnectorIdOrZero
    duration: int
    charging_rate_unit: ChargingRateUnitType | None = None


class SetChargingProfileResponse(Response, kw_only=True):
    """Says whether the charging profile is now installed (core 6.44, 5.16)."""

    status: ChargingProfileStatus


class SetChargingProfileRequest(Request[SetChargingProfileResponse], kw_only=True):
    """Install this charging profile, or replace the one it displaces (core 6.43, 5.16)."""

    connector_id: ConnectorIdOrZero
    cs_charging_profiles: ChargingProfile
