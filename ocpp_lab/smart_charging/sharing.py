"""`share`: one limit for several cars, fairly; and `offers`: what each connector of a charge point gets of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from math import floor
from typing import Final

from .composing import STATION_LIMIT, changes, down
from .limits import AREA_VOLTAGE, Allowed
from .stack import Installed

LEAST_CURRENT: Final = 6.0
"""Amperes below which no car charges (IEC 61851-1)."""

A_DAY_AHEAD: Final = timedelta(days=1)
"""How far `offers` looks for the next change: it is asked again at the end of that."""


def share(room: float, wants: Mapping[str, float], *, minimum: float = LEAST_CURRENT) -> dict[str, float]:
    """The amperes of ``room`` for each of those who want some; the sum is at most the room.

    ``wants`` is what each can take, at least the minimum, in order of arrival. Where the room is too small for all, the
    last to come get 0.0, for below the minimum nobody charges. Of the others nobody gets more than it wants, nor less
    than another one unless it wants less, and no room that is wanted is left over but for the rounding: every part is a
    multiple of 0.1.
    """
    served = list(wants)[: max(0, floor(room / minimum + 1e-9))]
    given, left = dict.fromkeys(wants, 0.0), room
    for number, name in enumerate(sorted(served, key=lambda each: wants[each])):
        given[name] = down(min(wants[name], left / (len(served) - number)))
        left -= given[name]
    return given


def offers(
    stack: Iterable[Installed],
    running: Mapping[int, datetime],
    at: datetime,
    *,
    station: Allowed = STATION_LIMIT,
    voltage: float = AREA_VOLTAGE,
) -> tuple[dict[int, Allowed], datetime | None]:
    """What is allowed to each connector with a transaction, and when that changes next.

    ``running`` has the instant at which each transaction began, in the order in which they did. The
    ChargePointMaxProfile is the limit for all connectors together (core 3.13.3): what they may draw by their own
    profiles is shared if it is more than that.
    """
    if not running:
        return {}, None
    stack = list(stack)
    own = [each for each in stack if each.profile.charging_profile_purpose != "ChargePointMaxProfile"]
    lines = {
        number: changes(own, number, at, A_DAY_AHEAD, started=started, station=station, voltage=voltage)
        for number, started in running.items()
    }
    ceiling = changes(stack, 0, at, A_DAY_AHEAD, station=None, voltage=voltage)
    wants = {number: line[0][1] or station for number, line in lines.items()}
    later = [line[1][0] for line in [*lines.values(), ceiling] if len(line) > 1]
    return _within(wants, ceiling[0][1]), min(later, default=_look_again(stack, at))


def _within(wants: dict[int, Allowed], ceiling: Allowed | None) -> dict[int, Allowed]:
    if ceiling is None:
        return wants
    parts = {number: want.amps for number, want in wants.items()}
    if sum(parts.values()) > ceiling.amps + 1e-9:
        able = {str(number): amps for number, amps in parts.items() if amps >= LEAST_CURRENT}
        given = share(ceiling.amps, able)
        parts = {number: given.get(str(number), 0.0) for number in wants}
    return {number: Allowed(parts[number], min(want.phases, ceiling.phases)) for number, want in wants.items()}


def _look_again(stack: list[Installed], at: datetime) -> datetime | None:
    """Nothing changes for a day; without profiles nothing ever does."""
    return at + A_DAY_AHEAD if stack else None
