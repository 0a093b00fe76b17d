"""`backoff`: waits that grow, by the formula of OCPP 2.0.1 part 4, 5.3 (1.6 has none; J-errata 3.3 asks for one)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice, pairwise

import pytest

from ocpp_lab.backoff import backoff

SEEDS = range(500)


def _take(count: int, waits: Iterator[float]) -> list[float]:
    return list(islice(waits, count))


@pytest.mark.parametrize(
    ("options", "waits"),
    [
        ({}, [3, 6, 12, 24, 24, 24]),
        ({"wait_minimum": 1, "repeat_times": 0}, [1, 1, 1]),
        ({"wait_minimum": 5, "repeat_times": 1}, [5, 10, 10]),
        ({"wait_minimum": 2, "repeat_times": 5}, [2, 4, 8, 16, 32, 64, 64]),
    ],
)
def test_without_jitter(options: dict[str, int], waits: list[float]) -> None:
    """The minimum, then ``repeat_times`` doublings, then the last for ever."""
    assert _take(len(waits), backoff(random.Random(1), random_range=0, **options)) == waits


def test_the_envelope_and_both_its_ends() -> None:
    """With jitter: 3…13, 6…36, 12…82, 24…174; the first wait meets both ends, for the range includes them."""
    bounds = [(3, 13), (6, 36), (12, 82), (24, 174)]
    firsts = set()
    for seed in SEEDS:
        waits = _take(4, backoff(random.Random(seed)))
        assert all(low <= wait <= high for wait, (low, high) in zip(waits, bounds, strict=True)), waits
        firsts.add(waits[0])
    assert firsts == set(range(3, 14))


def test_each_wait_doubles_the_one_before_and_adds_fresh_jitter() -> None:
    """waitₙ − 2·waitₙ₋₁ is a whole number from 0 to 10, and each of them occurs: earlier jitter is doubled too."""
    jitters: list[set[float]] = [set(), set(), set()]
    for seed in SEEDS:
        for place, (before, after) in enumerate(pairwise(_take(4, backoff(random.Random(seed))))):
            jitters[place].add(after - 2 * before)
    assert jitters == [set(range(11))] * 3


def test_flat_from_the_fourth_on() -> None:
    for seed in SEEDS:
        waits = _take(50, backoff(random.Random(seed)))
        assert set(waits[3:]) == {waits[3]}


def test_the_seed_decides_and_nothing_else() -> None:
    """DESIGN.md, decision 7: a failure must be replayable; the module's own random is left alone."""
    before = random.getstate()
    assert _take(9, backoff(random.Random(7))) == _take(9, backoff(random.Random(7)))
    assert len({tuple(_take(4, backoff(random.Random(seed)))) for seed in range(20)}) > 15
    assert random.getstate() == before


def test_two_iterators_are_independent_and_lazy() -> None:
    """Seconds as float, drawn when asked for, without end."""
    rng = random.Random(1)
    state = rng.getstate()
    one, two = backoff(rng), backoff(random.Random(2))
    assert rng.getstate() == state
    alone = _take(5, backoff(random.Random(2)))
    assert [wait for _ in range(5) for wait in (next(one), next(two))][1::2] == alone
    assert all(isinstance(wait, float) for wait in _take(1000, one))
