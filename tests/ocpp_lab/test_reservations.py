"""Reservations: what may be reserved, what is replaced, and how each ends (core 3.11, 5.1, 5.13)."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from ocpp_lab import messages as m
from ocpp_lab.charge_point.chores import Chores
from ocpp_lab.charge_point.kept_reservations import KeptReservations, Place, may_reserve
from ocpp_lab.charge_point.reserving import AGAIN, Reserving
from ocpp_lab.errors import StoreFailed
from ocpp_lab.station.rights import Reservation
from ocpp_lab.store import Store
from tests.fakes import NOON, Failing, power_cut
from tests.simulated import simulated

LATER = NOON + timedelta(minutes=10)


def ask(
    connector: int, reservation: int = 1, *, tag: str = "TAG_A", until: datetime = LATER, parent: str | None = None
) -> m.ReserveNowRequest:
    return m.ReserveNowRequest(
        connector_id=connector, expiry_date=until, id_tag=tag, parent_id_tag=parent, reservation_id=reservation
    )


def held(connector: int, reservation: int = 1, until: datetime = LATER) -> Reservation:
    return Reservation(reservation, connector, "TAG_A", None, until)


def car_park(one: Place = "free", two: Place = "free", whole: Place = "free") -> dict[int, Place]:
    return {0: whole, 1: one, 2: two}


# --- the decision ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "places", "living", "answer"),
    [
        (ask(1), car_park(), [], "Accepted"),
        (ask(1), car_park("occupied"), [], "Occupied"),
        (ask(1), car_park("faulted"), [], "Faulted"),
        (ask(1), car_park("unavailable"), [], "Unavailable"),
        (ask(1), car_park(whole="faulted"), [], "Faulted"),
        (ask(1), car_park(whole="unavailable"), [], "Unavailable"),
        (ask(3), car_park(), [], "Rejected"),  # no such connector
        (ask(1, until=NOON), car_park(), [], "Rejected"),  # over before it began
        (ask(1, 2), car_park(), [held(1, 1)], "Occupied"),  # the same tag: Occupied all the same
        (ask(1, 1), car_park(), [held(1, 1)], "Accepted"),  # the same id: replaced
        (ask(2, 1), car_park(), [held(1, 1)], "Accepted"),  # also by another connector
        (ask(2, 1), car_park(two="occupied"), [held(1, 1)], "Occupied"),
        (ask(0), car_park(), [], "Accepted"),
        (ask(0), car_park("occupied"), [], "Accepted"),
        (ask(0), car_park("occupied", "occupied"), [], "Occupied"),
        (ask(0), car_park("faulted", "faulted"), [], "Faulted"),
        (ask(0), car_park("unavailable", "unavailable"), [], "Unavailable"),
        (ask(0), car_park("unavailable", "faulted"), [], "Faulted"),  # nobody occupies any
        (ask(0, 2), car_park("occupied"), [held(2, 1)], "Occupied"),  # what is left is kept for somebody
        (ask(0, 2), car_park(), [held(0, 1)], "Accepted"),
        (ask(0, 3), car_park(), [held(0, 1), held(0, 2)], "Occupied"),
        (ask(1, 3), car_park(), [held(0, 1), held(0, 2)], "Occupied"),  # both are spoken for
        (ask(1, 2), car_park(), [held(0, 1)], "Accepted"),  # one remains
        (ask(1, 1), car_park(two="occupied"), [held(0, 1)], "Accepted"),  # the one that remained was its own
    ],
)
def test_what_may_be_reserved(
    request_: m.ReserveNowRequest, places: Mapping[int, Place], living: list[Reservation], answer: str
) -> None:
    """Core 5.13."""
    assert may_reserve(request_, places, living, NOON) == answer


def test_nobody_is_promised_a_connector_that_somebody_else_has() -> None:
    """After every Accepted, each reservation can be given a free connector of its own: tried by brute force."""
    kinds: list[Place] = ["free", "free", "free", "occupied", "faulted", "unavailable"]
    rng, accepted = Random(1), 0
    for _ in range(2_000):
        places: dict[int, Place] = {0: "free", **{number: rng.choice(kinds) for number in range(1, 5)}}
        living: list[Reservation] = []
        for reservation in range(6):
            request = ask(rng.randint(0, 4), reservation)
            if may_reserve(request, places, living, NOON) == "Accepted":
                accepted += 1
                living.append(held(request.connector_id, reservation))
                assert can_be_served(living, [number for number, place in places.items() if number and place == "free"])
    assert accepted > 2_000


def can_be_served(living: list[Reservation], free: list[int]) -> bool:
    return any(
        all(each.connector in (0, given) for each, given in zip(living, order, strict=False))
        for order in itertools.permutations(free, len(living))
    )


# --- the book --------------------------------------------------------------------------------------------------------


def test_reservations_survive_a_power_cut(tmp_path: Path) -> None:
    """With ids of any size, the newest of each id, in the order of their ends."""
    path = str(tmp_path / "cp.db")
    book = KeptReservations(path)
    big = Reservation(2**70, 2, "TAG_B", "FAMILY", LATER)
    sooner = held(1, -5, NOON)
    for each in (held(1, -5), big, sooner):
        book.put(each)
    left = KeptReservations(power_cut(path))
    assert left.all() == [sooner, big]
    assert left.living(NOON) == [big]
    assert (left.remove(2**70), left.remove(2**70)) == (big, None)
    left.close()
    book.close()


# --- the profile -----------------------------------------------------------------------------------------------------


class Street:
    """Two connectors, what they show, and a clock that stands on simulated time."""

    def __init__(self) -> None:
        self.kinds = car_park()
        self.shown: list[str] = []
        self.ahead = timedelta()  # by how much the clock was set
        self.chores = Chores("CP_1")
        self.book = KeptReservations(Store())
        self.reserving = Reserving(
            self.book, self.chores, places=lambda: self.kinds, idle=self.idle, notice=self.notice, date=self.date
        )
        self._began = asyncio.get_running_loop().time()

    def date(self) -> datetime:
        return NOON + timedelta(seconds=asyncio.get_running_loop().time() - self._began) + self.ahead

    def idle(self) -> set[int]:
        return {number for number, kind in self.kinds.items() if number and kind == "free"}

    def notice(self, connector: int, event: str) -> None:
        self.shown.append(f"{event} {connector}")

    async def ask(self, connector: int, reservation: int = 1, **options: datetime) -> str:
        return (await self.reserving.on_reserve(ask(connector, reservation, **options))).status  # type: ignore[arg-type]

    async def cancel(self, reservation: int) -> str:
        return (await self.reserving.on_cancel(m.CancelReservationRequest(reservation_id=reservation))).status

    async def __aenter__(self) -> Street:
        self.chores.start(self.reserving.run(), "reservations")
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.chores.end()
        await self.chores.ended()


@simulated
async def test_a_reservation_is_shown_and_ends_at_its_time() -> None:
    """Core 5.13, (2): to the second, whoever is online."""
    async with Street() as street:
        assert await street.ask(1) == "Accepted"
        assert street.shown == ["reserve 1"]
        await asyncio.sleep(599)
        assert street.shown == ["reserve 1"]
        await asyncio.sleep(1.001)
        assert (street.shown, street.book.all()) == (["reserve 1", "release 1"], [])


@simulated
async def test_each_ends_at_its_own_time() -> None:
    async with Street() as street:
        await street.ask(2, 2, until=NOON + timedelta(seconds=60))
        await street.ask(1, 1, until=NOON + timedelta(seconds=30))
        await asyncio.sleep(31)
        assert street.shown == ["reserve 2", "reserve 1", "release 1"]
        await street.ask(1, 3, until=NOON + timedelta(seconds=90))
        await asyncio.sleep(30)
        assert street.shown[4:] == ["release 2"]


@simulated
async def test_a_replaced_reservation_frees_its_connector() -> None:
    """Core 5.13: the same id. And the time of the old one is nobody's any more."""
    async with Street() as street:
        await street.ask(1)
        assert await street.ask(2, until=LATER + timedelta(minutes=10)) == "Accepted"
        assert street.shown == ["reserve 1", "release 1", "reserve 2"]
        await asyncio.sleep(700)
        assert street.shown[3:] == []
        assert await street.ask(0) == "Rejected"  # its time is over by now
        assert await street.cancel(1) == "Accepted"
        assert street.shown[3:] == ["release 2"]


