"""A prediction shows the question first, keeps what happened folded, and loses nothing."""

from __future__ import annotations

import asyncio
import re
import sys
from typing import Any

import pytest
from IPython.display import HTML, display

from ocpp_course import lab
from tests.ocpp_course.lab.conftest import Shell

OPTIONS: dict[str, str | tuple[str, str]] = {"a": ("one", "There are two."), "b": "two", "c": "three"}


def ask(question: str = "How many?", options: Any = None, answer: str = "b", because: str = "Both came.") -> Any:
    return lab.predict(question, OPTIONS if options is None else options, answer=answer, because=because)


def test_as_text_it_is_question_options_right_letter_and_what_was_shown(
    shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    with ask():
        print("came:", 2)
    assert shell.text.splitlines() == [
        "Predict: How many?", "  (a) one", "  (b) two", "  (c) three", "Right: (b) Both came.", "", "came: 2",
    ]  # fmt: skip
    assert capsys.readouterr().out == ""


def test_a_changed_number_changes_the_text_and_the_page(shell: Shell) -> None:
    for number in (2, 3):
        with ask():
            print("came:", number)
    two, three = shell.outputs
    assert two["text/plain"] != three["text/plain"]
    assert two["text/html"] != three["text/html"]


def test_every_option_has_its_verdict_and_its_reason(shell: Shell) -> None:
    with ask():
        pass
    page = shell.page
    assert re.findall(r'<details class="(right|wrong)">', page) == ["wrong", "right", "wrong"]
    assert re.findall(r"<b>(\w+)\.</b> ([^<]+)", page) == [
        ("No", "There are two."), ("Right", "Both came."), ("No", "Try another one, or see what happened."),
    ]  # fmt: skip


def test_it_needs_no_script_and_no_ids_and_all_is_closed(shell: Shell) -> None:
    with ask():
        print("x")
    page = shell.page
    assert not re.search(r"<script|\bid=|\bon\w+=|<details[^>]* open|http", page)
    assert page.count("<style>") == 1


async def test_await_works_inside_and_other_tasks_may_print(shell: Shell) -> None:
    async def other() -> None:
        print("the other task")

    with ask():
        await asyncio.create_task(other())
        print("this one")
    assert shell.text.endswith("the other task\nthis one")


def test_prints_and_displays_keep_their_order(shell: Shell) -> None:
    with ask():
        print("first")
        display(HTML("<b>second</b>"))
        print("third")
    page = shell.page
    assert "<pre>first</pre><div><b>second</b></div><pre>third</pre>" in page
    assert re.search(r"first\n<IPython.*HTML object>\nthird$", shell.text)


def test_the_tables_of_a_card_share_its_style(shell: Shell) -> None:
    with ask():
        display(lab.facts({"one": True}), lab.facts({"two": True}))
    assert shell.page.count("<table>") == 2
    assert shell.page.count("<style>") == 1
    assert ".ol.grid table{" in shell.page


def test_a_card_with_a_figure_is_wide(shell: Shell) -> None:
    with ask():
        display(HTML("<figure></figure>"))
    assert 'class="ol predict wide"' in shell.page


@pytest.mark.parametrize(("columns", "wide"), [(6, False), (7, True)])
def test_a_card_with_a_wide_table_is_wide(shell: Shell, columns: int, wide: bool) -> None:
    with ask():
        display(lab.grid({"row": [*range(columns - 1)]}, [*map(str, range(columns - 1))]))
    assert ('class="ol predict wide"' in shell.page) == wide


def test_an_exception_passes_through_and_what_came_before_is_shown_unfolded(
    shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ZeroDivisionError), ask():
        print("before")
        display(HTML("<i>a table</i>"))
        print(1 / 0)
    assert capsys.readouterr().out == "before\n"
    assert shell.page == "<i>a table</i>"


def test_afterwards_the_cell_prints_as_before(shell: Shell) -> None:
    stdout = sys.stdout
    with pytest.raises(KeyboardInterrupt), ask():
        raise KeyboardInterrupt
    assert sys.stdout is stdout
    display(1)
    assert shell.text == "1"


def test_a_live_widget_is_refused_where_it_is_displayed(shell: Shell) -> None:
    from ipywidgets import Button

    with pytest.raises(ValueError, match=r"came a live panel or widget\. .*: display it in a cell above the card"):
        with ask():
            display(Button())


def test_what_updates_an_older_output_goes_there(shell: Shell) -> None:
    with ask():
        display(2, display_id="older", update=True)
    assert shell.updates == [True, False]


def test_stderr_is_never_folded(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    with ask():
        print("a warning", file=sys.stderr)
    assert "a warning" in capsys.readouterr().err
    assert "a warning" not in shell.text


def test_without_a_notebook_it_prints_the_card(capsys: pytest.CaptureFixture[str]) -> None:
    with ask():
        print("came: 2")
    assert capsys.readouterr().out.endswith("Right: (b) Both came.\n\ncame: 2\n")


def test_words_are_text_with_code_and_emphasis(shell: Shell) -> None:
    with ask("Is `a*b*c <b>` more than *one* & 2 * 3 * 4?", {"a": "`<x>`", "b": "*no*"}):
        print("<script>")
    page = shell.page
    assert "Is <code>a*b*c &lt;b&gt;</code> more than <em>one</em> &amp; 2 * 3 * 4?" in page
    assert "<span><code>&lt;x&gt;</code></span>" in page
    assert "<pre>&lt;script&gt;</pre>" in page


@pytest.mark.parametrize(
    "wrong, says",
    [
        ({"question": " "}, "expected a question"),
        ({"options": {"b": "two"}}, "expected two options or more, came 1: write what a reader might wrongly expect"),
        ({"answer": "d"}, "expected answer= to be one of a, b, c, came 'd'"),
        ({"because": ""}, "expected because= to say why the answer is right"),
        ({"answer": "a"}, "expected option 'a' to be its words only: why it is right belongs in because="),
        ({"options": {"a": "", "b": "two"}}, "expected option 'a' to be \"words\" or"),
        ({"options": {"a": ("one", 1), "b": "two"}}, "expected option 'a' to be \"words\" or"),
    ],
)
def test_a_card_that_is_not_complete_is_refused_with_what_to_write(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        ask(**wrong)
