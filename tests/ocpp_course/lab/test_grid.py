"""A grid says the same in colour, in words, and in plain text."""

from __future__ import annotations

import re

import pytest

from ocpp_course import lab


def matrix() -> lab.grid:
    rows = {
        "gives up": [lab.bad("lost", "20 kWh free"), lab.good("once")],
        "never gives up": [lab.good("once"), lab.twice("twice", "two invoices")],
    }
    return lab.grid(rows, ["before the send", "after the effect"], title="Both are *wrong*", corner="program")


def test_as_text_it_has_the_same_words_in_columns() -> None:
    assert repr(matrix()).splitlines() == [
        "Both are *wrong*",
        "program         before the send     after the effect",
        "gives up        lost (20 kWh free)  once",
        "never gives up  once                twice (two invoices)",
    ]


def test_a_verdict_is_a_sign_and_words_and_never_colour_alone() -> None:
    page = matrix()._repr_html_()
    assert re.findall(r'<td class="(\w+)">', page) == ["bad", "good", "good", "twice"]
    assert page.count("<svg") == 4
    assert "<caption>Both are <em>wrong</em></caption>" in page
    assert "lost <small>20 kWh free</small>" in page
    signs = [re.search(rf'class="{kind}".*?(<svg.*?</svg>)', page) for kind in ("good", "bad", "twice")]
    assert len({sign[1] for sign in signs if sign}) == 3


def test_true_and_false_become_words() -> None:
    shown = lab.facts({"nobody waits": True, "all was told": False, "refused": 1200})
    assert repr(shown).splitlines() == ["nobody waits  yes", "all was told  no", "refused       1,200"]
    page = shown._repr_html_()
    assert "True" not in page
    assert "<thead>" not in page


def test_columns_of_numbers_stand_to_the_right_with_their_heads() -> None:
    shown = lab.grid({"CP_1": [5, "a"], "CP_2": [1000, "12"], "CP_3": [None, "b"]}, ["rows", "word"])
    assert [line[6:11] for line in repr(shown).splitlines()] == [" rows", "    5", "1,000", "    –"]
    page = shown._repr_html_()
    assert page.count("class=n") == 4
    assert '<th scope="col" class=n>rows</th>' in page


def test_everything_in_a_cell_is_text() -> None:
    page = lab.grid({"<b>": ["<i>", lab.good("<u>", "<s>")]}, ["<p>", "x"], title="<q>")._repr_html_()
    assert not re.search(r"<[biuspq]>", page.replace("<b></b>", ""))


def test_a_row_of_another_length_is_refused_by_its_name() -> None:
    with pytest.raises(ValueError, match="expected 2 cells in row 'CP_1', one for each column, came 1"):
        lab.grid({"CP_1": [1]}, ["a", "b"])
    with pytest.raises(ValueError, match="expected 1 cells in row 'foot'"):
        lab.grid({"CP_1": [1]}, ["a"], foot=["together"])


def test_without_rows_it_is_its_head() -> None:
    assert repr(lab.grid({}, ["kWh"], corner="invoice")) == "invoice  kWh"
