"""`Clockwork`: the time in front of a frame, in whatever way it is written there."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_DIGIT = re.compile(r"\d\d")
_ISO = re.compile(
    r"(\d{4})[-/.](\d\d)[-/.](\d\d)(?:[T\s]|\s?-\s?|_)\s*(\d\d):(\d\d):(\d\d)(?:[.,:](\d{1,9}))?(?:\s?(Z\b|[+-]\d\d:?\d\d\b))?"
)
_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4}),?\s+(\d{1,2}):(\d\d):(\d\d)(?:[.,](\d{1,9}))?")
_SLASHES = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}),?\s+(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*([AaPp][Mm])?")
_SYSLOG = re.compile(r"\b([A-Z][a-zä]{2})[a-z]?\.?\s+(\d{1,2})\s+(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?")
_COMPACT = re.compile(r"\b(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(?:[.,](\d{1,9}))?(Z\b|[+-]\d\d:?\d\d\b)?(?!\d)")
_NAMED_DAY = re.compile(  # 14/Mar/2031:07:59:50 of web servers, 14-Mar-2031 07:59:50
    r"\b(\d{1,2})[-/ ]([A-Z][a-zä]{2})[a-z]?\.?[-/ ](\d{4})[: ,]{1,2}(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?"
    r"(?: ([+-]\d{4})\b)?"
)
_NAMED_MONTH = re.compile(  # Mar 14, 2031 07:59:50.123, of Wireshark
    r"\b([A-Z][a-zä]{2})[a-z]{0,6}\.? {1,2}(\d{1,2}),? (\d{4}),? (\d{1,2}):(\d\d):(\d\d)(?:[.,](\d{1,9}))?"
    r" ?([AaPp][Mm]\b)?"
)
_CLOCK = re.compile(r"(?<![\d:.])(\d{1,2}):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?![\d:])\s*([AaPp][Mm]\b)?")
_EPOCH = re.compile(r"(?<![\d.-])(1[0-9]\d{8})(?:(\d{3})|\.(\d{1,9}))?(?![\d-])")
_MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan", "feb", "mar mär mae mrz", "apr", "may mai", "jun", "jul", "aug", "sep", "oct okt", "nov", "dec dez"), 1
    )
    for name in names.split()
}
EPOCH_DAY = datetime(1970, 1, 1, tzinfo=UTC)
"""The day of times that have none."""


NO_YEAR = 4
"""The year of dates that have none, until the whole log tells it. There is a 29th of February in it."""


class Told(NamedTuple):
    """``zoned``: with an offset. ``dated``: with a date, year included or not."""

    at: datetime
    zoned: bool
    dated: bool
    end: int = 0
    """Where it ends in the text."""
    start: int = 0
    """Where it begins."""

    def standing(self, found: re.Match[str]) -> Told:
        """The same, found there."""
        return self._replace(start=found.start(), end=found.end())


class Clockwork:
    """Remembers how the last time was written, and what a time without a date came after."""

    def __init__(self) -> None:
        self._slot: tuple[int, int] | None = None  # where the newest time stood, if it was plain ISO
        self._clock: datetime | None = None  # the newest time that had no date; each one before it begins a new day
        self._year = NO_YEAR  # of dates without one

    def read(self, text: str) -> Told | None:
        """The first time in a text, or None."""
        if self._slot is not None:
            first, last = self._slot
            if told := self._plain(text, first, last):
                return told
        if not _DIGIT.search(text):
            return None
        for read in (self._iso, self._others, self._epoch, self._clock_only):
            try:
                if told := read(text):
                    return told
            except (ValueError, OverflowError):
                continue  # the 39th of a month
        return None

    def _plain(self, text: str, first: int, last: int) -> Told | None:
        """In the same place as before, if nothing before it and behind it has changed."""
        piece = text[first:last]
        after = text[last : last + 1]
        if len(piece) != last - first or after.isdigit() or (first and text[first - 1].isdigit()):
            return None
        try:
            at = datetime.fromisoformat(piece.replace("/", "-"))
        except ValueError:
            return None
        if at.tzinfo is None:
            return None if after in "Z+-.," and after else Told(at.replace(tzinfo=UTC), False, True, last, first)
        return Told(at.astimezone(UTC), True, True, last, first)

    def _iso(self, text: str) -> Told | None:
        found = _ISO.search(text)
        if found is None:
            return None
        year, month, day, hour, minute, second, fraction, zone = found.groups()
        told = _made(int(year), int(month), int(day), hour, minute, second, fraction, zone)
        piece = found.group()
        plain = len(piece) >= 19 and piece[4] in "-/" and piece[10] in "T " and len(fraction or "") in (0, 3, 6)
        self._slot = found.span() if plain and " " not in piece[19:] and ":" not in piece[19:20] else None
        self._year = int(year)
        return told.standing(found)

    def _others(self, text: str) -> Told | None:
        if found := _DAY_FIRST.search(text):
            day, month, year, hour, minute, second, fraction = found.groups()
            return _made(int(year), int(month), int(day), hour, minute, second, fraction)._replace(
                end=found.end(), start=found.start()
            )
        if found := _SLASHES.search(text):
            one, two, year, hour, minute, second, fraction, half = found.groups()
            month, day = (int(two), int(one)) if int(one) > 12 else (int(one), int(two))
            hour = _of_24(hour, half)
            return _made(int(year), month, day, hour, minute, second or "0", fraction)._replace(
                end=found.end(), start=found.start()
            )
        if found := _COMPACT.search(text):
            year, month, day, hour, minute, second, fraction, zone = found.groups()
            return _made(int(year), int(month), int(day), hour, minute, second, fraction, zone).standing(found)
        if (found := _NAMED_DAY.search(text)) and (number := _MONTHS.get(found[2].lower())):
            day, _, year, hour, minute, second, fraction, zone = found.groups()
            return _made(int(year), number, int(day), hour, minute, second, fraction, zone).standing(found)
        if (found := _NAMED_MONTH.search(text)) and (number := _MONTHS.get(found[1].lower())):
            _, day, year, hour, minute, second, fraction, half = found.groups()
            return _made(int(year), number, int(day), _of_24(hour, half), minute, second, fraction).standing(found)
        if (found := _SYSLOG.search(text)) and (number := _MONTHS.get(found[1].lower())):
            _, day, hour, minute, second, fraction = found.groups()
            return _made(self._year, number, int(day), hour, minute, second, fraction)._replace(
                end=found.end(), start=found.start()
            )
        return None

    def _epoch(self, text: str) -> Told | None:
        found = _EPOCH.search(text)
        if found is None:
            return None
        seconds, thousandths, fraction = found.groups()
        at = EPOCH_DAY + timedelta(seconds=int(seconds), microseconds=_micro(thousandths or fraction))
        return Told(at, True, True, found.end(), found.start())

    def _clock_only(self, text: str) -> Told | None:
        found = _CLOCK.search(text)
        if found is None:
            return None
        hour, minute, second, fraction, half = found.groups()
        told = _made(1970, 1, 1, _of_24(hour, half), minute, second, fraction)
        at = told.at
        if self._clock is not None:
            at += timedelta(days=(self._clock - EPOCH_DAY).days)
            if self._clock - at > timedelta(hours=12):  # midnight; and not two threads that overtook each other
                at += timedelta(days=1)
        self._clock = at
        return Told(at, False, False, found.end(), found.start())


def _of_24(hour: str, half: str | None) -> str:
    return hour if not half else str(int(hour) % 12 + 12 * (half.lower() == "pm"))


def _micro(fraction: str | None) -> int:
    return int((fraction or "0")[:6].ljust(6, "0"))


def _made(
    year: int, month: int, day: int, hour: str, minute: str, second: str, fraction: str | None, zone: str | None = None
) -> Told:
    at = datetime(year, month, day, int(hour), int(minute), min(int(second), 59), _micro(fraction), tzinfo=UTC)
    if zone and zone != "Z":
        sign = -1 if zone[0] == "-" else 1
        at -= sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return Told(at, zone is not None, True)
