"""What a learner types: check, hint, solution, use_reference, mine, progress; and what is kept of it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import ocpp_lab
from ocpp_course.checks import check, course, hint, is_mine, mine, progress, solution, use_reference
from ocpp_course.checks.authoring import before, load, run
from ocpp_course.checks.shelf import Shelf, free_names
from tests.house import ROOT
from tests.ocpp_course.checks.answers import authored


@pytest.fixture
def exercises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A learner's folder, with the solutions beside it."""
    folder = tmp_path / "exercises"
    folder.mkdir()
    (tmp_path / "solutions").symlink_to(ROOT / "solutions")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(course, "_here", {})
    yield folder
    for name in [each for each in sys.modules if each.split(".")[0] == "my_stack"]:
        del sys.modules[name]


def answer(number: str, tail: str = "") -> Any:
    """The class of a step, as its cell would define it."""
    names: dict[str, Any] = {"__name__": "__main__"}
    run(authored(number[0])[number].answer + tail, f"<cell of {number}>", names)
    return names["Pending"]


def test_what_passes_is_kept_as_a_module(exercises: Path) -> None:
    result = check("4.1", answer("4.1"))
    assert (result.state, result.points) == ("passed", 2)
    assert result.notes == ["Kept in my_stack/step_4_1.py. Next: 4.2."]
    course._here.clear()  # another kernel
    kept = mine("4.1")
    assert kept is not ocpp_lab.Pending
    assert kept.__module__ == "my_stack.step_4_1"
    assert is_mine("4.1")
    assert "✓ 4.1" in repr(progress())
    assert "1 of" in progress().headline


def test_a_class_is_kept_after_those_that_it_builds_on(exercises: Path) -> None:
    """Each over the one before, in cells of their own; the names of their files say nothing about the order."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for file, code in {
        "<z>": authored("4")["4.1"].answer,
        "<m>": "class Pending(Pending):\n    def __repr__(self): return 'one'\n",
        "<a>": "class Pending(Pending):\n    def __str__(self): return 'two'\n",
    }.items():
        run(code, file, names)
    assert check("4.1", names["Pending"]).state == "passed"
    course._here.clear()
    assert (repr(mine("4.1")()), str(mine("4.1")())) == ("one", "two")


def test_a_class_that_begins_with_mine_is_kept_with_what_it_begins_with(exercises: Path) -> None:
    """`class Transport(mine("1.3"))`: in another kernel, the import of 1.4 imports 1.3 in its midst."""
    for number in ("1.3", "1.4"):
        names: dict[str, Any] = {"__name__": "__main__", "mine": mine}
        run(authored("1")[number].answer, f"<cell of {number}>", names)
        assert check(number, names["Transport"]).state == "passed"
        course._here.clear()  # another kernel
    kept = mine("1.4")
    assert kept.__module__ == "my_stack.step_1_4"
    assert kept.__base__.__module__ == "my_stack.step_1_3"
    assert check("1.4", kept).state == "passed"


def test_what_begins_with_the_packages_class_earns_nothing(exercises: Path) -> None:
    """`mine` gives the package's class for a step that has not passed, and that one can do everything already."""
    names: dict[str, Any] = {"__name__": "__main__", "mine": mine}
    run('class Transport(mine("1.3")):\n    def __repr__(self): return "mine"\n', "<cell of 1.4>", names)
    assert check("1.4", names["Transport"]).state == "reference"


def test_what_does_not_pass_is_not_kept(exercises: Path) -> None:
    wrong = authored("4")["4.1"].wrong[0]
    assert check("4.1", answer("4.1", f"\n{wrong.code}")).state == "wrong"
    assert not (exercises / "my_stack").exists()
    assert mine("4.1") is ocpp_lab.Pending
    assert not is_mine("4.1")


def test_an_older_answer_is_kept_aside(exercises: Path) -> None:
    """Nothing deletes work."""
    check("4.1", answer("4.1"))
    check("4.1", answer("4.1", "\n# another thought\n"))
    assert "another thought" in (exercises / "my_stack" / "step_4_1.py").read_text()
    assert "another thought" not in (exercises / "my_stack" / "step_4_1.py.1").read_text()


