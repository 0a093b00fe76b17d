"""The table of the night agrees with the exercises and with what notebooks say of themselves."""

from __future__ import annotations

import re

import pytest

from ocpp_course.checks.step import MILESTONES, steps
from ocpp_course.lab.night import NIGHT, POINTS, WARM_UP, WARM_UP_MINUTES, Hour, hour, spoken
from tests.house import ROOT


def text(folder: str, stem: str) -> str:
    return (ROOT / folder / f"{stem}.py").read_text(encoding="utf-8")


def test_every_milestone_has_its_hour() -> None:
    assert [f"{each.number}" for each in NIGHT] == list(MILESTONES)


@pytest.mark.parametrize("each", NIGHT, ids=lambda each: each.stem)
def test_an_hour_counts_what_there_is(each: Hour) -> None:
    numbered = [step for step in steps(str(each.number)) if not step.capstone]
    assert len(numbered) == each.steps
    assert sum(step.points for step in steps(str(each.number))) == POINTS


@pytest.mark.parametrize("each", NIGHT, ids=lambda each: each.stem)
def test_an_hour_tells_what_its_notebook_tells(each: Hour) -> None:
    notebook = text("notebooks", each.stem)
    assert f"Friday, {each.time}" in notebook
    assert each.question.lower() in " ".join(notebook.replace("\n# ", " ").split()).lower()


@pytest.mark.parametrize("each", NIGHT, ids=lambda each: each.stem)
def test_the_minutes_of_an_exercise_are_those_of_its_sittings(each: Hour) -> None:
    sittings = re.findall(r"^# \| \d \| .* \| (\d+) min(?:utes)? \|$", text("solutions", each.stem), re.M)
    assert sum(map(int, sittings)) == each.building


@pytest.mark.parametrize("each", NIGHT, ids=lambda each: each.stem)
def test_the_readme_tells_the_same_night(each: Hour) -> None:
    read = f"[{each.number} {each.name.lower()}](notebooks/{each.stem}.ipynb)"
    build = f"[{each.steps} steps, {spoken(each.building)}](exercises/{each.stem}.ipynb)"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"| {each.time} | {each.happens} | {read} | {build} |" in readme


def test_the_warm_up_is_there_and_says_its_minutes() -> None:
    assert f"**About {WARM_UP_MINUTES} minutes" in text("notebooks", WARM_UP)


def test_an_hour_that_is_none_is_refused() -> None:
    assert hour(3).time == "19:02"
    with pytest.raises(LookupError, match=r"expected a milestone of \[1, 2, 3, 4, 5, 6\], came 12"):
        hour(12)


@pytest.mark.parametrize(("minutes", "words"), [(45, "45 min"), (60, "1 h"), (145, "2 h 25"), (605, "10 h 05")])
def test_minutes_are_spoken(minutes: int, words: str) -> None:
    assert spoken(minutes) == words
