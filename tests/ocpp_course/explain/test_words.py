"""Times, energies and faults in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ocpp_course.explain import words
from ocpp_course.explain.digest import Digest
from tests.ocpp_course.explain.made import finding

NIGHT = datetime(2026, 6, 6, 20, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "wanted"),
    [(45, "45 s"), (119, "119 s"), (750, "12 min"), (12_060, "3 h 21 min"), (187_200, "2 days 4 h")],
)
def test_how_long_it_lasted(seconds: int, wanted: str) -> None:
    assert words.lasting(timedelta(seconds=seconds)) == wanted


def test_a_log_of_one_day_says_its_date_once() -> None:
    told = Digest("x", first=NIGHT, last=NIGHT + timedelta(minutes=12), zone="known")
    assert words.span(told) == "2026-06-06 20:20:00 to 20:32:00 UTC (12 min)"
    assert words.clock(NIGHT, told) == "20:20:00"


def test_a_log_over_midnight_says_both_dates() -> None:
    told = Digest("x", first=NIGHT, last=NIGHT + timedelta(hours=6))
    assert words.span(told) == "2026-06-06 20:20:00 to 2026-06-07 02:20:00 (6 h 0 min)"
    assert words.clock(NIGHT, told) == "06-06 20:20:00"


def test_a_log_without_date_says_none() -> None:
    first = datetime(1970, 1, 1, 20, 20, tzinfo=UTC)
    assert words.span(Digest("x", first=first, last=first, dated=False)) == "20:20:00 to 20:20:00 (0 s)"
    assert words.span(Digest("x")) == "without times"
    assert words.clock(None, Digest("x")) == "–"


def test_where_and_where_it_is_taught() -> None:
    assert words.where(finding(0)) == "line 1"
    assert words.where(finding(*range(12)), most=2) == "lines 1, 2 and 10 more"
    assert words.taught(finding(0)) == 'notebook 4, "5. Twice"'
    assert words.taught(finding(0, taught=("exercises/03_session_reconnect", "3.4"))) == "exercise 3, step 3.4"


def test_findings_are_counted_by_weight() -> None:
    found = [finding(0, weight=100), finding(0, weight=50), finding(0, weight=60), finding(0, weight=10)]
    assert [(kind, count) for kind, count, _ in words.counted(found)] == [("heavy", 1), ("bug", 2), ("harmless", 1)]
