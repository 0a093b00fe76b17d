"""The drills of capstones 5 and 6: what breaks the broken pieces passes, and a miss is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ocpp_course.checks import Result
from ocpp_course.checks.authoring import run
from ocpp_course.checks.integration_and_metrics import drilled as pages_drilled
from ocpp_course.checks.integration_and_metrics.drill import BROKEN, DRILL
from ocpp_course.checks.integration_and_metrics.hours import SECONDS, VERDICTS, example
from ocpp_course.checks.lifecycle_loop import drilled as night_drilled
from ocpp_course.checks.workbook import cells
from tests.house import ROOT

MISSES_ALL = """
async def drill(night):
    await night.later(100)
    assert night.state == "online"
"""
CUTS = """
async def drill(night):
    for _ in range(3):
        night.cut()
        await night.later(60)
    assert night.sent("BootNotification") == 1
"""
TOO_STRICT = """
async def drill(night):
    night.cut()
    assert night.state == "waiting"
"""


def drill_of(code: str) -> Any:
    names: dict[str, Any] = {"__name__": "answer"}
    run(code, "<a drill>", names)
    return names["drill"]


def ours(milestone: str) -> Any:
    (path,) = (ROOT / "solutions").glob(f"0{milestone}_*.py")
    return drill_of(_cell(path, "solution-only"))


def _cell(path: Path, tag: str) -> str:
    (found,) = [
        each.source for each in cells(path) if tag in each.tags and "drill" in each.source and not each.markdown
    ]
    return str(found)


def failed(result: Result) -> list[str]:
    return [row.name for row in result.rows if not row.ok]


def test_our_drill_of_a_night_passes() -> None:
    assert night_drilled(ours("5")).state == "passed"


@pytest.mark.parametrize(
    ("code", "names", "said"),
    [
        (MISSES_ALL, ["catches-boots", "catches-beats", "catches-old-key"], "count the boots"),
        (CUTS, ["catches-beats", "catches-old-key"], "count the heartbeats of ten intervals"),
        (TOO_STRICT, ["passes-good"], "fails on a right charge point"),
    ],
)
def test_what_a_drill_of_a_night_is_told(code: str, names: list[str], said: str) -> None:
    result = night_drilled(drill_of(code))
    assert failed(result) == names
    assert said in result.diagnosis


def test_the_stub_of_a_night_is_not_written_yet() -> None:
    (path,) = (ROOT / "solutions").glob("05_*.py")
    assert night_drilled(drill_of(_cell(path, "exercise-only"))).state == "unwritten"


def test_our_pages_pass() -> None:
    assert pages_drilled(ours("6")).state == "passed"
    assert pages_drilled({}).state == "unwritten"


@pytest.mark.parametrize(
    ("pages", "said"),
    [
        ({"A": ({}, {})}, "B is missing"),
        (DRILL | {"B": {}}, "a pair is `(before, after)`"),
        (DRILL | {"B": ({}, {"x": "1"})}, "the value of a series is a number"),
        (DRILL | {"C": DRILL["B"]}, "on these pages C says healthy, and that is right"),
        ([DRILL], "`drill` is a dict"),
    ],
)
def test_what_pages_are_told(pages: Any, said: str) -> None:
    assert said in pages_drilled(pages).diagnosis


@pytest.mark.parametrize("name", ["A", "C"])
def test_a_broken_diagnosis_names_the_hours_of_the_exercise(name: str) -> None:
    """So nobody has noticed; the text of the drill says so."""
    assert [BROKEN[name](*example(word), SECONDS) for word in VERDICTS] == list(VERDICTS)
