"""`Meter`: what it shows at an instant, and a register that is the integral of it; which of it somebody wants."""

from __future__ import annotations

from random import Random
from typing import get_args

import pytest

from ocpp_lab.messages import Measurand, UnitOfMeasure
from ocpp_lab.station.car import Car
from ocpp_lab.station.grids import energy
from ocpp_lab.station.mains import RATED
from ocpp_lab.station.meter import Meter
from ocpp_lab.station.quantities import MEASURED, MOST_MEASURANDS, Quantity, chosen, measurable

ENERGY = "Energy.Active.Import.Register"


class Seconds:
    """As the test says."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def shown(meter: Meter) -> dict[str, str]:
    return {f"{each.measurand}.{each.phase}" if each.phase else each.measurand: each.text for each in meter.read()}


def test_what_it_shows_of_a_car_on_three_phases() -> None:
    time = Seconds()
    meter = Meter(time, 1_112_938.7)
    meter.flow(Car(wanted=40_000, power=11_040, capacity=80_000), 16.0)
    time.now += 1800
    assert shown(meter) == {
        "Current.Import.L1": "16.0",
        "Current.Import.L2": "16.0",
        "Current.Import.L3": "16.0",
        "Current.Offered": "16.0",
        ENERGY: str(1_112_938 + 5_520),
        "Frequency": "50.0",
        "Power.Active.Import": "11040.0",
        "Power.Offered": "11040.0",
        "SoC": "57",
        "Voltage.L1": "230.0",
        "Voltage.L2": "230.0",
        "Voltage.L3": "230.0",
    }


def test_what_it_shows_of_a_car_on_one_phase() -> None:
    """It is offered what the connector can carry; its battery is not known."""
    meter = Meter(Seconds())
    meter.flow(Car(power=2_300, phases=1))
    seen = shown(meter)
    assert [seen[f"Current.Import.L{n}"] for n in (1, 2, 3)] == ["10.0", "0.0", "0.0"]
    assert (seen["Current.Offered"], seen["Power.Offered"]) == (f"{RATED:.1f}", f"{RATED * 230:.1f}")
    assert "SoC" not in seen


def test_nothing_flows() -> None:
    """No car: the register stands, the voltage is there, nothing is offered."""
    time = Seconds()
    meter = Meter(time, 500)
    time.now += 3600
    seen = shown(meter)
    assert (meter.energy, meter.power, meter.currents, meter.seconds_to_full) == (500, 0, (0, 0, 0), None)
    assert (seen["Power.Offered"], seen["Current.Offered"], seen["Voltage.L2"], seen[ENERGY]) == (
        "0.0",
        "0.0",
        "230.0",
        "500",
    )


def test_the_register_is_the_integral() -> None:
    """Whatever changes, and however often somebody reads: the same as `energy` of all the powers there were."""
    rng, time = Random(7), Seconds()
    meter, powers, last = Meter(time, 0.0), [(time.now, 0.0)], 0.0
    for _ in range(300):
        match rng.randrange(4):
            case 0:
                meter.cut()
            case 1:
                meter.flow(Car(wanted=1e9, power=rng.choice([1_400, 3_700, 11_000])), rng.choice([None, 8.0, 32.0]))
            case 2:
                meter.offer(rng.choice([None, 0.0, 5.0, 6.0, 13.0, 99.0]))
            case _:
                assert meter.energy >= last
                last = meter.energy
        powers.append((time.now, meter.power))
        time.now += rng.uniform(0, 900)
    assert meter.energy == pytest.approx(energy(powers, 0, time.now)) and meter.energy > 10_000


def test_more_than_the_connector_carries_is_not_offered() -> None:
    meter = Meter(Seconds())
    meter.flow(Car(power=100_000), 500.0)
    assert meter.currents == pytest.approx((RATED, RATED, RATED))
    assert shown(meter)["Current.Offered"] == f"{RATED:.1f}"


# Which of it ----------------------------------------------------------------------------------------------------------


def test_measurands_and_units_are_those_of_the_specification() -> None:
    """Core 7.31, 7.45."""
    assert set(MEASURED) <= set(get_args(Measurand))
    assert {unit for unit, _ in MEASURED.values()} <= set(get_args(UnitOfMeasure))


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("", True),
        ("  ", True),
        (ENERGY, True),
        (",".join(MEASURED), True),
        (f"{ENERGY}, SoC ,Voltage.L1,Current.Import.L3", True),  # core 9.1.17
        ("SoC,SoC", True),
        ("Temperature", False),  # core 3.16.4
        (f"{ENERGY},Temperature", False),
        ("soc", False),
        ("SoC.L1", False),
        ("Voltage.L4", False),
        ("Voltage.", False),
        ("Current.Import.L1-N", False),
        ("SoC,", False),
        (",", False),
        ("banana", False),
        (",".join(["SoC"] * MOST_MEASURANDS), True),
        (",".join(["SoC"] * (MOST_MEASURANDS + 1)), False),
    ],
)
def test_a_list_of_measurands(text: str, good: bool) -> None:
    assert measurable(text) is good


def test_all_phases_or_one() -> None:
    """Core 3.16.3: all phases of a measurand, unless one is named; each once, in the order of the meter."""
    read = Meter(Seconds()).read()
    assert chosen(read, "") == []
    assert [each.phase for each in chosen(read, "Voltage")] == ["L1", "L2", "L3"]
    assert [(each.measurand, each.phase) for each in chosen(read, f"Voltage.L3,{ENERGY},Voltage.L1")] == [
        (ENERGY, None),
        ("Voltage", "L1"),
        ("Voltage", "L3"),
    ]
    assert len(chosen(read, "Voltage,Voltage.L1,Voltage")) == 3


def test_how_a_value_is_told() -> None:
    """Whole Wh and percent; else a tenth. What a register has not seen is not sold."""
    assert Quantity(ENERGY, 41.99).text == "41"
    assert [Quantity(*each).text for each in (("SoC", 41.6), ("Current.Import", 15.94), ("Power.Offered", 4140))] == [
        "42",
        "15.9",
        "4140.0",
    ]
