"""Recorded answers, given out by order and by id: the picture and its words say who got which."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

import pytest

from ocpp_course.lab import correlation
from ocpp_course.lab.correlation import HUES
from ocpp_course.lab.deliveries import Way, deliver
from ocpp_lab import Event

SVG = "{http://www.w3.org/2000/svg}"


def event(at: float, mark: str, text: str) -> Event:
    return Event(at, "CP_0", mark, text)


def call(at: float, number: int) -> Event:
    return event(at, ">", f'[2,"{number}","Heartbeat",{{}}]')


def answer(at: float, number: int) -> Event:
    return event(at, "<", f'[3,"{number}",{{}}]')


SLOW = [call(0, 1), call(0.5, 2), answer(0.7, 1), call(0.7, 3), answer(0.95, 2), call(0.95, 4), answer(1.15, 3)]
"""One call at a time, with a timeout of 0.5 s. The first answer comes too late, and so is each one after it."""


@pytest.mark.parametrize(("way", "got", "wrong"), [("order", [None, 1, 2, 3], 3), ("id", [None, 2, 3, None], 0)])
def test_the_same_frames_are_given_out_in_two_ways(way: Way, got: list[int | None], wrong: int) -> None:
    made = deliver(SLOW, way, timeout=0.5)
    assert [each.got for each in made.callers] == got
    assert made.wrong == wrong
    assert [each.gave_up for each in made.callers] == [True, False, False, False]


def test_an_answer_for_which_nobody_waits_is_given_to_nobody() -> None:
    [late, *_] = deliver(SLOW, "id", timeout=0.5).replies
    assert (late.to, late.given) == (1, None)
    once = [call(0, 1), answer(0.1, 1), answer(0.1, 1)]
    assert [reply.given for reply in deliver(once, "order", timeout=1).replies] == [1, None]


def test_answers_in_any_order_find_their_callers_by_id() -> None:
    story = [call(0, 1), call(0, 2), call(0, 3), answer(1, 3), answer(2, 1), answer(3, 2)]
    assert [each.got for each in deliver(story, "id", timeout=9).callers] == [1, 2, 3]
    assert [each.got for each in deliver(story, "order", timeout=9).callers] == [3, 1, 2]


def test_a_recording_that_ends_leaves_its_callers_waiting() -> None:
    [caller] = deliver([call(0, 1)], "id", timeout=5).callers
    assert (caller.got, caller.gave_up, caller.until) == (None, False, 0)


def test_calls_of_the_peer_and_unknown_answers_are_no_rows() -> None:
    story = [event(0, "<", '[2,"1","Reset",{}]'), event(0, ">", '[3,"1",{}]'), answer(1, 9), event(2, "!", "no frame")]
    assert not deliver(story, "id", timeout=5).callers
    assert not deliver(story, "id", timeout=5).replies


def test_the_words_say_who_got_which() -> None:
    assert correlation(SLOW, "order", timeout=0.5).alt == (
        "Who is given which answer, a row for each caller. By order: caller 1 gets a timeout; caller 2 gets the answer "
        "to 1; caller 3 gets the answer to 2; caller 4 gets the answer to 3."
    )
    assert "caller 2 gets its own answer; caller 3" in correlation(SLOW, timeout=0.5).alt
    assert "nobody waits for the answer to 1" in correlation(SLOW, "id", timeout=0.5).alt


def badges(svg: str) -> list[tuple[str | None, str | None, str | None]]:
    """Of each circle: its class, the number in it, and its height."""
    groups = [group for group in fromstring(svg).iter(f"{SVG}g") if (group.get("class") or "").startswith("badge")]
    return [(group.get("class"), group[1].text, group[0].get("cy")) for group in groups]


def test_an_answer_has_the_colour_of_its_call_and_the_row_of_its_caller() -> None:
    drawn = badges(correlation(SLOW, "order", timeout=0.5).svg)
    rows = {number: y for kind, number, y in drawn if kind and "asks" in kind}
    assert [(kind, number) for kind, number, _ in drawn if kind and "answers" in kind] == [
        (f"badge answers {HUES[n - 1]}", str(n)) for n in (1, 2, 3)
    ]
    assert [y for kind, _, y in drawn if kind and "answers" in kind] == [rows["2"], rows["3"], rows["4"]]


def test_an_empty_recording_is_a_picture_too() -> None:
    fromstring(correlation([], timeout=1, title="Nothing").svg)
    fromstring(correlation([call(0, 1)], timeout=1).svg)