@simulated
async def test_cancel() -> None:
    """Core 5.1: Rejected if there is none, also if it has just expired and nobody has noticed yet."""
    async with Street() as street:
        await street.ask(1)
        assert (await street.cancel(2), await street.cancel(1), await street.cancel(1)) == (
            "Rejected",
            "Accepted",
            "Rejected",
        )
    late = Street()
    await late.ask(1)
    late.ahead = timedelta(minutes=10)
    assert await late.cancel(1) == "Rejected"


@simulated
async def test_a_clock_that_is_set_changes_what_has_expired() -> None:
    async with Street() as street:
        await street.ask(1)
        await asyncio.sleep(1)
        street.ahead = timedelta(minutes=20)
        street.reserving.clock_set()
        await asyncio.sleep(0.001)
        assert street.shown == ["reserve 1", "release 1"]


@simulated
async def test_a_connector_that_breaks_ends_its_reservation() -> None:
    """Core 5.13, (3). Nothing is shown of it: Faulted is shown already."""
    street = Street()
    await street.ask(1, 1)
    await street.ask(0, 2)
    street.reserving.ends(1, "Faulted")
    assert [each.id for each in street.reserving.reservations()] == [2]
    street.reserving.ends(0, "Unavailable")
    assert (street.reserving.reservations(), street.shown) == ([], ["reserve 1", "reserve 2"])


