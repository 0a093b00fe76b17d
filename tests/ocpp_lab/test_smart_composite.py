"""`changes`, `composite`, `total`: what all charging profiles together allow (core 3.13.2, 3.13.3, 5.7)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from ocpp_lab import messages as m
from ocpp_lab.smart_charging import Allowed, Installed, changes, composite, total
from tests.fakes import NOON
from tests.house import scaled
from tests.profiles import DAY, VOLTS, after, oracle, profile, random_stack

TX: Any = {"purpose": "TxProfile"}
MAX: Any = {"purpose": "ChargePointMaxProfile"}


def line(*stack: m.ChargingProfile, seconds: int = 1000, unit: Any = "A", **options: Any) -> list[tuple[int, float]]:
    """The composite schedule of connector 1 from noon on, as (second, limit); profiles are on 1, a maximum on 0."""
    installed = [Installed(0 if one.charging_profile_purpose == "ChargePointMaxProfile" else 1, one) for one in stack]
    return read(composite(installed, 1, NOON, seconds, unit, **options))


def read(schedule: m.ChargingSchedule) -> list[tuple[int, float]]:
    return [(period.start_period, period.limit) for period in schedule.charging_schedule_period]


# What prevails --------------------------------------------------------------------------------------------------------


def test_without_profiles_the_station_limits() -> None:
    """One period, at what the connector can give (core 3.13.6)."""
    assert line() == [(0, 32)]
    assert line(station=Allowed(16.0, 3)) == [(0, 16)]


def test_a_higher_level_wins_while_it_lasts() -> None:
    """Core 3.13.2; then the lower one shows."""
    assert line(profile((0, 10.0)), profile((0, 20.0), level=5, start=100, duration=50)) == [
        (0, 10),
        (100, 20),
        (150, 10),
    ]


def test_a_profile_of_the_transaction_overrules_the_defaults() -> None:
    """Core 3.13.1: also upwards, whatever the levels; and while it says nothing, they do."""
    assert line(profile((0, 10.0), level=9), profile((0, 20.0), duration=60, **TX)) == [(0, 20), (60, 10)]


def test_the_maximum_is_a_ceiling() -> None:
    """Core 3.13.3."""
    stack = profile((0, 10.0), (50, 30.0)), profile((0, 16.0), (80, 8.0), **MAX)
    assert line(*stack) == [(0, 10), (50, 16), (80, 8)]


def test_an_own_default_wins_at_an_equal_level_only() -> None:
    """Core 3.13.1 with 3.13.2: the defaults of a connector and of 0 are one stack."""
    stack = [Installed(0, profile((0, 10.0), id=1)), Installed(1, profile((0, 12.0), id=2))]
    assert [read(composite(stack, n, NOON, 10, "A")) for n in (1, 2)] == [[(0, 12)], [(0, 10)]]
    stack[0] = Installed(0, profile((0, 10.0), id=1, level=1))
    assert read(composite(stack, 1, NOON, 10, "A")) == [(0, 10)]


def test_a_limit_of_zero_is_a_limit() -> None:
    assert line(profile((0, 0.0))) == [(0, 0)]


def test_other_connectors_do_not_matter() -> None:
    assert read(composite([Installed(2, profile((0, 6.0)))], 1, NOON, 10, "A")) == [(0, 32)]


# Where its periods begin ----------------------------------------------------------------------------------------------


def test_what_begins_later_has_an_edge() -> None:
    stack = profile((0, 10.0), start=600), profile((0, 12.0), level=1, valid=(700, 800))
    assert line(*stack) == [(0, 32), (600, 10), (700, 12), (800, 10)]


def test_a_schedule_that_runs_is_shifted() -> None:
    assert line(profile((0, 10.0), (3600, 16.0)), seconds=7200) == [(0, 10), (3600, 16)]
    shifted = composite([Installed(1, profile((0, 10.0), (3600, 16.0)))], 1, after(3000), 7200, "A")
    assert read(shifted) == [(0, 10), (600, 16)]


def test_what_does_not_change_the_limit_is_no_period() -> None:
    assert line(profile((0, 10.0), (10, 10.0), (20, 40.0), (30, 50.0))) == [(0, 10), (20, 32)]


def test_relative_counts_from_the_transaction_and_else_as_if_one_began() -> None:
    one = profile((0, 10.0), (60, 20.0), kind="Relative")
    assert line(one) == [(0, 10), (60, 20)]
    assert line(one, started=after(-50)) == [(0, 10), (10, 20)]


def test_a_recurrence_is_an_edge() -> None:
    one = profile((0, 10.0), (3600, 20.0), kind="Recurring", recurs="Daily", start=-10 * DAY)
    assert line(one, seconds=2 * DAY) == [(0, 10), (3600, 20), (DAY, 10), (DAY + 3600, 20)]


def test_a_duration_of_zero_is_one_period() -> None:
    assert line(profile((0, 10.0), (1, 11.0)), seconds=0) == [(0, 10)]


def test_its_shape() -> None:
    """Core errata 3.57: no startSchedule; the duration and the unit that were asked for."""
    schedule = composite([Installed(1, profile((0, 2300.0, 1), unit="W"))], 1, NOON, 60, "W")
    assert schedule == m.ChargingSchedule(
        duration=60,
        charging_rate_unit="W",
        charging_schedule_period=[m.ChargingSchedulePeriod(start_period=0, limit=2300.0, number_phases=1)],
    )


def test_watts_and_amperes() -> None:
    """Core 7.12: 11 kW are 15.94 A on three phases. Rounded down: 16.0 would be too much."""
    assert line(profile((0, 11_000.0), unit="W")) == [(0, 15.9)]
    assert line(profile((0, 11_000.0), unit="W"), unit="W") == [(0, 11_000)]
    assert line(profile((0, 16.0)), unit="W") == [(0, 11_040)]


def test_what_has_not_begun_yet_is_seen() -> None:
    """Three profiles one after the other, each of which begins later than the one above it; a bug of real stacks."""
    stack = (
        profile((0, 12_000.0), (3600, 11_000.0), unit="W", start=10_800, level=1, id=1),
        profile((0, 2000.0, 1), (1080, 6000.0), unit="W", start=3600, duration=7200, level=2, id=2),
        profile((0, 6000.0), unit="W", duration=3600, level=3, id=3),
    )
    expected = [(0, 6000), (3600, 2000), (4680, 6000), (10_800, 12_000), (14_400, 11_000)]
    assert line(*stack, unit="W", seconds=28_800) == expected


# Against the oracle ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", range(4))
def test_second_by_second(part: int) -> None:
    """2,000 random stacks in soak: at every second what an oracle says that paints every second."""
    for seed in range(part * 500, part * 500 + scaled(12, 500)):
        rng = Random(seed)
        stack, started = random_stack(rng), rng.choice([None, after(-rng.randint(0, 90))])
        unit: Any = rng.choice(["A", "W"])
        schedule = composite(stack, 1, NOON, 200, unit, started=started)
        for second, want in enumerate(oracle(stack, 1, NOON, 200, started)):
            [*_, here] = [p for p in schedule.charging_schedule_period if p.start_period <= second]
            exact = want.amps if unit == "A" else want.amps * want.phases * VOLTS
            assert here.number_phases == want.phases, (seed, second)
            assert exact - 0.1 < here.limit <= exact + 1e-6, (seed, second)
        for one, next in pairwise(schedule.charging_schedule_period):
            assert (one.limit, one.number_phases) != (next.limit, next.number_phases), seed


def test_changes_are_exact() -> None:
    """To the microsecond, as a timer wants them; at each of them, and just before, what the oracle says."""
    for seed in range(scaled(100, 2_000)):
        rng = Random(seed)
        stack, started = random_stack(rng), after(-rng.randint(0, 9) - 0.125)
        found = changes(stack, 1, NOON, timedelta(seconds=200), started=started)
        assert found[0][0] == NOON
        for (_, before), (when, limit) in pairwise(found):
            just_before = when - timedelta(microseconds=1)
            assert oracle(stack, 1, just_before, 1, started) == [pytest.approx(before)], seed
            assert oracle(stack, 1, when, 1, started) == [pytest.approx(limit)] != [pytest.approx(before)], seed


# The whole charge point -----------------------------------------------------------------------------------------------


def test_connector_0_is_the_sum() -> None:
    """Core 5.7, errata 3.30: what all connectors together may draw."""
    stack = [Installed(1, profile((0, 10.0), (60, 12.0), id=1)), Installed(2, profile((0, 20.0), (90, 6.0), id=2))]
    assert read(total(stack, {1: None, 2: None}, NOON, 100, "A")) == [(0, 30), (60, 32), (90, 18)]


def test_connector_0_is_at_most_the_maximum() -> None:
    """Core 3.13.3: it is for all connectors combined."""
    stack = [Installed(0, profile((0, 40.0), duration=60, **MAX))]
    assert read(total(stack, {1: None, 2: None}, NOON, 100, "A")) == [(0, 40), (60, 64)]
    assert read(total(stack, {1: None, 2: None}, NOON, 100, "W")) == [(0, 27_600), (60, 44_160)]


def test_connector_0_against_the_oracle() -> None:
    started = {1: after(-30), 2: None}
    for seed in range(scaled(20, 500)):
        stack = random_stack(Random(seed))
        own = [each for each in stack if each.profile.charging_profile_purpose != "ChargePointMaxProfile"]
        rest = [each for each in stack if each not in own]
        lines = [oracle(own, number, NOON, 200, begun) for number, begun in started.items()]
        ceiling = oracle(rest, 0, NOON, 200, None, Allowed(1e9, 3))
        schedule = total(stack, started, NOON, 200, "A")
        for second in range(200):
            want = min(sum(line[second].amps for line in lines), ceiling[second].amps)
            [*_, here] = [p for p in schedule.charging_schedule_period if p.start_period <= second]
            assert want - 0.1 < here.limit <= want + 1e-6, (seed, second)


# How much work it is --------------------------------------------------------------------------------------------------


def work_of(do: Callable[[], object]) -> int:
    """How many functions are called, ours and Python's: the same on every machine."""
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        do()
    finally:
        sys.setprofile(None)
    return calls


