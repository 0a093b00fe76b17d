"""Batch grading: what each kind of submission costs, and that it costs nobody else anything."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import submissions
from tests.house import ROOT, scaled

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="grading needs a system that can fork")


def grade(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command, as an instructor types it. A process of its own: it forks, and pytest has threads."""
    return subprocess.run(
        [sys.executable, "-m", "ocpp_course", "grade", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=900,
        cwd=ROOT,
    )


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One folder with all kinds, graded once."""
    folder = tmp_path_factory.mktemp("class")
    precious = tmp_path_factory.mktemp("precious")
    (precious / "thesis.txt").write_text("three years")
    submissions.write(submissions.answered("4.1"), folder, "one-step")
    submissions.write(submissions.fresh(), folder, "unstarted")
    submissions.write(submissions.wrong("4.1", "oldest-first"), folder, "wrong")
    submissions.write(submissions.without_metadata(), folder, "by-hand")
    for name, tail in submissions.HOSTILE.items():
        tail = tail.replace("{precious!r}", repr(str(precious)))
        submissions.write(submissions.answered("4.1", tail=tail), folder, name)
    (folder / "empty_04_x.ipynb").write_text("")
    (folder / "broken_04_x.ipynb").write_text('{"cells": [{"cell_type": ')
    (folder / "nested_04_x.ipynb").write_text("[" * 200_000)
    (folder / "huge_04_x.ipynb").write_text(" " * 20_000_001)
    report, points = folder / "report.json", folder / "points.csv"
    done = grade(folder, folder / "gone_04_x.ipynb", "--json", report, "--csv", points, "--seconds", 25)
    assert done.returncode == 0, done.stderr
    told = json.loads(report.read_text())
    by_name = {each["name"].partition("_")[0]: each for each in told["submissions"]}
    rows = rows_of(points)
    facts = {"by name": by_name, "text": done.stdout, "rows": rows, "walls": told["isolation"]}
    return facts | {"precious": precious, "folder": folder}


def first_step(graded: dict[str, Any], name: str) -> dict[str, Any]:
    step: dict[str, Any] = graded["by name"][name]["steps"][0]
    return step


def test_points_are_those_of_the_steps_that_pass(graded: dict[str, Any]) -> None:
    assert graded["by name"]["one-step"]["points"] == 2
    assert graded["by name"]["unstarted"]["points"] == 0
    assert {step["state"] for step in graded["by name"]["unstarted"]["steps"]} == {"unwritten"}
    assert graded["by name"]["one-step"]["of"] == 20


def test_a_wrong_answer_gets_its_diagnosis(graded: dict[str, Any]) -> None:
    step = first_step(graded, "wrong")
    assert (step["state"], step["points"]) == ("wrong", 0)
    assert step["diagnosis"] == "any-order: this resolves whichever call is oldest; replies may come in any order."
    assert "✗" in graded["text"]


def test_cells_that_lost_their_metadata_are_found_by_their_checks(graded: dict[str, Any]) -> None:
    assert first_step(graded, "by-hand")["state"] == "passed"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("empty", "expected the JSON of a notebook"),
        ("broken", "expected the JSON of a notebook"),
        ("nested", "expected the JSON of a notebook"),
        ("huge", "expected at most 20,000,000 bytes, came 20,000,001"),
        ("gone", "expected a notebook, came nothing"),
        ("leaves", "it ended its own process"),
        ("prints", "it printed over 20,000,000 bytes"),
    ],
)
def test_what_cannot_be_judged_says_why(graded: dict[str, Any], name: str, said: str) -> None:
    assert said in graded["by name"][name]["problem"]
    assert said in graded["text"]


@pytest.mark.parametrize(("name", "note"), [("endless", "it was stopped after 5 s"), ("eats-memory", "MemoryError")])
def test_a_cell_that_goes_on_for_ever_is_stopped_and_told(graded: dict[str, Any], name: str, note: str) -> None:
    """What was defined above it still counts."""
    step = first_step(graded, name)
    assert note in step["note"]
    assert step["state"] == "passed"


def test_changing_the_checker_is_noticed(graded: dict[str, Any]) -> None:
    step = first_step(graded, "tampers")
    assert (step["state"], step["points"]) == ("tampered", 0)
    assert "ocpp_course.checks.kit.Kit.require" in step["diagnosis"]
    assert first_step(graded, "one-step")["state"] == "passed", "nobody else pays"


def test_files_of_others_are_safe_where_the_system_can_do_that(graded: dict[str, Any]) -> None:
    if "NOT protected" in graded["walls"]:
        pytest.skip("this system has no Landlock: the report says that files are not protected")
    assert (graded["precious"] / "thesis.txt").read_text() == "three years"
    assert "PermissionError" in first_step(graded, "deletes")["note"]


def test_the_network_is_cut_off_where_the_system_can_do_that(graded: dict[str, Any]) -> None:
    if "NOT cut off" in graded["walls"]:
        pytest.skip("this system grants no network namespace: the report says so")
    note = first_step(graded, "calls-home")["note"]
    assert "OSError" in note or "PermissionError" in note


def test_a_fork_bomb_ends_with_its_submission(graded: dict[str, Any]) -> None:
    """It costs its own points at most, and leaves no process behind."""
    assert "forks" in graded["by name"]
    if "NOT" not in graded["walls"]:
        left = subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True).stdout
        assert str(graded["folder"]) not in left


def test_the_table_has_a_row_for_each_step(graded: dict[str, Any]) -> None:
    rows = [row for row in graded["rows"] if row["name"].startswith("one-step")]
    assert [row["step"] for row in rows] == [step["step"] for step in graded["by name"]["one-step"]["steps"]]
    assert rows[0]["points"] == "2"


def test_nothing_to_grade_is_told(tmp_path: Path) -> None:
    done = grade(tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "expected notebooks (*.ipynb)" in done.stderr


def test_a_class_is_graded(tmp_path: Path) -> None:
    """10 submissions in `make test`, 200 in `make soak`; every one has its row, in the order of their names."""
    number = scaled(10, 200)
    submissions.a_class(tmp_path, number)
    done = grade(tmp_path, "--csv", tmp_path / "points.csv")
    assert done.returncode == 0, done.stderr
    names = list(dict.fromkeys(row["name"] for row in rows_of(tmp_path / "points.csv")))
    assert names == sorted(names)
    assert len(names) == number
    assert f"{'student-000'}_{submissions.EXERCISE}.ipynb" in names[0]
