"""When meters are read: the grid of midnight and the grid of a transaction's start, against brute force (core 3.16)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpp_lab.station.grids import energy, next_clock, next_sample, readings

DAY = datetime(2030, 6, 7, tzinfo=UTC)
INTERVALS = st.sampled_from([7, 60, 900, 1800, 3600, 25_200, 50_000, 86_399, 86_400, 100_000])
INSTANTS = st.integers(0, 2 * 86_400_000_000 - 1).map(lambda us: DAY + timedelta(microseconds=us))


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


@pytest.mark.parametrize("seed", range(30))
def test_energy_second_by_second(seed: int) -> None:
    """The oracle adds up each second by itself."""
    rng = Random(seed)
    powers = [
        (float(at), float(rng.choice([0, 3700, 11000]))) for at in sorted(rng.sample(range(4000), rng.randrange(6)))
    ]
    start, end = sorted((rng.randrange(5000), rng.randrange(5000)))
    holds = [max((power for power in powers if power[0] <= second), default=(0, 0.0)) for second in range(start, end)]
    assert energy(powers, start, end) == pytest.approx(sum(watts for _, watts in holds) / 3600)


@given(INSTANTS, INTERVALS, st.sampled_from([0, 0, 345, -300]))
def test_next_clock_is_the_first_of_the_grid(now: datetime, interval: int, offset: int) -> None:
    """Strictly after now, from midnight UTC on, anew each midnight, whatever the offset of now."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    grid = [midnight + seconds(second) for second in (*range(0, 86_400, interval), 86_400)]
    assert next_clock(now.astimezone(timezone(timedelta(minutes=offset))), interval) == min(
        at for at in grid if at > now
    )


@given(INSTANTS, INTERVALS)
def test_next_clock_is_strictly_after(now: datetime, interval: int) -> None:
    """A microsecond before the instant it is the instant; at the instant it is the next one."""
    due = next_clock(now, interval)
    assert due is not None and due > now and next_clock(due - timedelta(microseconds=1), interval) == due
    after = next_clock(due, interval)
    assert after is not None and due < after <= due + seconds(interval)


def test_seven_hours_begin_anew_at_midnight() -> None:
    at, hours = DAY, []
    for _ in range(6):
        at = next_clock(at, 25_200) or at
        hours.append(at.hour)
    assert hours == [7, 14, 21, 0, 7, 14] and next_clock(DAY, 0) is None


@given(st.floats(0, 1e6), st.integers(1, 86_400))
def test_next_sample(elapsed: float, interval: int) -> None:
    due = next_sample(elapsed, interval)
    assert elapsed < due <= elapsed + interval and due % interval == 0


@given(INSTANTS, st.integers(0, 9000), st.sampled_from([0, 60, 300]), st.sampled_from([0, 900, 25_200]))
def test_readings_of_a_stop(start: datetime, length: int, sampled: int, aligned: int) -> None:
    """Begin and End are the ends; strictly inside, Periodic counts from the start and Clock from midnight."""
    end = start + seconds(length)
    found = readings(start, end, sampled=sampled, aligned=aligned)
    if not sampled and not aligned:
        assert found == []
        return
    assert (found[0], found[-1]) == ((start, "Transaction.Begin"), (end, "Transaction.End"))
    periodic = [start + seconds(n) for n in range(sampled, length, sampled)] if sampled else []
    days = [DAY + timedelta(days=number) for number in range(3)]
    clock = [day + seconds(n) for day in days for n in range(0, 86_400, aligned)] if aligned else []
    assert [at for at, why in found if why == "Sample.Periodic"] == periodic
    assert [at for at, why in found if why == "Sample.Clock"] == [at for at in clock if start < at < end]
    inside = found[1:-1]
    assert inside == sorted(inside, key=lambda each: (each[0], each[1] == "Sample.Clock"))


def test_at_one_instant_periodic_comes_first() -> None:
    assert [why for _, why in readings(DAY, DAY + seconds(901), sampled=900, aligned=900)] == [
        "Transaction.Begin",
        "Sample.Periodic",
        "Sample.Clock",
        "Transaction.End",
    ]
