"""`Bounded`: what a peer invents goes again, who must stay stays, and no step is long."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ocpp_lab.bounded import LOOKS, Bounded


def test_the_oldest_goes_and_is_told_of() -> None:
    gone: list[tuple[int, str]] = []
    newest: Bounded[int, str] = Bounded(3, gone=lambda *pair: gone.append(pair))
    for number in range(5):
        newest[number] = "x"
    assert newest == {2: "x", 3: "x", 4: "x"} and gone == [(0, "x"), (1, "x")]


def test_to_set_again_makes_new() -> None:
    """Whoever goes on telling us something is not the one to forget."""
    newest: Bounded[str, int] = Bounded(2)
    newest["faithful"] = 1
    for number in range(10):
        newest[f"invented {number}"] = 0
        newest["faithful"] = number
    assert list(newest) == ["invented 9", "faithful"] and newest["faithful"] == 9


def test_every_way_in_is_bounded() -> None:
    """`update`, ``|=`` and `setdefault` set too."""
    newest: Bounded[int, int] = Bounded(2)
    newest.update({1: 1, 2: 2, 3: 3})
    newest |= {4: 4}
    assert newest.setdefault(5, 5) == 5
    assert newest == {4: 4, 5: 5}


@given(st.sets(st.integers(0, 300)), st.integers(1, 100))
def test_who_must_stay_stays_and_all_others_are_bounded(staying: set[int], most: int) -> None:
    """However many must stay, and wherever they stand: never more than ``most`` and they, and one for each eight."""
    passed_by = len(staying) // LOOKS
    newest: Bounded[int, None] = Bounded(most, staying.__contains__)
    for key in range(1000):
        newest[key] = None
        assert len(newest) <= most + len(staying) + passed_by
        assert staying.intersection(range(key + 1)) <= newest.keys()
    for key in range(1000, 2000):  # a flood: of the others none but the newest is left
        newest[key] = None
    assert len(newest) <= max(most, len(staying) + LOOKS) + passed_by


def test_no_step_looks_at_all() -> None:
    """A peer that invents keys beside a thousand who must stay costs a few looks for each, not a thousand."""
    asked: list[int] = []

    def stays(key: int) -> bool:
        asked.append(key)
        return key < 1000

    newest: Bounded[int, None] = Bounded(1000, stays)
    for key in range(1000):
        newest[key] = None
    for key in range(1000, 2000):
        newest[key] = None
    assert len(asked) <= 1000 * LOOKS
