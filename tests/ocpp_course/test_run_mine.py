"""`ocpp-lab run-mine`: the stack that a learner wrote works, or the line that says what does not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ocpp_course.__main__ import app
from ocpp_course.checks import MILESTONES, authoring, step, steps
from ocpp_course.checks.shelf import FOLDER_VARIABLE, Shelf
from ocpp_course.cli import run_mine as mine
from ocpp_course.cli.run_mine import WANTED, Judge, Stack, nights, planted
from tests.house import scaled
from tests.ocpp_course.checks.answers import authored

ALL = len(WANTED)


def keep(folder: Path, *numbers: str) -> Shelf:
    """A shelf with our answers to these steps and to those that they grow from, as a learner would have it."""
    shelf = Shelf(folder / "my_stack")
    for number in numbers:
        its = authored(number.partition(".")[0])
        if number in its:
            keep(folder, *re.findall(r'\(mine\("(.+?)"\)\):', its[number].solution))
            shelf.keep(step(number), authoring.pieces(step(number), authoring.load(its, number)))
    return shelf


def spoil(shelf: Shelf, number: str, code: str) -> None:
    """Go on in that step's file with something that is wrong."""
    with shelf.module_path(number).open("a", encoding="utf-8") as file:
        file.write(f"\n\n{code}\n")


def run(shelf: Shelf, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, str]:
    monkeypatch.setenv(FOLDER_VARIABLE, str(shelf.folder))
    result = CliRunner().invoke(app, ["run-mine", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return keep(tmp_path, *(each.number for number in MILESTONES for each in steps(number) if not each.capstone))


def test_a_stack_that_was_written_step_by_step(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """All pieces are the learner's; live, foreign and in chaos they hold, and the planted fault is named."""
    code, said = run(shelf, monkeypatch, "--seeds", str(scaled(5, 100)))
    assert code == 0, said
    there = sum(number in authored(number.partition(".")[0]) for number in WANTED.values())
    assert said.startswith(f"{there} of {ALL} pieces are yours"), said
    assert "✗" not in said and said.count("✓ it boots") == 2
    assert f"{scaled(5, 100)} nights survived" in said


def test_nothing_written_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package's pieces go in, and the first line says which; a foreign peer that is not installed is left out."""
    monkeypatch.setattr(mine, "is_installed", lambda: False)
    code, said = run(Shelf(tmp_path / "my_stack"), monkeypatch, "--seeds", "1", "--fault", "3")
    assert code == 0, said
    assert said.startswith(f"0 of {ALL} pieces are yours; the package's: decode (1.1)")
    assert "the PyPI package ocpp is not installed" in said


def test_instruments_that_miss_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The balance is asked for live and after every night; the exit code is 1."""
    shelf = keep(tmp_path, "6.1")
    spoil(shelf, "6.1", "Instruments.call_ended = lambda self, action, outcome, seconds: None")
    code, said = run(shelf, monkeypatch, "--seeds", "5")
    assert code == 1
    assert "✗ the books balance" in said
    assert "✗ seed 0: " in said


def test_a_session_that_calls_twice(tmp_path: Path) -> None:
    """Chaos finds it, and tells the seed and the frames."""
    shelf = keep(tmp_path, "4.7", "4.5")
    spoil(
        shelf,
        "4.7",
        "once = Session.call\n\n\nasync def call(self, request, *, timeout=None):\n"
        "    await once(self, request, timeout=timeout)\n    return await once(self, request, timeout=timeout)\n\n\n"
        "Session.call = call",
    )
    said: list[str] = []
    judge = Judge(said.append)
    nights(Stack(shelf), judge, 5, lambda done: None)
    assert not judge.all_well
    assert "✗ seed 0: " in said[0]


def test_a_diagnosis_that_is_wrong(tmp_path: Path) -> None:
    """It is told what the planted fault was."""
    shelf = keep(tmp_path, "6.5")
    spoil(shelf, "6.5", "diagnose = lambda before, after, seconds: 'tired'")
    said: list[str] = []
    judge = Judge(said.append)
    planted(Stack(shelf), judge, 1)
    assert not judge.all_well and said[0].startswith("  ✗ `diagnose` says tired; it was ")


def test_a_piece_that_was_spoilt_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its file is named in one line."""
    shelf = keep(tmp_path, "3.1")
    spoil(shelf, "3.1", "def (:")
    code, said = run(shelf, monkeypatch, "--seeds", "1")
    assert code == 2
    assert "step_3_1.py" in said and "Traceback" not in said


def test_a_piece_that_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends its part, and the next one is run all the same."""
    shelf = keep(tmp_path, "6.1")
    spoil(shelf, "6.1", "Instruments = None.__class__")
    code, said = run(shelf, monkeypatch, "--seeds", "1")
    assert code == 1
    assert said.count("✗ it broke off: TypeError") == 2
    assert "A fault, planted" in said
