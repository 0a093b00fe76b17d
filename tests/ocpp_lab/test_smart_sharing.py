"""`share` and `offers`: one limit for several cars (core 3.13.3)."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from ocpp_lab.smart_charging import Allowed, Installed, offers, share
from tests.fakes import NOON
from tests.house import scaled
from tests.profiles import DAY, after, oracle, profile, random_stack

MAX: Any = {"purpose": "ChargePointMaxProfile", "id": 99}


def given_by(stack: Any, running: Any, at: Any) -> dict[int, float]:
    """The amperes per phase."""
    return {number: limit.amps for number, limit in offers(stack, running, at)[0].items()}


@pytest.mark.parametrize(
    ("room", "wants", "given"),
    [
        (100, [32, 32], [32, 32]),
        (40, [32, 32], [20, 20]),
        (40, [13, 32, 32], [13, 13.5, 13.5]),  # what one leaves, others get
        (20, [32, 32, 32], [6.6, 6.7, 6.7]),
        (17.9, [32, 32, 32], [8.9, 9, 0]),  # the last to come waits
        (5.9, [32], [0]),
        (0, [32], [0]),
        (-8, [32, 32], [0, 0]),
        (12, [], []),
    ],
)
def test_share(room: float, wants: list[float], given: list[float]) -> None:
    named = {f"car {number}": want for number, want in enumerate(wants)}
    assert list(share(room, named).items()) == list(zip(named, given, strict=True))


def test_it_is_fair_and_complete() -> None:
    for seed in range(scaled(300, 5_000)):
        rng = Random(seed)
        wants = {f"car {n}": rng.randint(60, 320) / 10 for n in range(rng.randint(0, 9))}
        room = rng.randint(-100, 2000) / 10
        given = share(room, wants)
        served = [name for name in wants if given[name] > 0]
        assert sum(given.values()) <= max(room, 0) + 1e-9, seed
        assert all(round(each * 10) / 10 == each for each in given.values()), seed
        assert all(6 <= given[name] <= wants[name] for name in served), seed
        assert served == list(wants)[: len(served)], seed
        assert len(served) == len(wants) or room < 6 * (len(served) + 1), seed
        hungry = [given[name] for name in served if given[name] < wants[name] - 0.05]
        assert all(given[name] <= least + 0.1 + 1e-9 for name in served for least in hungry), seed
        assert not hungry or room - sum(given.values()) < 0.1 * len(served) + 1e-9, seed


def test_without_a_maximum_everybody_gets_their_own() -> None:
    stack = [Installed(1, profile((0, 10.0), (60, 12.0)))]
    assert offers(stack, {1: NOON, 2: NOON}, NOON) == ({1: Allowed(10, 3), 2: Allowed(32, 3)}, after(60))
    assert offers([], {1: NOON}, NOON) == ({1: Allowed(32, 3)}, None)


def test_the_maximum_is_for_all_together() -> None:
    """Core 3.13.3: what connector 1 does not want is for connector 2."""
    stack = [Installed(0, profile((0, 40.0), **MAX)), Installed(1, profile((0, 10.0)))]
    assert given_by(stack, {1: NOON, 2: NOON}, NOON) == {1: 10, 2: 30}
    assert given_by(stack, {2: NOON}, NOON) == {2: 32}


def test_whoever_may_not_charge_takes_no_room() -> None:
    stack = [Installed(0, profile((0, 30.0), **MAX)), Installed(1, profile((0, 5.0)))]
    assert given_by(stack, {1: NOON, 2: NOON}, NOON) == {1: 0, 2: 30}


def test_the_next_look_is_at_the_next_change_of_anything() -> None:
    stack = [
        Installed(0, profile((0, 40.0), (300, 20.0), **MAX)),
        Installed(1, profile((0, 10.0), (200, 11.0))),
        Installed(2, profile((0, 10.0), (100, 11.0), kind="Relative", id=2)),
    ]
    assert offers(stack, {1: NOON, 2: after(-10)}, NOON)[1] == after(90)
    assert offers(stack, {1: NOON}, NOON)[1] == after(200)
    assert offers(stack, {}, NOON) == ({}, None)


def test_nothing_for_a_day_is_looked_at_again_then() -> None:
    """A limit that begins in a week is found in time."""
    stack = [Installed(1, profile((0, 10.0), start=7 * DAY))]
    assert offers(stack, {1: NOON}, NOON) == ({1: Allowed(32, 3)}, after(DAY))
    assert offers(stack, {1: NOON}, after(6.5 * DAY))[1] == after(7 * DAY)


def test_nobody_gets_more_than_the_oracle_says_nor_all_more_than_the_maximum() -> None:
    for seed in range(scaled(100, 2_000)):
        rng = Random(seed)
        stack, running = random_stack(rng), {1: after(-20), 2: after(-rng.randint(0, 9))}
        at = after(rng.randint(0, 100))
        given, until = offers(stack, running, at)
        tops = [o for n, began in running.items() for o in oracle(stack, n, at, 1, began)]
        assert all(given[n].amps <= top.amps + 1e-9 for n, top in zip(running, tops, strict=True)), seed
        assert [given[n].phases for n in running] == [top.phases for top in tops], seed
        whole = [each for each in stack if each.profile.charging_profile_purpose == "ChargePointMaxProfile"]
        assert sum(limit.amps for limit in given.values()) <= 2 * oracle(whole, 0, at, 1, None)[0].amps + 1e-9, seed
        assert until is None or until > at, seed
        if until is not None and rng.random() < 0.5:
            between = at + (until - at) * rng.random() - timedelta(microseconds=1)
            assert between < at or offers(stack, running, between)[0] == given, seed
