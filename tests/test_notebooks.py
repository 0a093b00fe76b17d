"""Each notebook keeps the rules of tests/notebook_rules.py, and each rule is shown to bite."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import notebook_rules as rules
from tests.house import ROOT
from tests.notebook_rules import Notebook, Rule

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
KEPT = [(path, rule) for path in NOTEBOOKS for rule in (rules.RULES if path.stem[:1].isdigit() else rules.OF_A_TOOL)]


def load(path: Path) -> Notebook:
    notebook: Notebook = json.loads(path.read_text(encoding="utf-8"))
    return notebook


def name_of(thing: Any) -> str:
    return thing.stem if isinstance(thing, Path) else thing.__name__


@pytest.mark.parametrize(("path", "rule"), KEPT, ids=name_of)
def test_a_notebook_keeps_the_rule(path: Path, rule: Rule) -> None:
    assert list(rule(load(path))) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_a_notebook_is_in_step_with_its_source(path: Path) -> None:
    assert list(rules.in_step(load(path), path.with_suffix(".py"))) == []


def test_every_source_has_its_notebook() -> None:
    sources = {path.stem for path in (ROOT / "notebooks").glob("*.py")}
    assert sources == {path.stem for path in NOTEBOOKS} != set()


# --- the rules themselves -------------------------------------------------------------------------------------------


def code(source: str, text: str, count: int, **output: Any) -> dict[str, Any]:
    stream = {"output_type": "stream", "name": "stdout", "text": [text]} | output
    return {"cell_type": "code", "source": [source], "execution_count": count, "metadata": {}, "outputs": [stream]}


def prose(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "source": [text], "metadata": {}}


@pytest.fixture
def good() -> Notebook:
    """A notebook that keeps every rule: 15 code cells of one line, 15 of prose with five words each."""
    cells = [cell for n in range(1, 16) for cell in (prose("Five words say why it"), code(f"print({n})", f"{n}\n", n))]
    cells[0] = prose("**About 50 minutes** it takes")
    metadata = {"kernelspec": {"name": "python3"}, "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def spoil_cell(**changes: Any) -> Callable[[Notebook], None]:
    return lambda notebook: notebook["cells"][1].update(changes)


def spoil_prose(text: str) -> Callable[[Notebook], None]:
    return lambda notebook: notebook["cells"][0].update(source=[text])


def add_prose(text: str) -> Callable[[Notebook], None]:
    return lambda notebook: notebook["cells"].append(prose(text))


def spoil_output(**output: Any) -> Callable[[Notebook], None]:
    return lambda notebook: notebook["cells"][1]["outputs"].append(output)


def html(text: str) -> Callable[[Notebook], None]:
    return spoil_output(output_type="display_data", data={"text/html": [text]})


PICTURE = {"image/png": "iVBORw0KGgo="}
SPOILT: list[tuple[Rule, Callable[[Notebook], None], str]] = [
    (rules.number_of_cells, lambda notebook: notebook["cells"].__delitem__(slice(24, None)), "24 cells"),
    (rules.counted_from_one, spoil_cell(execution_count=None), "[None, 2, 3"),
    (rules.counted_from_one, spoil_cell(execution_count=7), "[7, 2, 3"),
    (rules.says_something, spoil_cell(outputs=[]), "'print(1)' has no output"),
    (rules.no_error_stored, spoil_output(output_type="error", ename="KeyError", traceback=[]), "raised KeyError"),
    (rules.no_error_stored, spoil_cell(metadata={"tags": ["raises-exception"]}), "raised nothing"),
    (rules.cells_are_short, spoil_cell(source=["1\n"] * 30 + ["1"]), "31 lines"),
    (rules.prose_and_code_in_balance, spoil_cell(source=["1\n"] * 8), "3.4 words"),
    (rules.prose_and_code_in_balance, lambda notebook: notebook["cells"].append(prose("word " * 120)), "13.0 words"),
    (rules.images_have_alternative_text, html('<figure><img src="a.png"></figure>'), "no alt text"),
    (rules.images_have_alternative_text, html('<img alt="" src="data:image/png;base64,aaaa">'), "no alt text"),
    (rules.images_have_alternative_text, spoil_output(output_type="display_data", data=PICTURE), "bare image"),
    (rules.images_have_alternative_text, lambda notebook: notebook["cells"].append(prose("![](a.png)")), "no alt"),
    (rules.no_path_of_a_machine, html("file " + "/".join(["", "home", "me", "x.py"])), "shows the path"),
    (rules.hidden_code_says_what_it_prepares, spoil_cell(metadata={"jupyter": {"source_hidden": True}}), "'print(1)'"),
    (rules.says_how_long_it_takes, spoil_prose("Five words say not how"), "says not how long"),
    (rules.says_how_long_it_takes, spoil_prose("**About 75 minutes, in two sittings**"), "2 sittings and 0 places"),
    (rules.names_what_exists, add_prose("The loop is in `charge_point/line.py`."), "file charge_point/line.py"),
    (rules.names_what_exists, add_prose("Then `Pending.forget_all` ends them."), "Pending.forget_all"),
    (rules.calls_it_a_connection, add_prose("We cut the line, and wait."), "'cut the line'"),
    (rules.calls_it_a_connection, add_prose("Three\nlines lost."), "'lines lost'"),
    (rules.keeps_its_answers_folded, add_prose("**Predict** what comes."), "expected a card"),
    (rules.keeps_its_answers_folded, spoil_cell(source=["q1 = lab.predict('What comes?')"]), "shows the answer"),
    (
        rules.keeps_its_answers_out_of_pages,
        spoil_cell(source=["# Question 1"], metadata={"jupyter": {"source_hidden": True}}),
        "shows its answer",
    ),
    (rules.leaves_questions, add_prose("**Check yourself.** Who may close?"), "none without"),
    (rules.opens_without_a_question, lambda notebook: notebook["metadata"].pop("language_info"), "would ask"),
]


def test_a_good_notebook_has_no_complaint(good: Notebook) -> None:
    good["cells"][1]["outputs"].append(
        {
            "output_type": "display_data",
            "data": {"text/html": ['<img alt="2 frames" src="data:image/png;base64,/9j/">']},
        }
    )
    assert [complaint for rule in rules.RULES for complaint in rule(good)] == []


def test_hidden_machinery_may_be_silent(good: Notebook) -> None:
    good["cells"][1].update(source=["# Prepares a peer.\n", "1"], metadata={"jupyter": {"source_hidden": True}})
    good["cells"][1]["outputs"] = []
    assert [complaint for rule in rules.RULES for complaint in rule(good)] == []


def test_a_folded_question_is_neither_prose_nor_code(good: Notebook) -> None:
    good["cells"] += [prose("Five words say why it")] * (rules.CELLS.stop - 1 - len(good["cells"]))
    assert list(rules.number_of_cells(good)) == []
    balance = rules.words_per_code_line(good)
    good["cells"].append(code("# Question 1.\nq1 = lab.predict('Six words ask what comes then')", "", 16))
    good["cells"][-1].update(metadata={"jupyter": {"source_hidden": True}}, outputs=[])
    assert rules.words_per_code_line(good) == balance
    assert list(rules.number_of_cells(good)) == []
    assert list(rules.keeps_its_answers_folded(good)) == []


@pytest.mark.parametrize(("rule", "spoil", "complaint"), SPOILT)
def test_a_spoilt_notebook_breaks_one_rule(
    good: Notebook, rule: Rule, spoil: Callable[[Notebook], None], complaint: str
) -> None:
    spoil(good)
    complaints = {each.__name__: list(each(good)) for each in rules.RULES}
    assert complaint in "\n".join(complaints[rule.__name__])


def test_every_rule_is_shown_to_bite() -> None:
    assert {rule for rule, _, _ in SPOILT} == set(rules.RULES)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small source, made into a notebook by tools/notebooks.py."""
    from tools import notebooks

    source = tmp_path_factory.mktemp("made") / "00_small.py"
    source.write_text((ROOT / "tests" / "data" / "00_small.py").read_text(encoding="utf-8"))
    assert notebooks.make(source)
    return source


