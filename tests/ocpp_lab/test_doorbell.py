"""`Doorbell`: who was not let in is told of, but not so often that nothing else can be seen."""

from __future__ import annotations

import asyncio

from ocpp_lab.central_system.doorbell import AT_ONCE, Doorbell
from tests.simulated import simulated


def bell() -> tuple[Doorbell, list[str]]:
    told: list[str] = []
    return Doorbell(lambda identity, mark, text: told.append(f"{mark} {identity} {text}")), told


@simulated
async def test_a_few_are_told_of_each() -> None:
    doorbell, told = bell()
    for n in range(AT_ONCE):
        doorbell.ring("silent", f"guest {n}")
    assert told == [f"! ? guest {n}" for n in range(AT_ONCE)]


@simulated
async def test_of_many_one_a_second_is_told_and_how_many_were_not() -> None:
    """A day of a hundred a second: bounded, and nothing is lost from the count."""
    doorbell, told = bell()
    for _ in range(1_000):
        doorbell.ring("silent", "a guest")
        await asyncio.sleep(0.01)
    assert AT_ONCE + 9 <= len(told) <= AT_ONCE + 11
    assert told[-1] == "! ? a guest (and 99 more like this before)"
    doorbell.rest()
    assert told[-1].startswith("! ? ") and told[-1].endswith(" more were turned away: silent")
    untold = sum(
        int(word) for line in told for word in line.split(" more ")[0].split("(and ")[-1].split() if word.isdigit()
    )
    assert len(told) - 1 + untold == doorbell.kinds["silent"] == 1_000


@simulated
async def test_it_recovers() -> None:
    """After a quiet minute the next ones are told of each again, and no more than at first."""
    doorbell, told = bell()
    for _ in range(2):
        for _ in range(100):
            doorbell.ring("silent", "a guest")
        await asyncio.sleep(60)
    assert len(told) == 2 * AT_ONCE


@simulated
async def test_one_kind_does_not_hide_another() -> None:
    """A scanner, and a charge point with a wrong key that the operator is waiting for."""
    doorbell, told = bell()
    for _ in range(1_000):
        doorbell.ring("no HTTP", "a scanner")
    doorbell.ring("HTTP 401", "refused", "CP_1")
    assert told[-1] == "! CP_1 refused"
    assert doorbell.kinds == {"no HTTP": 1_000, "HTTP 401": 1}


@simulated
async def test_a_name_that_a_stranger_chose_is_cut() -> None:
    doorbell, told = bell()
    doorbell.ring("HTTP 404", "refused", "x" * 8_000)
    assert told == [f"! {'x' * 50} refused"]


@simulated
async def test_nothing_is_left_to_say() -> None:
    doorbell, told = bell()
    doorbell.rest()
    doorbell.ring("silent", "a guest")
    doorbell.rest()
    assert told == ["! ? a guest"]
