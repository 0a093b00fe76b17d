"""`changes`, `composite`, `total`: what all profiles together allow, as a line over time (core 3.13.2, 3.13.3).

Each profile speaks in pieces of time. The profiles of a purpose are asked from the highest stackLevel down, and each
gets only the time that those above it left: so nothing is looked at once the whole time is taken. Time is counted in
microseconds from the instant that is asked for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby, repeat
from math import floor
from operator import itemgetter
from typing import Final

from ..messages import ChargingProfile, ChargingRateUnitType, ChargingSchedule, ChargingSchedulePeriod
from .limits import AREA_VOLTAGE, RECURRENCES, Allowed, allowed, begins
from .stack import Installed

_MICROSECOND: Final = timedelta(microseconds=1)
_SECOND: Final = 1_000_000
_FOR_EVER: Final = 1 << 62

STATION_LIMIT: Final = Allowed(32.0, 3)
"""What a connector can give at most, if nobody says otherwise."""

_Piece = tuple[int, int, Allowed]  # from, to (excluded), and what is allowed then
_Step = tuple[int, Allowed | None]  # from when on, until the next step


def changes(
    stack: Iterable[Installed],
    connector: int,
    at: datetime,
    window: timedelta,
    *,
    started: datetime | None = None,
    station: Allowed | None = STATION_LIMIT,
    voltage: float = AREA_VOLTAGE,
) -> list[tuple[datetime, Allowed | None]]:
    """What a connector may draw from ``at`` on, and from each later instant in the window at which that changes.

    At an instant that is, of each purpose, what the profile with the highest stackLevel says *that says something
    then*, of this connector and of 0, its own at an equal level. A TxProfile overrules the defaults while it speaks.
    Of that, of the ChargePointMaxProfile and of ``station`` the smallest holds, amperes and phases each. None: nothing
    limits. ``started`` is when the transaction began; without one it is as if one began at ``at``. Connector 0 has
    the ChargePointMaxProfile only.
    """
    steps = _changes(stack, connector, at, window // _MICROSECOND, started, station, voltage)
    return [(at + timedelta(microseconds=when), limit) for when, limit in steps]


def composite(
    stack: Iterable[Installed],
    connector: int,
    at: datetime,
    duration: int,
    unit: ChargingRateUnitType,
    *,
    started: datetime | None = None,
    station: Allowed = STATION_LIMIT,
    voltage: float = AREA_VOLTAGE,
) -> ChargingSchedule:
    """The composite schedule of one connector, from 1 on, for ``duration`` seconds: see `changes` (core 5.7).

    A period begins at 0 and at each change, in whole seconds; limits are rounded down to 0.1. startSchedule is left out
    (core errata 3.57).
    """
    line = _changes(stack, connector, at, duration * _SECOND, started, station, voltage)
    limits = [(when, limit or station) for when, limit in line]
    return _schedule(
        [(_seconds(when), _in(unit, limit, voltage), limit.phases) for when, limit in limits], duration, unit
    )


def total(
    stack: Iterable[Installed],
    connectors: Mapping[int, datetime | None],
    at: datetime,
    duration: int,
    unit: ChargingRateUnitType,
    *,
    station: Allowed = STATION_LIMIT,
    voltage: float = AREA_VOLTAGE,
) -> ChargingSchedule:
    """The composite schedule of the charge point: the sum over its connectors, at most the ChargePointMaxProfile.

    ``connectors`` are all from 1 on, with the instant at which charging began, None where nothing runs (core 5.7).
    Amperes are added as if all cars used the same phases, because nobody knows which they use.
    """
    stack, length = list(stack), duration * _SECOND
    lines = [
        list(_changes(stack, number, at, length, started, station, voltage)) for number, started in connectors.items()
    ]
    ceiling = list(_changes(stack, 0, at, length, None, None, voltage))
    edges = sorted({_seconds(when) for line in [*lines, ceiling] for when, _ in line})

    def at_most(second: int) -> tuple[float, int]:
        each = [_at(line, second) or station for line in lines]
        most = _at(ceiling, second)
        sums = [sum(_in(unit, limit, voltage) for limit in each), *([_in(unit, most, voltage)] if most else [])]
        return min(sums), max(limit.phases for limit in each)

    return _schedule([(edge, *at_most(edge)) for edge in edges], duration, unit)


def down(limit: float) -> float:
    """Rounded down to 0.1: one decimal is all that a limit may have, and more than allowed it may not be."""
    return floor((limit + 1e-7) * 10) / 10


def _changes(
    stack: Iterable[Installed],
    connector: int,
    at: datetime,
    length: int,
    started: datetime | None,
    station: Allowed | None,
    voltage: float,
) -> Iterator[_Step]:
    here = [each for each in stack if each.connector in (0, connector)]
    lines = [_speakers(here, purposes) for purposes in (("TxProfile", "TxDefaultProfile"), ("ChargePointMaxProfile",))]
    steps = [_line(profiles, at, max(1, length), started or at, voltage) for profiles in lines[connector == 0 :]]
    return _least(steps, station)


# -- one line


def _speakers(here: Sequence[Installed], purposes: tuple[str, ...]) -> list[ChargingProfile]:
    """Those with these purposes, whoever has to be asked first in front: by purpose, stackLevel, connector."""
    found = [each for each in here if each.profile.charging_profile_purpose in purposes]
    found.sort(key=lambda each: (each.profile.stack_level, each.connector), reverse=True)
    if len(purposes) > 1:
        found.sort(key=lambda each: purposes.index(each.profile.charging_profile_purpose))
    return [each.profile for each in found]


def _line(profiles: list[ChargingProfile], at: datetime, length: int, started: datetime, voltage: float) -> list[_Step]:
    free, taken = [(0, length)], list[_Piece]()
    for profile in profiles:
        if not free:
            break
        for start, end, limit in _pieces(profile, at, length, started, voltage):
            taken += [(one, other, limit) for one, other in _take(free, start, end)]
    steps: list[_Step] = [(start, limit) for start, _, limit in taken]
    steps += [(start, None) for start, _ in free]
    return sorted(steps, key=itemgetter(0))


def _take(free: list[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    """Take from ``free`` (disjoint and in order) what lies between start and end; returns what was taken."""
    first = last = bisect_right(free, start, key=itemgetter(1))
    got, left = [], []
    while last < len(free) and free[last][0] < end:
        one, other = free[last]
        got.append((max(one, start), min(other, end)))
        left += [(one, start)] * (one < start) + [(end, other)] * (end < other)
        last += 1
    free[first:last] = left
    return got


def _pieces(profile: ChargingProfile, at: datetime, length: int, started: datetime, voltage: float) -> Iterator[_Piece]:
    """When the profile says what, between 0 and ``length``."""
    begin = begins(profile, started)
    if begin is None:
        return
    first = 0 if profile.valid_from is None else max(0, (profile.valid_from - at) // _MICROSECOND)
    last = length if profile.valid_to is None else min(length, (profile.valid_to - at) // _MICROSECOND)
    if first >= last:
        return
    for offset, room in _rounds(profile, (begin - at) // _MICROSECOND, first, last):
        yield from _round(profile.charging_schedule, offset, room, first, last, voltage)


def _rounds(profile: ChargingProfile, begin: int, first: int, last: int) -> Iterator[tuple[int, int]]:
    """The instants between first and last from which the periods count, and the room for them."""
    if profile.charging_profile_kind != "Recurring":
        yield begin, _FOR_EVER
        return
    cycle = RECURRENCES[profile.recurrency_kind or "Daily"] * _SECOND
    begin += max(0, (first - begin) // cycle) * cycle  # divided, not counted: it may have begun ten years ago
    while begin < last:
        yield begin, cycle
        begin += cycle


def _round(
    schedule: ChargingSchedule, begin: int, room: int, first: int, last: int, voltage: float
) -> Iterator[_Piece]:
    """The periods of a schedule that begins there and has so much room."""
    periods, unit = schedule.charging_schedule_period, schedule.charging_rate_unit
    end = begin + (room if schedule.duration is None else min(room, schedule.duration * _SECOND))
    last = min(last, end)
    for number, period in enumerate(periods, 1):
        start = max(first, begin + period.start_period * _SECOND)
        if start >= last:
            return
        until = min(last, begin + periods[number].start_period * _SECOND) if number < len(periods) else last
        if start < until:
            yield start, until, allowed(period, unit, voltage)


# -- several lines


def _least(lines: list[list[_Step]], station: Allowed | None) -> Iterator[_Step]:
    """The smallest at each instant; a step only where it changes."""
    steps = [(when, number, limit) for number, line in enumerate(lines) for when, limit in line]
    now, before = [*repeat(None, len(lines)), station], None
    for when, changed in groupby(sorted(steps, key=itemgetter(0)), key=itemgetter(0)):
        for _, number, limit in changed:
            now[number] = limit
        least = _smaller(now)
        if when == 0 or least != before:
            yield when, least
        before = least


def _smaller(limits: list[Allowed | None]) -> Allowed | None:
    least: Allowed | None = None
    for limit in limits:
        if limit is None or least is None:
            least = limit or least
        elif limit.amps < least.amps or limit.phases < least.phases:
            least = Allowed(min(limit.amps, least.amps), min(limit.phases, least.phases))
    return least


def _at(line: list[_Step], second: int) -> Allowed | None:
    """What a line says at a whole second."""
    return line[bisect_right(line, second * _SECOND, key=itemgetter(0)) - 1][1]


def _seconds(when: int) -> int:
    """The first whole second that is not before ``when``."""
    return -(-when // _SECOND)


def _in(unit: ChargingRateUnitType, limit: Allowed, voltage: float) -> float:
    """Amperes per phase, or the watts of all phases together (core 7.12)."""
    return limit.amps if unit == "A" else limit.amps * voltage * limit.phases


def _schedule(steps: Iterable[tuple[int, float, int]], duration: int, unit: ChargingRateUnitType) -> ChargingSchedule:
    """As the wire wants it: from which second on, how much, on how many phases; only where that changes."""
    # Of two in one second the later one holds at the end of it.
    said = {second: (down(limit), phases) for second, limit, phases in steps if second < max(duration, 1)}
    periods: list[ChargingSchedulePeriod] = []
    for second, (limit, phases) in said.items():
        if not periods or (periods[-1].limit, periods[-1].number_phases) != (limit, phases):
            periods.append(ChargingSchedulePeriod(start_period=second, limit=limit, number_phases=phases))
    return ChargingSchedule(duration=duration, charging_rate_unit=unit, charging_schedule_period=periods)
