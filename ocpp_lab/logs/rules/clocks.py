"""Rules about time: never set, an hour off, going back (core 3.15, 4.2, 4.6)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import median

from ..case import Case
from ..rule import Hit, RuleSet, named
from ..seen import Seen
from ..transactions import LoggedTransaction, instant

CLOCKS = RuleSet()
_BOOT = ("05_lifecycle_loop", "5. The heartbeat: an interval of inactivity")
UNSET = 2015
"""A year before which no clock of a charge point with OCPP 1.6 was ever set."""
_ZONED = re.compile(r"(?:Z|[+-]\d\d:?\d\d)$", re.IGNORECASE)
OFF = 120.0
"""Seconds that a clock may be wrong before anybody is told."""


@CLOCKS.rule("clock-never-set", "core 4.2", _BOOT, 55)
def clock_never_set(case: Case) -> Iterator[Hit]:
    """A date of the last century, though the central system has told the time."""
    told: Seen | None = None
    for seen in case.seen:
        now = instant(seen.payload.get("currentTime")) if seen.kind == 3 else None
        if now is not None and now.year >= UNSET:
            told = told or seen
        if now is not None and now.year < UNSET and seen.sender == "central system":
            yield Hit(
                [seen],
                f"The central system says that it is {now:%Y} (line {seen.line}).",
                "central system",
                "Set its clock: charge points take their time from it.",
                group="central system",
            )
        at = instant(seen.payload.get("timestamp")) if seen.kind == 2 and seen.sender == "charge point" else None
        live = seen.action in ("StatusNotification", "StartTransaction")
        if at is None or told is None or not live or case.booted_between(told, seen):
            continue
        # What was queued before the clock was set is right as it is.
        if at.year < UNSET and seen.index - told.index > 12:
            yield Hit(
                [told, seen],
                f"{named(seen)} is dated {at:%Y-%m-%d}, though the central system told the time in line {told.line}.",
                "charge point",
                "Set the clock by the currentTime of each boot and heartbeat.",
                group="charge point",
            )


@CLOCKS.rule("clock-off", "core 4.6", _BOOT, 40)
def clock_off(case: Case) -> Iterator[Hit]:
    """The charge point's times are a constant away from the central system's, by whole half-hours or otherwise."""
    offsets: list[tuple[float, Seen]] = []
    ahead: float | None = None  # of the central system's time before the log's clock
    for seen in case.seen:
        if seen.at is None:
            continue
        if seen.kind == 3 and seen.action in ("BootNotification", "Heartbeat"):
            ahead = _ahead(case, seen)
        elif seen.kind == 2 and seen.action in ("StatusNotification", "StartTransaction") and ahead is not None:
            stamp = instant(seen.payload.get("timestamp"))
            if stamp is not None and stamp.year >= UNSET:
                offsets.append(((stamp - seen.at).total_seconds() - ahead, seen))
    yield from _constant(offsets[2:])


def _ahead(case: Case, seen: Seen) -> float | None:
    """Of the central system, before the log's clock; None if its own time cannot be relied on."""
    told = seen.payload.get("currentTime")
    now = instant(told)
    if now is None or seen.at is None or not _ZONED.search(str(told)):
        return None
    ahead = (now - seen.at).total_seconds()
    return None if case.log.zone == "known" and case.log.dated and abs(ahead) > OFF else ahead


def _constant(offsets: list[tuple[float, Seen]]) -> Iterator[Hit]:
    """Several, and all alike: what was queued while offline is older than the log by a different time each."""
    if len(offsets) < 4:
        return
    middle = median(offset for offset, _ in offsets)
    alike = [seen for offset, seen in offsets if abs(offset - middle) < 30]
    if abs(middle) < OFF or len(alike) < 0.8 * len(offsets) or _span(alike) < 60:
        return
    halves = round(middle / 1800)
    zone = abs(middle - halves * 1800) < 60
    way = "ahead of" if middle > 0 else "behind"
    yield Hit(
        alike[:4],
        f"The times of the charge point are {_hours(middle)} {way} those of the central system, in {len(alike)} of"
        f" {len(offsets)} messages."
        + (" That is a whole number of half-hours: local time, sent as if it were UTC." if zone else ""),
        "charge point",
        "Send UTC with Z; local time needs its own offset."
        if zone
        else "Set the clock by the currentTime of each boot and heartbeat.",
        "proved" if zone else "likely",
    )


def _span(seen: list[Seen]) -> float:
    first, last = seen[0].at, seen[-1].at
    return (last - first).total_seconds() if first and last else 0.0


def _hours(offset: float) -> str:
    return str(timedelta(seconds=round(abs(offset))))


@CLOCKS.rule("time-goes-back", "core 3.7", _BOOT, 45)
def time_goes_back(case: Case) -> Iterator[Hit]:
    """The events of one transaction are not in the order of their times."""
    for each in case.transactions:
        yield from () if each.guessed else _in_transaction(each)
    yield from _between_transactions(case)


def _in_transaction(each: LoggedTransaction) -> Iterator[Hit]:
    if (
        each.started
        and each.stopped
        and each.start
        and each.stop
        and each.stopped < each.started - timedelta(seconds=1)
    ):
        yield _back(each.start, each.started, each.stop, each.stopped)
    newest, where = each.started, each.start
    for reading in each.readings:
        at = reading.at
        if reading.seen.action != "MeterValues" or at is None:
            continue
        if (
            newest is not None
            and where is not None
            and at < newest - timedelta(seconds=1)
            and reading.seen is not where
        ):
            yield _back(where, newest, reading.seen, at)
        if newest is None or at > newest:
            newest, where = at, reading.seen


def _between_transactions(case: Case) -> Iterator[Hit]:
    """A start that is older than the stop before it on its connector."""
    newest: dict[int, LoggedTransaction] = {}
    for each in case.transactions:
        if each.start is None or each.connector is None or each.started is None:
            continue
        before = newest.get(each.connector)
        newest[each.connector] = each
        if before is None or before.stop is None or before.stopped is None or before.stop.index > each.start.index:
            continue
        if each.started < before.stopped - timedelta(seconds=1):
            yield _back(before.stop, before.stopped, each.start, each.started)


def _back(one: Seen, first: datetime, other: Seen, second: datetime) -> Hit:
    return Hit(
        [one, other],
        f"{named(other)} is dated {second:%Y-%m-%d %H:%M:%S}, and {named(one)} before it {first:%Y-%m-%d %H:%M:%S}.",
        "charge point",
        "Transaction messages are chronological: if the clock is set back, let the times of events go on from the"
        " newest.",
        "proved" if first - second > timedelta(seconds=60) else "likely",
        group="back",
    )
