"""The notebooks' tables: facts in words, ends with their sign, invoices that add up."""

from __future__ import annotations

import pytest

from ocpp_course import lab


def test_an_end_is_its_word_with_its_sign_and_what_was_told() -> None:
    ended = [lab.Ended("Heartbeat", 0.0, 0.5, "timeout", detail="no answer"), lab.Ended("Reset", 0.0, 0.1, "result")]
    shown = lab.ends(ended, "Two ends")
    assert repr(shown).splitlines() == [
        "Two ends",
        "call           end      what the caller is told",
        "1 · Heartbeat  timeout  no answer",
        "2 · Reset      result",
    ]
    assert '<td class="timeout"><span class="v"><span class="sign" aria-hidden="true">✕</span>' in shown._repr_html_()


def test_two_calls_of_one_action_have_a_row_each() -> None:
    assert len(lab.ends([lab.Ended("Heartbeat", 0.0, 0.1, "result")] * 2).rows) == 2


def test_names_may_say_more_than_the_actions() -> None:
    shown = lab.ends([lab.Ended("Authorize", 0.0, 0.1, "lost", detail="gone")], names=["TAG_X"])
    assert "1 · TAG_X" in shown.rows


def test_invoices_say_kwh_and_euro_and_what_never_ended() -> None:
    shown = lab.invoices([{"id": 1, "tag": "TAG_A", "Wh": None}, {"id": 2, "tag": "TAG_A", "Wh": 20_000}])
    assert repr(shown).splitlines() == [
        "2 invoices",
        "invoice   transaction  card   kWh          to pay",
        "1                   1  TAG_A  never ended  open",
        "2                   2  TAG_A  20.00        € 9.00",
        "together                      20.00        € 9.00",
    ]


@pytest.mark.parametrize("rows, said", [([], "No invoice"), ([{"id": 7, "tag": "A", "Wh": 0}], "1 invoice")])
def test_invoices_are_counted(rows: list[dict[str, object]], said: str) -> None:
    assert lab.invoices(rows).title == said
    assert not lab.invoices(rows).foot


def test_once_is_the_only_good_number() -> None:
    assert [lab.once(count).kind for count in (0, 1, 2, 3)] == ["bad", "good", "twice", "twice"]
    assert [str(lab.once(count)) for count in (0, 1, 3)] == ["lost", "once", "3×"]
