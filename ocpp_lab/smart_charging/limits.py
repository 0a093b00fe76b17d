"""`limit_at`: what one charging profile allows at one instant (core 7.8 to 7.14)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

from ..messages import ChargingProfile, ChargingSchedulePeriod

AREA_VOLTAGE: Final = 230.0
"""Volts between a phase and neutral: the set voltage of the area, not a measured one (core 7.12)."""
RECURRENCES: Final = {"Daily": 86_400, "Weekly": 7 * 86_400}
"""Seconds after which a Recurring schedule begins again (core errata 3.78)."""


_ALWAYS: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""From where a limit counts that is the same at any time, and says no start."""


class Allowed(NamedTuple):
    """A limit: ``amps`` on each phase, on so many ``phases``."""

    amps: float
    phases: int


def limit_at(
    profile: ChargingProfile, at: datetime, started: datetime | None = None, *, voltage: float = AREA_VOLTAGE
) -> Allowed | None:
    """What the profile allows at this instant; None: it says nothing then.

    It is valid from validFrom (included) to validTo (excluded). ``started`` is when charging began, None if it has not:
    from there counts a Relative schedule, and an Absolute one without startSchedule (core 7.13). Recurring schedules
    begin again after a day or a week, and what is longer than that is cut (core errata 3.44, 3.78). minChargingRate is
    advice and changes nothing.
    """
    if profile.valid_from is not None and at < profile.valid_from:
        return None
    if profile.valid_to is not None and at >= profile.valid_to:
        return None
    begin = begins(profile, started)
    if begin is None or at < begin:
        return None
    schedule, offset = profile.charging_schedule, (at - begin).total_seconds()
    if profile.charging_profile_kind == "Recurring":
        offset %= RECURRENCES[profile.recurrency_kind or "Daily"]
    if schedule.duration is not None and offset >= schedule.duration:
        return None
    holds = [period for period in schedule.charging_schedule_period if period.start_period <= offset]
    return allowed(holds[-1], schedule.charging_rate_unit, voltage) if holds else None


def begins(profile: ChargingProfile, started: datetime | None) -> datetime | None:
    """The instant from which its periods count; None if there is none yet."""
    if profile.charging_profile_kind == "Relative":
        return started
    if profile.charging_profile_purpose == "ChargePointMaxProfile":  # of the charge point, where no charging begins
        return profile.charging_schedule.start_schedule or _ALWAYS
    return profile.charging_schedule.start_schedule or started


def allowed(period: ChargingSchedulePeriod, unit: str, voltage: float = AREA_VOLTAGE) -> Allowed:
    """One period as amperes per phase. Watts are the power of all phases together (core 7.12)."""
    phases = 3 if period.number_phases is None else period.number_phases  # core errata 3.68
    return Allowed(period.limit if unit == "A" else period.limit / (voltage * phases), phases)
