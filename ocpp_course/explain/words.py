"""Times, energies and weights of a digest in words, the same in every form of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from ocpp_lab.logs import Finding

from .charge import Charge
from .digest import Digest, Station

WEIGHTS = ((70, "heavy", "costly"), (30, "bug", "bugs that show"), (0, "harmless", "small"))
"""From which weight on, the word of `ink`, and what it means. In the order in which findings are told."""
NOBODY = "(no identity)"


def kind_of(finding: Finding) -> str:
    """heavy, bug or harmless."""
    return next(kind for least, kind, _ in WEIGHTS if finding.weight >= least or not least)


def counted(findings: list[Finding]) -> list[tuple[str, int, str]]:
    """How many of each weight there are, the heaviest first; those that there are none of are left out."""
    found = [(kind, sum(kind_of(each) == kind for each in findings), meaning) for _, kind, meaning in WEIGHTS]
    return [each for each in found if each[1]]


def weighed(findings: list[Finding]) -> str:
    """``costly: 1 · bugs that show: 2``."""
    return " · ".join(f"{meaning}: {count}" for _, count, meaning in counted(findings))


def name(identity: str | None) -> str:
    """How a charge point is called."""
    return identity or NOBODY


def energy(charge: Charge) -> str:
    """``7.21 kWh``; a question mark if the log does not show it."""
    return "?" if charge.energy is None else f"{charge.energy / 1000:.2f} kWh"


def total(stations: Iterable[Station]) -> str:
    """``3 transactions, 18.40 kWh``; all of them, also those that are not told one by one."""
    all_of_them = list(stations)
    count = sum(each.transactions for each in all_of_them)
    wh = sum(each.energy for each in all_of_them)
    return f"{count:,} transaction{'' if count == 1 else 's'}, {wh / 1000:.2f} kWh"


def ending(charge: Charge) -> str:
    """Why it ended, in a word."""
    return charge.reason or "still open"


def clock(at: datetime | None, digest: Digest) -> str:
    """The time of day; with the date if the log is longer than a day."""
    if at is None:
        return "–"
    spans_days = digest.dated and digest.first and digest.last and digest.first.date() != digest.last.date()
    return f"{at:%m-%d %H:%M:%S}" if spans_days else f"{at:%H:%M:%S}"


def span(digest: Digest) -> str:
    """From when to when, and how long that is."""
    if digest.first is None or digest.last is None:
        return "without times"
    form = "%Y-%m-%d %H:%M:%S" if digest.dated else "%H:%M:%S"
    zone = {"known": " UTC"}.get(digest.zone, "")
    first, last = f"{digest.first:{form}}", f"{digest.last:{form}}"
    if first[:11] == last[:11]:
        last = last[11:] if digest.dated else last
    return f"{first} to {last}{zone} ({lasting(digest.last - digest.first)})"


def lasting(time: timedelta) -> str:
    """``45 s``, ``12 min``, ``3 h 21 min``, ``2 days 4 h``."""
    seconds = int(time.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 120:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h {minutes % 60} min" if hours < 48 else f"{hours // 24} days {hours % 24} h"


def at_fault(finding: Finding) -> str:
    """``the charge point``, ``the link``."""
    return finding.side if finding.side.startswith("the ") else f"the {finding.side}"


def where(finding: Finding, most: int = 8) -> str:
    """``line 12``, ``lines 12, 40, 41 and 3 more``."""
    lines = finding.lines
    told = ", ".join(str(line) for line in lines[:most])
    more = f" and {len(lines) - most} more" if len(lines) > most else ""
    return f"line{'' if len(lines) == 1 else 's'} {told}{more}" if lines else "no line of its own"


def taught(finding: Finding) -> str:
    """``notebook 4, "5. Twice"``, or ``exercise 3, step 3.4``."""
    stem, heading = finding.taught
    kind = "exercise" if stem.startswith("exercise") else "notebook"
    number = stem.rpartition("/")[2].partition("_")[0].lstrip("0")
    quoted = (
        f"step {heading}" if heading[:1].isdigit() and "." in heading[:2] and " " not in heading else f'"{heading}"'
    )
    return f"{kind} {number or stem}, {quoted}" if heading else f"{kind} {number or stem}"