def test_a_made_notebook_is_clean_and_in_step(made: Path) -> None:
    notebook = load(made.with_suffix(".ipynb"))
    wanted = [rule for rule in rules.RULES if rule not in (rules.number_of_cells, rules.prose_and_code_in_balance)]
    assert [complaint for rule in wanted for complaint in rule(notebook)] == []
    assert list(rules.in_step(notebook, made)) == []


def test_a_changed_source_is_noticed(made: Path, tmp_path: Path) -> None:
    changed = tmp_path / made.name
    changed.write_text(made.read_text(encoding="utf-8").replace("ready", "steady"))
    assert list(rules.in_step(load(made.with_suffix(".ipynb")), changed)) != []


def test_a_hidden_cell_stays_hidden(made: Path, tmp_path: Path) -> None:
    notebook, shown = load(made.with_suffix(".ipynb")), tmp_path / made.name
    assert [rules.hidden(cell) for cell in rules.code_cells(notebook)].count(True) == 1
    shown.write_text(made.read_text(encoding="utf-8").replace(' jupyter={"source_hidden": true}', ""))
    assert list(rules.in_step(notebook, shown)) != []


def test_making_it_again_changes_nothing(made: Path) -> None:
    from tools import notebooks

    first = made.with_suffix(".ipynb").read_text(encoding="utf-8")
    assert notebooks.make(made)
    assert made.with_suffix(".ipynb").read_text(encoding="utf-8") == first


