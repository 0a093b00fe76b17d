"""What a ladder of a finding shows: the frames that prove it, their neighbours, and no strays that are none."""

from __future__ import annotations

import pytest

from ocpp_course.explain.excerpt import MOST, excerpt
from ocpp_lab.logs import Log
from tests.ocpp_course.explain.made import finding, log, seen


def shown(of: Log, *places: int) -> list[int]:
    """The places in the log."""
    made = excerpt(of, finding(*places))
    assert made is not None
    return [each.index for each in made.seen]


def test_one_frame_has_neighbours_on_both_sides() -> None:
    assert shown(log(20), 20) == [18, 19, 20, 21, 22, 23]


def test_places_far_apart_have_a_gap_between_them_that_is_counted() -> None:
    made = excerpt(log(30), finding(10, 40))
    assert made is not None
    assert made.marked == {10, 40}
    assert made.gaps == {38: 24}
    assert [each.index for each in made.seen] == [8, 9, 10, 11, 12, 13, 38, 39, 40, 41, 42, 43]


def test_many_places_are_cut_down_to_what_can_be_looked_at() -> None:
    assert len(shown(log(100), *range(0, 200, 10))) <= MOST


def test_a_reply_comes_with_its_call_and_a_neighbour_without_its_call_is_left_out() -> None:
    """A ladder names a reply without a call a stray; here its call is in the log, only further up."""
    late = log(3)
    frames = [*late.seen, *(seen(n, "charge point", f'[2,"h{n}","Heartbeat",{{}}]') for n in range(6, 30))]
    frames.append(seen(30, "central system", '[3,"h8",{"currentTime":"2026-06-06T20:20:00Z"}]'))
    frames += [seen(31, "charge point", '[2,"z","Heartbeat",{}]')]
    of = Log("late.log", 32, frames)
    assert {8, 30} <= set(shown(of, 30))
    assert 30 not in shown(of, 31)


def test_of_another_charge_point_nothing_is_shown() -> None:
    mixed = [seen(n, "charge point", f'[2,"{n}","Heartbeat",{{}}]', identity=f"CP_{n % 2}") for n in range(20)]
    made = excerpt(Log("two.log", 20, mixed), finding(10, identity="CP_0"))
    assert made is not None
    assert {each.identity for each in made.seen} == {"CP_0"}


@pytest.mark.parametrize("places", [(), (99,)])
def test_what_no_frame_shows_has_no_excerpt(places: tuple[int, ...]) -> None:
    assert excerpt(log(2), finding(*places)) is None


def test_without_places_the_lines_tell() -> None:
    made = finding(4)
    object.__setattr__(made, "seen", ())
    found = excerpt(log(5), made)
    assert found is not None and found.marked == {4}
