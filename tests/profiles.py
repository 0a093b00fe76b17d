"""Charging profiles for tests: short to write, and random stacks of them; and an oracle that paints every second."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from ocpp_lab import messages as m
from ocpp_lab.smart_charging import Allowed, Installed
from tests.fakes import NOON

DAY = 86_400
VOLTS = 230.0


def after(seconds: float) -> datetime:
    """That long after noon."""
    return NOON + timedelta(seconds=seconds)


def periods(*steps: tuple[int, float] | tuple[int, float, int]) -> list[m.ChargingSchedulePeriod]:
    return [
        m.ChargingSchedulePeriod(start_period=step[0], limit=step[1], number_phases=step[2] if len(step) > 2 else None)
        for step in steps
    ]


def profile(
    *steps: tuple[int, float] | tuple[int, float, int],
    id: int = 1,
    level: int = 0,
    purpose: m.ChargingProfilePurposeType = "TxDefaultProfile",
    kind: m.ChargingProfileKindType = "Absolute",
    recurs: m.RecurrencyKindType | None = None,
    start: float | None = 0,
    duration: int | None = None,
    unit: m.ChargingRateUnitType = "A",
    valid: tuple[float | None, float | None] = (None, None),
    transaction: int | None = None,
    least: float | None = None,
) -> m.ChargingProfile:
    """Instants in seconds after noon. A period is (start, limit) or (start, limit, phases)."""
    valid_from, valid_to = (None if instant is None else after(instant) for instant in valid)
    return m.ChargingProfile(
        charging_profile_id=id,
        transaction_id=transaction,
        stack_level=level,
        charging_profile_purpose=purpose,
        charging_profile_kind=kind,
        recurrency_kind=recurs,
        valid_from=valid_from,
        valid_to=valid_to,
        charging_schedule=m.ChargingSchedule(
            duration=duration,
            start_schedule=None if start is None or kind == "Relative" else after(start),
            charging_rate_unit=unit,
            charging_schedule_period=periods(*(steps or ((0, 16.0),))),
            min_charging_rate=least,
        ),
    )


# -- random ones


def random_stack(rng: Random, most: int = 8) -> list[Installed]:
    """A stack that a charge point of two connectors may have, busy around noon."""
    found = [_random(rng, id) for id in range(rng.randint(0, most))]
    taken = {(each.connector, each.profile.charging_profile_purpose, each.profile.stack_level): each for each in found}
    stack = list(taken.values())
    rng.shuffle(stack)
    return stack


def _random(rng: Random, id: int) -> Installed:
    purposes: list[m.ChargingProfilePurposeType] = ["TxProfile", "TxDefaultProfile", "ChargePointMaxProfile"]
    purpose = rng.choices(purposes, [2, 3, 2])[0]
    connectors = {"TxProfile": [1, 2], "TxDefaultProfile": [0, 1, 2], "ChargePointMaxProfile": [0]}
    whole = purpose == "ChargePointMaxProfile"
    kinds: list[m.ChargingProfileKindType] = ["Absolute", "Recurring", "Relative"]
    kind = rng.choice(kinds[: 2 if whole else 3])
    ago = rng.choice([0, DAY, 7 * DAY, 3650 * DAY])
    start = rng.randint(-120, 100) + rng.choice([0, 0.25]) - (ago if kind == "Recurring" else 0)
    unit: m.ChargingRateUnitType = rng.choice(["A", "W"])
    starts = [0, *sorted(rng.sample(range(1, 150), rng.randint(0, 4)))]
    limits = [0, 6, 10.5, 16, 32, 60] if unit == "A" else [0, 2300, 3680, 11_000, 22_000]
    return Installed(
        rng.choice(connectors[purpose]),
        profile(
            *((at, float(rng.choice(limits)), rng.choice([1, 2, 3, 3])) for at in starts),
            id=id,
            level=rng.randint(0, 4),
            purpose=purpose,
            kind=kind,
            recurs=rng.choice(["Daily", "Weekly"]) if kind == "Recurring" else None,
            start=None if kind == "Absolute" and not whole and rng.random() < 0.2 else start,
            duration=rng.choice([None, 0, 30, rng.randint(1, 200)]),
            unit=unit,
            valid=(rng.choice([None, None, rng.randint(-60, 80)]), rng.choice([None, None, rng.randint(20, 160)])),
        ),
    )


# -- the oracle: it paints, and does not calculate


def painted(profile: m.ChargingProfile, at: datetime, seconds: int, started: datetime) -> list[Allowed | None]:
    """What the profile says at each of so many whole seconds from ``at`` on."""
    schedule, line = profile.charging_schedule, list[Allowed | None]([None] * seconds)
    begin = schedule.start_schedule or started
    if profile.charging_profile_kind == "Relative":
        begin = started
    cycle = {None: None, "Daily": DAY, "Weekly": 7 * DAY}[profile.recurrency_kind]
    rounds = [begin] if cycle is None else _rounds(begin, at + timedelta(seconds=seconds), cycle)
    for first in rounds:
        ends = [first + timedelta(seconds=length) for length in (schedule.duration, cycle) if length is not None]
        for period in schedule.charging_schedule_period:
            phases = period.number_phases or 3
            watts = schedule.charging_rate_unit == "W"
            limit = Allowed(period.limit / VOLTS / phases if watts else period.limit, phases)
            for second in range(seconds):
                instant = at + timedelta(seconds=second)
                if instant >= first + timedelta(seconds=period.start_period) and all(instant < end for end in ends):
                    line[second] = limit
    for second in range(seconds):
        instant = at + timedelta(seconds=second)
        from_now, to_now = profile.valid_from, profile.valid_to
        if (from_now and instant < from_now) or (to_now and instant >= to_now):
            line[second] = None
    return line


def _rounds(begin: datetime, end: datetime, cycle: int) -> list[datetime]:
    """The last two times that it began, and those to come: what is older has been cut."""
    found = []
    while begin < end:
        found.append(begin)
        begin += timedelta(seconds=cycle)
    return found[-2:]


def oracle(
    stack: Iterable[Installed],
    connector: int,
    at: datetime,
    seconds: int,
    started: datetime | None,
    station: Allowed = Allowed(32.0, 3),  # noqa: B008
) -> list[Allowed]:
    """What the station offers there at each second: the rules of core 3.13 in their order."""
    painting = [(each, painted(each.profile, at, seconds, started or at)) for each in stack]
    result = []
    for second in range(seconds):
        said: dict[str, tuple[tuple[int, int], Allowed]] = {}
        for (place, one), line in painting:
            limit, rank = line[second], (one.stack_level, place)
            purpose: Any = one.charging_profile_purpose
            if place in (0, connector) and limit and (purpose not in said or rank > said[purpose][0]):
                said[purpose] = rank, limit
        if "TxProfile" in said:
            said.pop("TxDefaultProfile", None)
        holds = [*(limit for _, limit in said.values()), station]
        result.append(Allowed(min(each.amps for each in holds), min(each.phases for each in holds)))
    return result