def test_a_cell_that_fails_leaves_the_old_notebook(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tools import notebooks

    source = tmp_path / "00_broken.py"
    source.write_text("# %%\n1 / 0\n")
    assert not notebooks.make(source)
    assert "ZeroDivisionError" in capsys.readouterr().out
    assert not source.with_suffix(".ipynb").exists()


def test_nbval_compares_facts_and_overlooks_what_the_sanitizer_names(made: Path, tmp_path: Path) -> None:
    """Strict nbval with our settings: another duration and other pixels pass, another word fails."""
    (tmp_path / "notebooks").mkdir()
    for name in ["conftest.py", "pyproject.toml", "notebooks/sanitize.cfg"]:
        (tmp_path / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    text = made.with_suffix(".ipynb").read_text(encoding="utf-8")
    overlooked = text.replace("12.5 ms", "7 ms", 1).replace("base64,iVBORw0", "base64,AAAAAAA", 1)
    assert overlooked.count("12.5 ms") == 0 and overlooked.count("base64,AAAAAAA") == 1
    (tmp_path / "notebooks" / "00_overlooked.ipynb").write_text(overlooked, encoding="utf-8")
    noticed = text.replace('"ready\\n"', '"steady\\n"', 1).replace('alt=\\"three points', 'alt=\\"four points', 1)
    (tmp_path / "notebooks" / "00_noticed.ipynb").write_text(noticed, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "--nbval", "notebooks"]
    report = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).stdout
    assert "2 failed, 10 passed" in report, report
    assert "00_overlooked.ipynb" not in report.partition("short test summary")[2]


def test_prints_in_a_row_are_one_text() -> None:
    """How many pieces a cell's prints come in depends on how busy the machine was."""
    from nbformat.v4 import new_code_cell, new_notebook, new_output

    from tools import notebooks

    def said(name: str, text: str) -> Any:
        return new_output("stream", name=name, text=text)  # type: ignore[no-untyped-call]

    outputs = [said("stdout", "a\n"), said("stdout", "b\n"), said("stderr", "c\n"), said("stdout", "d\n")]
    notebook = new_notebook(cells=[new_code_cell("print()", outputs=outputs)])  # type: ignore[no-untyped-call]
    notebooks.tidy(notebook)
    told = [(output.name, output.text) for output in notebook.cells[0].outputs]
    assert told == [("stdout", "a\nb\n"), ("stderr", "c\n"), ("stdout", "d\n")]


def test_a_picture_that_is_an_svg_gets_a_png() -> None:
    """GitHub shows no other; what it is made of stands beside it."""
    from nbformat.v4 import new_code_cell, new_notebook, new_output

    from ocpp_course.lab import ladder
    from tools import notebooks

    shown = new_output("execute_result", {"text/html": ladder([])._repr_html_()})  # type: ignore[no-untyped-call]
    notebook = new_notebook(cells=[new_code_cell("ladder", outputs=[shown])])  # type: ignore[no-untyped-call]
    notebooks.tidy(notebook)
    html = notebook.cells[0].outputs[0].data["text/html"]
    assert 'src="data:image/png;base64,iVBOR' in html and 'data-svg="' in html
