"""`Connector`: the table of core 4.9, connector 0's three statuses, and a meter that is arithmetic."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any, get_args

import pytest

from ocpp_lab.connection import CONNECTION
from ocpp_lab.errors import IllegalTransition
from ocpp_lab.messages import ChargePointStatus
from ocpp_lab.states import mermaid
from ocpp_lab.station.connector import CHARGE_POINT, CONNECTOR, Car, Connector
from tests.simulated import simulated

STATUSES: list[ChargePointStatus] = list(get_args(ChargePointStatus))

# Core 4.9, the matrix: a row for each previous status, a column for each new one, in the order of the specification;
# B6 is from core errata 3.20.
ORDER = [
    "Available", "Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing", "Reserved", "Unavailable",
    "Faulted",
]  # fmt: skip
MATRIX = """
    -  A2 A3 A4 A5 -  A7 A8 A9
    B1 -  B3 B4 B5 B6 -  -  B9
    C1 -  -  C4 C5 C6 -  C8 C9
    D1 -  D3 -  D5 D6 -  D8 D9
    E1 -  E3 E4 -  E6 -  E8 E9
    F1 F2 -  -  -  -  -  F8 F9
    G1 G2 -  -  -  -  -  G8 G9
    H1 H2 H3 H4 H5 -  -  -  H9
    I1 I2 I3 I4 I5 I6 I7 I8 -
"""


def test_the_table_is_the_matrix() -> None:
    """Core 4.9, with B6: a driver leaves, or the connection times out, before anything flowed."""
    expected = {
        old: {new for new, cell in zip(ORDER, row.split(), strict=True) if cell != "-"}
        for old, row in zip(ORDER, MATRIX.strip().splitlines(), strict=True)
    }
    assert set(CONNECTOR) == set(STATUSES) == set(ORDER)
    assert {old: set(edges) for old, edges in CONNECTOR.items()} == expected
    assert all(event == new for edges in CONNECTOR.values() for event, new in edges.items())


def test_connector_zero_knows_three() -> None:
    """Core 4.9: Available, Unavailable, Faulted, from each to each."""
    main = {"Available", "Unavailable", "Faulted"}
    assert {old: set(edges) for old, edges in CHARGE_POINT.items()} == {status: main - {status} for status in main}


@pytest.mark.parametrize("table", [CONNECTION, CONNECTOR, CHARGE_POINT], ids=["connection", "connector", "connector 0"])
def test_the_picture_is_complete(table: Any) -> None:
    """One arrow for each pair of states in the table, labelled with all its events, and no other."""
    lines = mermaid(table).splitlines()
    assert lines[0] == "stateDiagram-v2"
    drawn = set()
    for line in lines[1:]:
        arrow, _, events = line.strip().partition(": ")
        old, new = arrow.split(" --> ")
        drawn |= {(old, event, new) for event in events.split(", ")}
    assert drawn == {(old, event, new) for old, edges in table.items() for event, new in edges.items()}
    assert len(lines) - 1 == len({(old, new) for old, _, new in drawn})


class Clock:
    """Seconds, as the test says."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_status_changes_once() -> None:
    """What it is already is no change and nobody is told; what cannot follow raises and changes nothing."""
    told: list[tuple[str, ...]] = []
    connector = Connector(1, Clock(), on_change=lambda *change: told.append(change))
    assert (connector.status, connector.become("Available")) == ("Available", False)
    assert connector.become("Preparing") is True
    assert told == [("Available", "Preparing", "Preparing")]
    with pytest.raises(IllegalTransition):
        connector.become("Unavailable")
    assert (connector.status, len(told)) == ("Preparing", 1)


@pytest.mark.parametrize("status", sorted(set(STATUSES) - {"Available", "Unavailable", "Faulted"}))
def test_connector_zero_never_charges(status: ChargePointStatus) -> None:
    with pytest.raises(IllegalTransition):
        Connector(0, Clock()).become(status)


def test_energy_is_power_times_time() -> None:
    """Wh = W · h; nothing flows while the contactor is open, and the meter goes on from where it was."""
    clock = Clock()
    connector = Connector(1, clock, register=500.0)
    connector.car = Car(wanted=20_000, power=11_000)
    clock.now += 3600
    assert (connector.energy, connector.power) == (500, 0)
    connector.close_contactor()
    clock.now += 1800
    assert (connector.energy, connector.power) == (500 + 5_500, 11_000)
    connector.open_contactor()
    clock.now += 1800
    assert (connector.energy, connector.power) == (6_000, 0)
    connector.close_contactor()
    clock.now += 360
    assert connector.energy == pytest.approx(7_100)
    assert connector.car.taken == pytest.approx(6_600)


def test_a_full_car_takes_no_more() -> None:
    """It is full after wanted / power hours; the meter stops at exactly what it wanted."""
    clock = Clock()
    connector = Connector(1, clock)
    connector.car = car = Car(wanted=5_500, power=11_000)
    assert (connector.seconds_to_full, connector.full) == (None, False)
    connector.close_contactor()
    assert connector.seconds_to_full == 1800
    clock.now += 1799
    assert not connector.full and connector.seconds_to_full == pytest.approx(1)
    clock.now += 1
    assert connector.full
    clock.now += 7200
    assert (connector.energy, connector.power, connector.seconds_to_full) == (5_500, 0, None)
    assert car.full


def test_who_reads_changes_nothing() -> None:
    """However often somebody reads, and whenever power changes, the register is the integral; it never goes back."""
    rng, clock = Random(7), Clock()
    connector, expected, last = Connector(1, clock), 0.0, 0.0
    connector.car = Car(wanted=1e9, power=0)
    connector.close_contactor()
    for _ in range(500):
        connector.car.power = rng.choice([0, 1_400, 3_700, 11_000, 22_000])
        seconds = rng.uniform(0, 600)
        clock.now += seconds
        expected += connector.car.power * seconds / 3600
        for _ in range(rng.randint(1, 3)):
            assert connector.energy >= last
            last = connector.energy
    assert connector.energy == pytest.approx(expected)


def test_without_a_car_nothing_flows() -> None:
    clock = Clock()
    connector = Connector(1, clock)
    connector.close_contactor()
    clock.now += 3600
    assert (connector.energy, connector.power, connector.seconds_to_full) == (0, 0, None)


@simulated
async def test_under_the_clock_of_the_loop() -> None:
    connector = Connector(1, asyncio.get_running_loop().time)
    connector.car = Car(power=7_200)
    connector.close_contactor()
    await asyncio.sleep(100)
    assert connector.energy == pytest.approx(200)
