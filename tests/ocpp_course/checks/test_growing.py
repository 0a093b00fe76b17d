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


def test_the_step_before_in_the_place_of_this_one(exercises: Path) -> None:
    """Its cell was not run, or its class or method is called otherwise: said before any lesson."""
    passed("4.1")
    result = check("4.2", mine("4.1"))
    assert result.first_line.startswith("This `Pending` is the one of step 4.1, and nothing of step 4.2 is in it.")


def test_a_method_that_is_nearly_called_right(exercises: Path) -> None:
    passed("4.1")
    spoilt = authored("4")["4.2"].answer.replace("def settle", "def settel")
    result = check("4.2", cell("4.2", spoilt))
    assert result.first_line == "`Pending` defines `settel`. Is `settle` meant?"
    alone = check("4.1", cell("4.1", authored("4")["4.1"].answer.replace("def settle", "def settel")))
    assert alone.first_line.startswith("Your `Pending` has no `settle`; it has `settel`."), "and that is said once"


WRONG = 'class Pending(mine("4.2")):\n    async def expect(self, call, timeout):\n        return None\n'


def test_what_grows_from_an_answer_that_was_mended_since(exercises: Path) -> None:
    """4.1 was mended and 4.2 not run again: `mine("4.2")` still builds on the old one."""
    passed("4.1", "4.2")
    mended = cell("4.1 again", authored("4")["4.1"].answer + "\n# mended\n")
    assert check("4.1", mended).state == "passed"
    said = "This `Pending` grows from an earlier answer to step 4.1"
    assert check("4.3", cell("4.3", WRONG)).first_line.startswith(said)
    passed("4.2")
    assert not check("4.3", cell("4.3", WRONG)).first_line.startswith(said)


def test_what_grows_from_a_step_that_has_not_passed_says_so(exercises: Path) -> None:
    """It is not said that it works: it is not judged, for the package's private names may be in its way."""
    result = check("4.2", cell("4.2", authored("4")["4.2"].answer))
    assert result.state == "reference"
    assert "it is not judged, and earns no points; first pass the step" in str(result)
    assert "it works" in str(check("4.2", ocpp_lab.Pending))


def test_a_kept_piece_without_its_import_is_named(exercises: Path) -> None:
    passed("4.1")
    kept = exercises / "my_stack" / "step_4_1.py"
    kept.write_text(kept.read_text().replace("def open(", "def open(self, *_): return encode\n\n    def opened("))
    forget()
    said = check("4.2", cell("4.2", authored("4")["4.2"].answer)).first_line
    assert "what was kept of step 4.1" in said and "into the cell of step 4.1: `from ocpp_lab import encode`" in said
