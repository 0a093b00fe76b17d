"""`Car`: takes what it is offered; its energy is the integral of its power, whoever asks and however often."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocpp_lab.station.car import BEND, TRICKLE, Car
from ocpp_lab.station.mains import VOLTAGE

OFFERS = st.sampled_from([None, 0.0, 5.9, 6.0, 10.0, 16.0, 32.0, 80.0])


@st.composite
def cars(draw: st.DrawFn) -> Car:
    wanted = draw(st.floats(100, 60_000))
    capacity = draw(st.none() | st.floats(wanted, 4 * wanted))
    power = draw(st.sampled_from([0.0, 1_400.0, 3_700.0, 7_400.0, 11_000.0, 22_000.0]))
    return Car(wanted=wanted, power=power, phases=draw(st.sampled_from([1, 3])), capacity=capacity)


def copy(car: Car, **changes: Any) -> Car:
    fields = {name: getattr(car, name) for name in ("wanted", "power", "taken", "phases", "minimum", "capacity")}
    return Car(**(fields | changes))


def second_by_second(car: Car, seconds: int, offered: float | None) -> float:
    """The oracle: in each second the power of its beginning and its end, on average (Heun)."""
    taken = 0.0
    for _ in range(seconds):
        first = copy(car, taken=car.taken + taken).draws(offered)
        then = copy(car, taken=min(car.taken + taken + first / 3600, car.wanted)).draws(offered)
        taken += (first + then) / 2 / 3600
    return min(taken, car.left)


@given(cars(), st.integers(0, 1500), st.floats(0, 1), OFFERS)
@settings(max_examples=60)
def test_energy_is_the_integral_of_power(car: Car, seconds: int, had: float, offered: float | None) -> None:
    """Against an oracle that adds up second by second, from any state of the battery, under any offer."""
    car.taken = car.wanted * had
    assert car.would_take(seconds, offered) == pytest.approx(second_by_second(car, seconds, offered), rel=1e-3, abs=4.0)


@given(cars(), st.lists(st.floats(0, 3000), max_size=8), OFFERS)
def test_pieces_are_the_whole(car: Car, pieces: list[float], offered: float | None) -> None:
    """However a time is cut into pieces, it takes the same, never more than it wants."""
    whole = copy(car).would_take(sum(pieces), offered)
    assert sum(car.take(piece, offered) for piece in pieces) == pytest.approx(whole, abs=1e-6)
    assert car.taken <= car.wanted + 1e-6


@given(cars(), st.floats(0, 0.99), OFFERS)
def test_it_is_full_when_it_says(car: Car, had: float, offered: float | None) -> None:
    """`seconds_to_full` is the instant: not a moment before, and at it no more power flows."""
    car.taken = car.wanted * had
    seconds = car.seconds_to_full(offered)
    assert (seconds is None) == (car.draws(offered) == 0)
    if seconds is not None:
        left = car.left
        assert copy(car).would_take(seconds * 0.99, offered) < left * (1 - 1e-4)
        car.take(seconds + 1e-3, offered)
        assert car.full and car.draws(offered) == 0


def test_what_notebooks_know() -> None:
    """Without a known battery: constant power until it has what it wants."""
    car = Car()
    assert (car.wanted, car.power, car.taken, car.full, car.soc) == (20_000, 11_000, 0, False, None)
    assert (car.draws(), car.take(3600), car.draws()) == (11_000, 11_000, 11_000)
    assert (car.take(7200), car.full, car.draws(), car.seconds_to_full()) == (9_000, True, 0, None)


def test_it_takes_what_it_is_offered() -> None:
    """A per phase, on as many phases as it has; below its minimum nothing, and never more than its own power."""
    three, one = Car(power=11_000), Car(power=7_400, phases=1)
    assert [three.draws(amperes) for amperes in (0, 5.9, 6, 10, 15, 32)] == [0, 0, 4140, 6900, 10350, 11_000]
    assert [one.draws(amperes) for amperes in (5, 6, 10, 32, 63)] == [0, 1380, 2300, 7360, 7_400]
    assert Car(minimum=10).draws(9) == 0
    assert three.would_take(3600, 16) == 11_000 and three.would_take(3600, 10) == 3 * 10 * VOLTAGE


def test_the_curve_bends_at_eighty_percent() -> None:
    """Full power below, then on a straight line down to a tenth."""
    car = Car(wanted=40_000, power=10_000, capacity=50_000)
    seen = []
    for percent in (20, 79, 80, 85, 90, 95, 99):
        car.taken = percent / 100 * 50_000 - 10_000
        assert car.soc == pytest.approx(percent)
        seen.append(round(car.draws()))
    assert seen == [10_000, 10_000, 10_000, 7_750, 5_500, 3_250, 1_450]
    assert (BEND, TRICKLE) == (0.8, 0.1)
    car.taken = 40_000
    assert (car.soc, car.draws()) == (100, 0)


def test_a_low_offer_hides_the_bend() -> None:
    """The battery takes what is offered until its own curve is lower."""
    car = Car(wanted=40_000, power=10_000, taken=30_000 + 2_000, capacity=50_000)  # 84 %: it would take 8,200 W
    assert (car.draws(), car.draws(6.0)) == (8_200, 4_140)


@pytest.mark.parametrize("fields", [{"phases": 2}, {"phases": 0}, {"capacity": 10_000}, {"capacity": 0, "wanted": 0}])
def test_a_car_that_cannot_be(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected a"):
        Car(**fields)