@simulated
async def test_the_driver_who_begins_uses_it_up() -> None:
    """Core 5.13, (1)."""
    street = Street()
    await street.ask(1, 1)
    street.reserving.used(1)
    assert (street.reserving.reservations(), await street.ask(1, 2)) == ([], "Accepted")


@simulated
async def test_after_a_power_cut_what_holds_is_shown() -> None:
    street = Street()
    await street.ask(1, 1)
    await street.ask(2, 2, until=NOON + timedelta(seconds=30))
    street.shown.clear()
    await asyncio.sleep(60)
    street.reserving.restore()
    async with street:
        await asyncio.sleep(0.001)
        assert (street.shown, [each.id for each in street.book.all()]) == (["reserve 2", "reserve 1", "release 2"], [1])


@simulated
async def test_a_full_disk_says_no_and_tries_again() -> None:
    """ReserveNow and CancelReservation: Rejected, nothing shown. An end is tried again until it is written."""
    async with Street() as street:
        await street.ask(1, 1)
        await asyncio.sleep(1)
        street.book._store.before = disk = Failing(1, once=False)
        assert (await street.ask(2, 2), await street.cancel(1)) == ("Rejected", "Rejected")
        with pytest.raises(StoreFailed):
            street.reserving.used(1)
        await asyncio.sleep(600)
        assert (street.shown, street.chores.bugs["the end of a reservation"]) == (["reserve 1"], 1)
        disk.mend()
        await asyncio.sleep(AGAIN)
        assert street.shown == ["reserve 1", "release 1"]


@simulated
async def test_what_is_shown_of_the_last_free_connector_follows_the_others() -> None:
    """Core 5.13: Reserved as long as nobody else could begin there; and a disk that fails keeps no cable in."""
    async with Street() as street:
        await street.ask(0, 1)
        street.kinds = car_park("occupied")
        street.reserving.look()
        street.kinds = car_park()
        street.book._store.before = disk = Failing(1)
        street.reserving.look()
        assert street.shown == ["reserve 2"]
        disk.mend()
        street.reserving.look()
        assert street.shown == ["reserve 2", "release 2"]
