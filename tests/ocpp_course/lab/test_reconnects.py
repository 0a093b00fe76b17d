"""When a charge point dials again, read from its trace; and the two plots of it."""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from functools import partial
from itertools import repeat
from random import Random

import pytest
from PIL import Image

from ocpp_course.lab import Dial, Picture, dials, envelope, outages, reconnects, storm
from ocpp_lab import CentralSystem, ChaosProxy, ChargePoint, Event, backoff
from ocpp_lab.simulation import World, simulate

RESULT = '[3,"1",{}]'


def story(*lines: tuple[float, str, str]) -> list[Event]:
    return [Event(at, "CP_1", mark, text) for at, mark, text in lines]


LOST, AGAIN = ("=", "online → waiting (lost)"), ("=", "waiting → connecting (wait_over)")
FAILED, RESUMED = ("=", "connecting → waiting (lost)"), ("=", "connecting → online (resumed)")


def test_dials_are_counted_from_the_loss() -> None:
    """J-errata 3.3: each attempt has its number, its time since the loss, and the wait right before it."""
    events = story((10, *LOST), (13, *AGAIN), (13.5, *FAILED), (19.5, *AGAIN), (20, *RESUMED))
    assert dials(events) == [Dial("CP_1", 1, 3.0, 3.0), Dial("CP_1", 2, 9.5, 6.0)]


@pytest.mark.parametrize(
    ("between", "numbers"),
    [
        ([("=", "connecting → online (resumed)")], [1, 2]),  # an open line is no proof
        ([("=", "connecting → booting (opened)"), ("<", RESULT)], [1, 2]),  # it may have said Pending
        ([("=", "booting → online (accepted)")], [1, 1]),
        ([RESUMED, ("<", '[4,"1","InternalError","",{}]')], [1, 2]),
        ([RESUMED, ("<", '[2,"1","ClearCache",{}]')], [1, 2]),
        ([RESUMED, ("<", RESULT)], [1, 1]),
    ],
)
def test_numbers_start_afresh_after_a_proof(between: list[tuple[str, str]], numbers: list[int]) -> None:
    """As the waits of `keep_connected` do: after an accepted boot or an answered call."""
    middle = [(5.0, mark, text) for mark, text in between]
    events = story((0, *LOST), (3, *AGAIN), *middle, (6, *LOST), (9, *AGAIN))
    assert [dial.number for dial in dials(events)] == numbers


def test_the_envelope_holds_both_ends() -> None:
    """OCPP 2.0.1 part 4, 5.3: 3, 6, 12, 24 without jitter; 13, 36, 82, 174 at worst; flat from there on."""
    assert [(waits[0], waits[-1]) for waits in envelope(5)] == [(3, 13), (6, 36), (12, 82), (24, 174), (24, 174)]
    assert [list(waits) for waits in envelope(3, random_range=0)] == [[3], [6], [12]]
    assert [list(waits) for waits in envelope(3, wait_minimum=1, repeat_times=0, random_range=1)] == [[1, 2]] * 3


@pytest.mark.parametrize("seed", range(50))
def test_every_wait_of_the_formula_is_in_it(seed: int) -> None:
    assert all(wait in allowed for wait, allowed in zip(backoff(Random(seed)), envelope(6), strict=False))


async def test_a_live_charge_point_tells_its_dials() -> None:
    """Over real sockets: refused a few times, each dial has the next number; the wait is at least what was told."""
    async with CentralSystem() as central_system, ChaosProxy(central_system.host, central_system.port) as proxy:
        async with ChargePoint(proxy.url, "CP_1", delays=partial(repeat, 0.02)) as charge_point:
            await charge_point.wait_for("online")
            proxy.refuse()
            proxy.reset()
            async with asyncio.timeout(10):
                while proxy.refused < 3:  # noqa: ASYNC110 (there is no event for it)
                    await asyncio.sleep(0.005)
            proxy.heal()
            await charge_point.wait_for("online")
        found = dials(charge_point.trace)
        assert [dial.number for dial in found] == list(range(1, len(found) + 1)) and len(found) >= 3
        assert all(dial.wait >= 0.019 for dial in found)
        assert [dial.at for dial in found] == sorted(dial.at for dial in found)


def test_a_fleet_loses_its_central_system_and_comes_back() -> None:
    """Without jitter all dial in the same second, with jitter they do not; every wait is one of the formula's."""
    fleet = simulate(partial(outages, charge_points=8, seconds=20))
    wave, hill = fleet[0], fleet[10]
    assert Counter(round(dial.at) for dial in wave) == {3: 8, 9: 8, 21: 8}
    assert len({dial.identity for dial in hill}) == 8
    assert max(Counter(round(dial.at) for dial in hill).values()) < 8
    assert all(round(dial.wait) in envelope(4)[dial.number - 1] for dial in hill)


def test_an_open_line_is_no_proof_in_a_whole_charge_point() -> None:
    """A central system that lets in and hangs up on the boot: the waits go on growing."""

    async def lets_in_and_drops(world: World) -> list[Dial]:
        central_system = await world.start_central_system()
        central_system.faults.close("BootNotification")
        delays = partial(backoff, Random(1), random_range=0)
        charge_point = await world.start_charge_point("CP_1", delays=delays)
        await asyncio.sleep(80)
        return dials(charge_point.trace)

    found = simulate(lets_in_and_drops)
    assert [(dial.number, round(dial.wait)) for dial in found] == [(1, 3), (2, 6), (3, 12), (4, 24), (5, 24)]


FORMULA = [Dial("CP_1", number, 0.0, wait) for number, wait in enumerate([3, 6, 12, 24], start=1)]


def test_the_finding_is_computed() -> None:
    """What lies outside the envelope is counted in the title, not explained away."""
    good = reconnects([], FORMULA, rows=4)
    assert "Every wait lies between 3, 6, 12, 24 s and the worst case 13, 36, 82, 174 s" in good.alt
    assert good.alt.endswith("0 waits with jitter and 4 without; 0 outside.")
    late = reconnects([Dial("CP_1", 1, 0.0, 14.5), Dial("CP_1", 2, 0.0, 2.0), *FORMULA], rows=4)
    assert "2 of 6 waits lie outside" in late.alt
    assert "3, 6, 12, 24 s and the worst" in reconnects([], FORMULA, rows=6).alt  # flat waits are not told twice
    assert "Nobody had to dial again" in reconnects().alt


def test_the_storm_is_counted_by_second() -> None:
    at = [Dial("CP_1", 1, at, 3.0) for at in (3.0, 3.9, 3.2, 4.0)]
    both = storm({"random range 0": at, "random range 10": at[2:]}, back=4)
    assert "Jitter turns one wave of 3 dials per second into a hill of 1" in both.alt
    assert "random range 0: at most 3 in one second; random range 10: at most 1 in one second" in both.alt
    assert "At most 3 dials come in one second" in storm({"all": at}).alt


def test_both_can_be_drawn_empty_and_full() -> None:
    for picture in (reconnects(), reconnects(FORMULA, FORMULA), storm({"nobody": []}), storm({"all": FORMULA})):
        assert isinstance(picture, Picture)
        with Image.open(io.BytesIO(picture.png)) as image:
            assert image.width == 2 * picture.width in (1520, 2200)