def test_the_packages_piece_is_recorded_and_earns_nothing(exercises: Path) -> None:
    assert use_reference("4.1") is ocpp_lab.Pending
    assert check("4.1", ocpp_lab.Pending).state == "reference"
    assert "○ 4.1" in repr(progress())
    check("4.1", answer("4.1"))
    use_reference("4.1")
    assert "✓ 4.1" in repr(progress()), "what was passed once stays passed"
    assert mine("4.1") is not ocpp_lab.Pending, "mine is mine, also after a look at theirs"


def test_a_table_in_a_cell_of_its_own_is_kept_too(exercises: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no function that says where it comes from."""
    whole = authored("3")["3.2"].answer
    table, machine = whole[: whole.index("class Machine")], whole[whole.index("class Machine") :]
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, text in enumerate((table, machine)):
        run(text, f"<cell {number}>", names)
    pieces = names["CONNECTION"], names["Machine"]
    monkeypatch.setattr(sys.modules["__main__"], "In", ["", table, machine], raising=False)
    assert "Kept in my_stack/step_3_2.py. Next" in str(check("3.2", *pieces))
    course._here.clear()
    assert mine("3.2")[0] == pieces[0]
    monkeypatch.setattr(sys.modules["__main__"], "In", ["", machine])
    assert "it uses `CONNECTION` of another cell: move that into this one" in str(check("3.2", *pieces))
    course._here.clear()
    with pytest.raises(ImportError, match=r"expected CONNECTION in my_stack/step_3_2\.py"):
        mine("3.2")


class Thin(ocpp_lab.Pending):
    """Nothing of its own."""


class Wrapped:
    """Everything is the package's, behind another name."""

    def __init__(self) -> None:
        self.inner = ocpp_lab.Pending()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@pytest.mark.parametrize("piece", [Thin, Wrapped], ids=lambda piece: piece.__name__)
def test_the_packages_piece_in_disguise_is_recognised(piece: Any) -> None:
    assert check("4.1", piece).state == "reference"


def test_hints_come_one_by_one(exercises: Path) -> None:
    told = [repr(hint("4.1")) for _ in range(4)]
    hints = authored("4")["4.1"].hints
    for number, said in enumerate(hints, 1):
        assert told[number - 1].startswith(f"Hint {number} of 3: {said}")
    assert all(said in told[3] for said in hints), "after the last, all again"
    assert "3 hints" in repr(progress())


def test_the_solution_wants_to_be_asked_twice(exercises: Path) -> None:
    """Text never shows it unasked; a page shows it behind a button that needs no kernel."""
    asks = solution("4.1")
    assert 'solution("4.1", sure=True)' in repr(asks)
    assert "class Pending" not in repr(asks)
    assert '<summary role="button"' in asks._repr_html_()
    assert "class Pending" in repr(solution("4.1", sure=True))


def test_after_a_pass_the_solution_is_shown_at_once_and_in_colour(exercises: Path) -> None:
    result = check("4.1", answer("4.1"))
    shown = solution("4.1")
    assert "class Pending" in repr(shown) and "<span" not in repr(shown)
    assert "<summary" not in shown._repr_html_() and '<span style="' in shown._repr_html_()
    assert 'solution("4.1")' in repr(result) and "Next: 4.2." in repr(result)


def test_after_a_pass_ours_stands_beside_theirs_and_says_what_it_has_more(exercises: Path) -> None:
    result = check("4.1", answer("4.1", "\n# my own thought\n"))
    (beside,) = result.beside
    assert "my own thought" in beside.yours and "my own thought" not in beside.ours
    assert "The package's `Pending` (ocpp_lab/pending.py) also has" in repr(result)
    assert "`expect`" in beside.more and "`settle`" not in beside.more
    assert "my own thought" in result._repr_html_() and "Our answer beside yours" in result._repr_html_()


def test_the_capstone_has_hints_too(exercises: Path) -> None:
    told = [repr(hint("4.capstone")) for _ in range(3)]
    assert told[0].startswith("Hint 1 of 3: ") and "4.1, 4.2" in told[0]
    assert "Session, Pending" in told[1]
    assert len(set(told)) == 3


def capstone_of_4(session: Any, pending: Any) -> str:
    ours = load(authored("4"), "4.capstone")
    return " ".join(repr(check("4.capstone", session, pending, ours["PLAN"], ours["PREDICTED"])).split())


def pieces_of_4(variant: str = "") -> tuple[Any, Any]:
    """`Session` as in 4.7 and `Pending` as in 4.5, or as a wrong answer to 4.5."""
    steps = authored("4")
    chosen = {n: wrong for n, each in steps.items() for wrong in each.wrong if wrong.name == variant}
    names = before(steps, "4.capstone", chosen)
    return names["Session"], names["Pending"]


def test_a_red_capstone_names_the_piece_that_does_not_pass_its_step_any_more(exercises: Path) -> None:
    session, pending = pieces_of_4()

    class Forgets(pending):  # type: ignore[misc]
        def settle(self, frame: Any) -> str:
            return "resolved"

    said = capstone_of_4(session, Forgets)
    assert "`Forgets`" not in said and "`Pending` does not pass step 4.5 any more" in said
    assert "`Session` does not pass" not in said


def test_a_red_capstone_says_whether_it_is_the_piece_that_passed(exercises: Path) -> None:
    session, pending = pieces_of_4()
    assert check("4.5", pending).state == "passed"

    class Newer(pending):  # type: ignore[misc]
        def settle(self, frame: Any) -> str:
            return "resolved"

    assert 'This `Pending` is not the one that passed step 4.5: `Pending = mine("4.5")`' in capstone_of_4(
        session, Newer
    )


def test_outside_a_clone_hints_say_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for said in (hint("4.1"), solution("4.1")):
        assert "expected the folder solutions beside" in repr(said)
    assert check("4.1", answer("4.1")).notes == [], "nothing is kept outside the folder exercises"


def test_a_broken_progress_file_costs_only_the_board(exercises: Path) -> None:
    (exercises / "my_stack").mkdir()
    (exercises / "my_stack" / "progress.json").write_text("{broken")
    assert "0 of" in progress().headline
    assert check("4.1", answer("4.1")).state == "passed"


# --- modules out of cells


def test_a_shelf_that_cannot_be_written_is_no_wrong_answer(exercises: Path) -> None:
    """A file stands where the folder should be, which stops root as well."""
    (exercises / "my_stack").write_text("")
    result = check("4.1", answer("4.1"))
    assert (result.state, result.points) == ("passed", 2)
    assert result.notes[0].startswith("Not kept: my_stack/step_4_1.py: ")
    assert result.notes[1].startswith("Your points are not on the board: my_stack/progress.json: ")
    use_reference("4.2")
    assert "Hint 1" in hint("4.2").text


def test_a_name_of_another_cell_is_imported_if_it_can_be() -> None:
    assert free_names("def f(x):\n    return asyncio.sleep(x) + len(y)") == ["asyncio", "y"]
    assert free_names("import asyncio\nclass A:\n    def f(self): return asyncio, A") == []


def test_imports_of_other_cells_go_with_the_answer(exercises: Path) -> None:
    """The cell says nothing of asyncio; an earlier one did."""
    its = authored("4")["4.1"]
    names: dict[str, Any] = {"__name__": "__main__", "asyncio": asyncio}
    head = "\n".join(line for line in its.head.splitlines() if line != "import asyncio")
    run(f"{head}\n\n{its.solution}", "<cell without import>", names)
    assert check("4.1", names["Pending"]).notes == ["Kept in my_stack/step_4_1.py. Next: 4.2."]
    course._here.clear()
    assert "import asyncio\n" in (exercises / "my_stack" / "step_4_1.py").read_text()
    assert mine("4.1").__module__ == "my_stack.step_4_1"
    assert Shelf.here() is not None
