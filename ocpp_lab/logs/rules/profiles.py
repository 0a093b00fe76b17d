"""Rules about smart charging: why a profile is refused, and whether one that was accepted is kept (core 3.13, 5.16)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..case import Case, result
from ..exchanges import Exchange, seconds
from ..rule import Hit, RuleSet, named
from ..seen import Seen, items, objects

PROFILES = RuleSet()
_WHOSE = ("02_dispatch_and_router", "4. Whose fault, and which code")
SETTLES, SAMPLES = 60.0, 3
"""Seconds that a car gets to obey a new limit, and readings above it that are no accident."""


@PROFILES.rule("profile-rejected", "core 5.16", _WHOSE, 55)
def profile_rejected(case: Case) -> Iterator[Hit]:
    """SetChargingProfile that is not accepted: what in it is against the rules, if anything is."""
    for each in case.calls("SetChargingProfile"):
        status = result(each).get("status") or (each.fate == "error" and "refused with a CallError")
        if status in (None, False, "Accepted") or each.reply is None or each.call.frame is None:
            continue
        why = list(_objections(case, each))
        if why:
            yield Hit(
                [each.call, each.reply],
                f"{named(each.call)} was {status}: {'; '.join(why)}.",
                "central system",
                "Correct the profile; GetConfiguration tells the limits that the charge point has.",
                group=why[0][:30],
            )


def _objections(case: Case, each: Exchange) -> Iterator[str]:
    payload = each.call.payload
    profile = payload.get("csChargingProfiles")
    if not isinstance(profile, dict):
        return
    connector, purpose = payload.get("connectorId"), profile.get("chargingProfilePurpose")
    schedule = profile.get("chargingSchedule")
    schedule = schedule if isinstance(schedule, dict) else {}
    if purpose == "TxProfile":
        yield from _of_transaction(case, each, connector, profile)
    if purpose == "ChargePointMaxProfile" and connector != 0:
        yield f"a ChargePointMaxProfile is for connector 0, and this is for {connector}"
    if profile.get("chargingProfileKind") == "Recurring" and not profile.get("recurrencyKind"):
        yield "it is Recurring without a recurrencyKind"
    yield from _of_periods(schedule)
    yield from _beyond(case, each, profile, schedule)


def _of_transaction(case: Case, each: Exchange, connector: Any, profile: dict[str, Any]) -> Iterator[str]:
    running = [one for one in case.open_at(each.call.index) if one.connector == connector]
    status = case.status_at(connector, each.call)
    number = profile.get("transactionId")
    if connector == 0:
        yield "a TxProfile is for a connector with a transaction, and this is for connector 0"
    elif not running and status in ("Available", "Preparing", "Finishing", "Unavailable"):
        yield f"a TxProfile needs a running transaction, and connector {connector} has none at that moment"
    elif number is not None and running and running[-1].ids and number not in running[-1].ids:
        yield f"it is for transaction {number}, and {running[-1].ids[0]} runs on connector {connector}"


def _of_periods(schedule: dict[str, Any]) -> Iterator[str]:
    periods = objects(schedule.get("chargingSchedulePeriod"))
    starts = [each.get("startPeriod") for each in periods]
    if starts and starts[0] != 0:
        yield f"its first period starts at {starts[0]}, and has to start at 0"
    numbers = [start for start in starts if isinstance(start, int)]
    if numbers != sorted(set(numbers)):
        yield "its periods do not ascend"


def _beyond(case: Case, each: Exchange, profile: dict[str, Any], schedule: dict[str, Any]) -> Iterator[str]:
    index = each.call.index
    for key, value in (
        ("ChargeProfileMaxStackLevel", profile.get("stackLevel")),
        ("ChargingScheduleMaxPeriods", len(items(schedule.get("chargingSchedulePeriod")))),
    ):
        limit = case.setting(key, index)
        if limit is not None and limit.isdigit() and isinstance(value, int) and value > int(limit):
            yield f"{key} is {limit}, and this has {value}"
    units = case.setting("ChargingScheduleAllowedChargingRateUnit", index)
    name = {"A": "Current", "W": "Power"}.get(str(schedule.get("chargingRateUnit")))
    allowed = [unit.strip().lower() for unit in (units or "").split(",")]
    if units and name and name.lower() not in allowed and str(schedule["chargingRateUnit"]).lower() not in allowed:
        yield f"it is in {schedule['chargingRateUnit']}, and ChargingScheduleAllowedChargingRateUnit is {units}"


@PROFILES.rule("profile-without-effect", "core 3.13", ("06_integration_and_metrics", "9. Found by its numbers"), 50)
def profile_without_effect(case: Case) -> Iterator[Hit]:
    """An accepted limit in amperes, and readings above it, minutes later, one after the other."""
    for each in case.calls("SetChargingProfile"):
        limit = _limit(each.call.payload)
        if result(each).get("status") != "Accepted" or limit is None or each.reply is None:
            continue
        above = _above(case, each, each.reply, limit)
        if len(above) >= SAMPLES:
            amperes, first = above[0]
            yield Hit(
                [each.call, *(seen for _, seen in above[:SAMPLES])],
                f"{named(each.call)} limits connector {each.call.payload.get('connectorId')} to {limit:g} A and was"
                " Accepted;"
                f" {len(above)} readings after it are above, as {amperes:g} A in line {first.line}.",
                "charge point",
                "Look with GetCompositeSchedule at what holds there: another profile may have a higher stack level,"
                " or this"
                " one may not be valid yet. If it shows this limit, the charge point does not keep it.",
                "likely",
                group=str(each.call.payload.get("connectorId")),
            )


def _limit(payload: dict[str, Any]) -> float | None:
    """Of a profile that says one thing from now on, in amperes."""
    profile = payload.get("csChargingProfiles")
    schedule = profile.get("chargingSchedule") if isinstance(profile, dict) else None
    if not isinstance(schedule, dict) or schedule.get("chargingRateUnit") != "A":
        return None
    periods = schedule.get("chargingSchedulePeriod")
    if not isinstance(periods, list) or len(periods) != 1 or not isinstance(periods[0], dict):
        return None
    bound = isinstance(profile, dict) and ("validFrom" in profile or "validTo" in profile)
    if bound or "duration" in schedule or "startSchedule" in schedule:
        return None
    limit = periods[0].get("limit")
    return float(limit) if isinstance(limit, int | float) and limit >= 6 else None  # below it a car may only pause


def _above(case: Case, each: Exchange, since: Seen, limit: float) -> list[tuple[float, Seen]]:
    """The readings above it, until anything changes; nothing if one of them is not."""
    found: list[tuple[float, Seen]] = []
    connector = each.call.payload.get("connectorId")
    for seen in case.after(since):
        if seen.action in ("SetChargingProfile", "ClearChargingProfile", "StopTransaction", "BootNotification"):
            break
        after = seconds(since, seen)
        if seen.kind != 2 or seen.action != "MeterValues" or after is None or after < SETTLES:
            continue
        if connector not in (0, seen.payload.get("connectorId")):
            continue
        amperes = max(_amperes(seen.payload), default=None)
        if amperes is not None and amperes <= 1.1 * limit + 0.5:
            return []
        if amperes is not None:
            found.append((amperes, seen))
    return found


def _amperes(payload: dict[str, Any]) -> Iterator[float]:
    for value in objects(payload.get("meterValue")):
        for sampled in objects(value.get("sampledValue")):
            if sampled.get("measurand") == "Current.Import" and sampled.get("phase") != "N":
                try:
                    yield float(sampled.get("value", ""))
                except (TypeError, ValueError):
                    continue