def calendar(number: int) -> list[Installed]:
    """Daily defaults, each of a length of its own, all above one another: two hours of the day in the mean."""
    rng = Random(1)
    return [
        Installed(
            1,
            profile(
                *((3600 * n, float(rng.randint(6, 32))) for n in range(3)),
                id=level,
                level=level,
                kind="Recurring",
                recurs="Daily",
                start=-rng.randint(0, 30 * DAY),
                duration=rng.randint(600, 7200),
            ),
        )
        for level in range(number)
    ]


def test_a_thousand_profiles_cost_little_more_than_the_reading() -> None:
    """At most 25 calls for each, where 5 ms are some 50,000: what is covered by those above it is not looked at."""
    ten, thousand = calendar(10), calendar(1000)
    work = work_of(lambda: composite(thousand, 1, NOON, DAY, "A"))
    assert work < 25 * 1000
    assert work < 100 * work_of(lambda: composite(ten, 1, NOON, DAY, "A"))


def test_ten_years_of_days_are_divided_and_not_counted() -> None:
    old, new = (
        [Installed(1, profile((0, 10.0), kind="Recurring", recurs="Daily", start=-days * DAY))] for days in (3650, 1)
    )
    assert work_of(lambda: composite(old, 1, NOON, DAY, "A")) == work_of(lambda: composite(new, 1, NOON, DAY, "A"))
