"""`limit_at`: one charging profile, one instant (core 7.8 to 7.14)."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from ocpp_lab.smart_charging import Allowed, limit_at
from tests.fakes import NOON
from tests.house import scaled
from tests.profiles import DAY, after, painted, profile, random_stack

STEPS: Any = ((0, 16.0), (60, 8.0), (120, 32.0))


def said(one: Any, seconds: float, started: float | None = None) -> float | None:
    """The amperes that it says so many seconds after noon."""
    limit = limit_at(one, after(seconds), None if started is None else after(started))
    return None if limit is None else limit.amps


def test_absolute_counts_from_start_schedule() -> None:
    one = profile(*STEPS, start=10)
    assert [said(one, t) for t in (9.999, 10, 69.999, 70, 130, 3 * DAY)] == [None, 16, 16, 8, 32, 32]


def test_relative_counts_from_the_start_of_charging() -> None:
    one = profile(*STEPS, kind="Relative")
    assert [said(one, t, started=100) for t in (99, 100, 160, 220)] == [None, 16, 8, 32]
    assert said(one, 100) is None


def test_absolute_without_a_start_is_relative_to_the_start_of_charging() -> None:
    """Core 7.13."""
    one = profile(*STEPS, start=None)
    assert said(one, 70, started=0) == 8 and said(one, 70) is None


@pytest.mark.parametrize(("kind", "cycle"), [("Daily", DAY), ("Weekly", 7 * DAY)])
@pytest.mark.parametrize("times", [0, 1, 3650])
def test_recurring_begins_again(kind: Any, cycle: int, times: int) -> None:
    """Core errata 3.78: every 24 hours, or 7 days, at the time of startSchedule; but never before it."""
    one, again = profile(*STEPS, kind="Recurring", recurs=kind, start=39_600), 39_600 + times * cycle
    assert [said(one, again + t) for t in (0, 60, 119, 120, cycle - 1)] == [16, 8, 8, 32, 32]
    assert said(one, again - 1) == (32 if times else None)


def test_what_is_longer_than_the_recurrence_is_cut() -> None:
    """Core errata 3.44."""
    one = profile((0, 16), (DAY + 60, 8), kind="Recurring", recurs="Daily", duration=2 * DAY)
    assert [said(one, t) for t in (0, DAY - 1, DAY, DAY + 60)] == [16, 16, 16, 16]


def test_it_ends_with_its_duration() -> None:
    """Core 5.16.4: the last period goes on until then, and without a duration for ever."""
    assert [said(profile(*STEPS, duration=200), t) for t in (199.999, 200)] == [32, None]
    assert said(profile(*STEPS, duration=90), 89) == 8
    assert said(profile(*STEPS, duration=0), 0) is None
    daily = profile(*STEPS, kind="Recurring", recurs="Daily", duration=200)
    assert [said(daily, DAY + t) for t in (-1, 0, 199, 200)] == [None, 16, 32, None]


def test_valid_from_is_included_and_valid_to_is_not() -> None:
    one = profile(valid=(10, 20))
    assert [said(one, t) for t in (9.999, 10, 19.999, 20)] == [None, 16, 16, None]


def test_zero_is_a_limit() -> None:
    assert limit_at(profile((0, 0.0)), NOON) == Allowed(0.0, 3)


@pytest.mark.parametrize(
    ("limit", "phases", "amps"), [(11_040, None, 16), (11_040, 3, 16), (3_680, 1, 16), (11_040, 1, 48), (0, None, 0)]
)
def test_watts_are_all_phases_together(limit: float, phases: int | None, amps: float) -> None:
    """Core 7.12, errata 3.68: absent means three, whatever the car uses."""
    one = profile((0, limit), unit="W")
    one.charging_schedule.charging_schedule_period[0].number_phases = phases
    assert limit_at(one, NOON) == pytest.approx(Allowed(amps, phases or 3))


def test_the_voltage_is_that_of_the_area() -> None:
    assert limit_at(profile((0, 3_300.0), unit="W"), NOON, voltage=110) == pytest.approx(Allowed(10.0, 3))


def test_min_charging_rate_is_advice() -> None:
    assert said(profile((0, 4.0), least=6.0), 0) == 4


def test_second_by_second() -> None:
    """Against an oracle that paints every second."""
    for seed in range(scaled(60, 2_000)):
        rng = Random(seed)
        started, at = after(-rng.randint(0, 90)), NOON
        for _, one in random_stack(rng, 4):
            expected = painted(one, at, 200, started)
            found = [limit_at(one, at + timedelta(seconds=t), started) for t in range(200)]
            assert found == [limit and pytest.approx(limit) for limit in expected], (seed, one)
