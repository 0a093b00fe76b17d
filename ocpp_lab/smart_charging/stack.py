"""Which charging profiles are installed: `install`, `clear`, `ended` (core 3.13.1, 3.13.2, 5.5, 5.16)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

from ..messages import (
    ChargingProfile,
    ChargingProfileStatus,
    ChargingRateUnitType,
    ClearChargingProfileRequest,
    ClearChargingProfileStatus,
)


class Installed(NamedTuple):
    """A profile and the connector that it was set on; 0 is the charge point."""

    connector: int
    profile: ChargingProfile


class Rules(NamedTuple):
    """What a charge point takes, as its configuration keys tell (core 9.4)."""

    max_stack_level: int = 9
    max_periods: int = 24
    max_installed: int = 20
    units: tuple[ChargingRateUnitType, ...] = ("A", "W")


def install(
    stack: list[Installed],
    new: Installed,
    running: Mapping[int, int | None],
    rules: Rules,
    *,
    starting: bool = False,
) -> tuple[ChargingProfileStatus, list[Installed]]:
    """Accepted and the new stack, or Rejected and the old one; what comes in is not changed.

    Replaced is each profile with the same chargingProfileId, and the one with the same purpose and stackLevel on this
    connector (core 5.16.3). A default for connector 1 leaves that of connector 0 to the others (core 3.13.1).

    ``running`` has the transaction id of every connector on which a transaction runs, None while the central system has
    not given one. ``starting``: the profile comes in a RemoteStartTransaction, so there is no transaction yet, and
    only a TxProfile without transactionId will do (core errata 3.41).
    """
    if not (_is_well_formed(new.profile, rules) and _has_its_place(new, running, starting)):
        return "Rejected", list(stack)
    id, key = new.profile.charging_profile_id, _key(new)
    kept = [each for each in stack if each.profile.charging_profile_id != id and _key(each) != key]
    if len(kept) >= rules.max_installed:  # counted after the replacement: a full stack can be changed
        return "Rejected", list(stack)
    return "Accepted", [*kept, new]


def clear(
    stack: list[Installed], request: ClearChargingProfileRequest
) -> tuple[ClearChargingProfileStatus, list[Installed]]:
    """Accepted and what is left; Unknown if nothing matched.

    An id decides alone (core errata 3.26). Else a profile has to match every field that is given, and with none given
    all do. About an id beside other fields core errata 3.25 says that all count; we follow the section about the
    message itself, as it names that case.
    """
    kept = [each for each in stack if not _matches(each, request)]
    return ("Accepted" if len(kept) < len(stack) else "Unknown"), kept


def ended(stack: list[Installed], connector: int) -> list[Installed]:
    """What is left when the transaction on a connector has ended: its TxProfiles end with it (core 7.10)."""
    return [
        each for each in stack if (each.connector, each.profile.charging_profile_purpose) != (connector, "TxProfile")
    ]


def _key(installed: Installed) -> tuple[int, str, int]:
    """What no two profiles have in common."""
    connector, profile = installed
    return connector, profile.charging_profile_purpose, profile.stack_level


def _is_well_formed(profile: ChargingProfile, rules: Rules) -> bool:
    """Whether this charge point can do what the profile says, wherever it is set."""
    schedule = profile.charging_schedule
    periods = schedule.charging_schedule_period
    starts = [period.start_period for period in periods]
    return (
        0 <= profile.stack_level <= rules.max_stack_level
        and len(periods) <= rules.max_periods
        and schedule.charging_rate_unit in rules.units
        and starts[0] == 0  # core errata 3.45
        and all(one < next for one, next in pairwise(starts))
        and all(period.limit >= 0 and period.number_phases in (None, 1, 2, 3) for period in periods)
        and (schedule.duration is None or schedule.duration >= 0)
        and (
            profile.charging_profile_kind != "Recurring"
            or (profile.recurrency_kind is not None and schedule.start_schedule is not None)
        )
    )


def _has_its_place(new: Installed, running: Mapping[int, int | None], starting: bool) -> bool:
    """Whether a profile of this purpose may be set on this connector now (core 3.13.1)."""
    connector, profile = new
    match profile.charging_profile_purpose:
        case "ChargePointMaxProfile":
            return connector == 0 and not starting and _has_its_time(profile)
        case "TxDefaultProfile":
            return not starting
        case "TxProfile" if starting:
            return connector != 0 and profile.transaction_id is None
        case _:
            # The id may be left out (core 7.8); one that is given has to be that of the transaction that runs.
            return connector in running and profile.transaction_id in (None, running[connector])


def _has_its_time(profile: ChargingProfile) -> bool:
    """A limit of the whole charge point counts from an instant, for no charging begins at the charge point itself;
    unless it is one that never changes and never ends (core 7.13)."""
    schedule = profile.charging_schedule
    always = schedule.duration is None and len(schedule.charging_schedule_period) == 1
    return profile.charging_profile_kind != "Relative" and (schedule.start_schedule is not None or always)


def _matches(installed: Installed, request: ClearChargingProfileRequest) -> bool:
    connector, profile = installed
    if request.id is not None:
        return profile.charging_profile_id == request.id
    wanted = (request.connector_id, request.charging_profile_purpose, request.stack_level)
    found = (connector, profile.charging_profile_purpose, profile.stack_level)
    return all(want is None or want == has for want, has in zip(wanted, found, strict=True))
