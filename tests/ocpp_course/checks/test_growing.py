"""A class that grows over steps begins with ``mine("4.1")``: it is kept, found again, and earns no borrowed points."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import ocpp_lab
from ocpp_course.checks import check, course, mine, step
from ocpp_course.checks.authoring import run
from ocpp_course.checks.shelf import Shelf
from tests.ocpp_course.checks.answers import authored

GROWN = ("4.1", "4.2", "4.3", "4.4", "4.5")


@pytest.fixture
def exercises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "exercises"
    folder.mkdir()
    monkeypatch.chdir(folder)
    forget()
    yield folder
    forget()


def forget() -> None:
    """Another kernel."""
    course._here.clear()
    for name in [each for each in sys.modules if each.split(".")[0] == "my_stack"]:
        del sys.modules[name]


def cell(number: str, code: str) -> Any:
    names: dict[str, Any] = {"__name__": "__main__", "mine": mine}
    run(code, f"<cell of {number}>", names)
    return names["Pending"]


def passed(*numbers: str) -> None:
    for number in numbers:
        result = check(number, cell(number, authored("4")[number].answer))
        assert result.state == "passed", str(result)


def test_each_step_keeps_its_own_cell_and_is_found_again(exercises: Path) -> None:
    passed(*GROWN)
    text = (exercises / "my_stack" / "step_4_5.py").read_text()
    assert text.count("class Pending") == 1
    forget()
    kept = mine("4.5")
    assert [owner.__module__ for owner in kept.__mro__[:5]] == [f"my_stack.step_4_{n}" for n in (5, 4, 3, 2, 1)]
    assert ocpp_lab.Pending not in kept.__mro__


def test_it_is_found_from_another_folder(exercises: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ocpp-course run-mine` may be started anywhere; what a kept module calls its own lies beside it."""
    passed(*GROWN[:2])
    forget()
    monkeypatch.chdir("/")
    pieces = Shelf(exercises / "my_stack").load(step("4.2"))
    assert pieces is not None
    assert [owner.__module__ for owner in pieces[0].__mro__[:2]] == ["my_stack.step_4_2", "my_stack.step_4_1"]
    assert Shelf.here() is None


def test_the_next_stub_is_not_written_although_its_base_is(exercises: Path) -> None:
    passed("4.1")
    assert check("4.2", cell("4.2", authored("4")["4.2"].stub)).state == "unwritten"


def test_what_grows_from_the_package_earns_nothing(exercises: Path) -> None:
    """4.4 has not passed, so ``mine`` gives the package's class, which does all of 4.5 already."""
    code = """
class Pending(mine("4.4")):
    def fail_all(self, error):
        return super().fail_all(error)
"""
    result = check("4.5", cell("4.5", code))
    assert (result.state, result.points) == ("reference", 0)
