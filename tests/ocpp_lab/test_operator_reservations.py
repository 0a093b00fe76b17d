"""Reservations: asked, held, used, replaced, cancelled, refused; and what is rolled back (core 5.1, 5.13)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ocpp_lab import CallTimeout, Ledger
from tests.fakes import power_cut
from tests.operated import DATE, done, operated, starts
from tests.pair import simulated
from tests.simulated import fresh_path, quiet

HOUR = DATE + timedelta(hours=1)
ACCEPTED = {"status": "Accepted"}


def states(peer: Any) -> list[tuple[int, str]]:
    return [(row["reservation"], row["state"]) for row in peer.ours.ledger.records.reservations.rows()]


@simulated
async def test_ids_are_given_and_never_twice() -> None:
    async with operated() as (operator, peer):
        for number in (1, 2):
            reserved, asked = await done(peer, operator.reserve("CP_1", number, "TAG_A", HOUR, parent="P"), ACCEPTED)
            assert reserved == (number, "Accepted")
            [(action, payload)] = asked
            assert action == "ReserveNow" and payload == {
                "connectorId": number,
                "expiryDate": "2030-06-01T13:00:00.000Z",
                "idTag": "TAG_A",
                "parentIdTag": "P",
                "reservationId": number,
            }
        [first, _] = peer.ours.ledger.records.reservations.living("CP_1", DATE)
        assert (first["connector"], first["id_tag"], first["parent"]) == (1, "TAG_A", "P")
        assert peer.ours.ledger.records.reservations.living("CP_1", HOUR) == []  # expired, whatever nobody told us
        assert peer.ours.ledger.records.reservations.living("CP_2", DATE) == []


@simulated
@pytest.mark.parametrize("status", ["Occupied", "Faulted", "Rejected", "Unavailable"])
async def test_one_that_was_refused_leaves_the_older_one(status: str) -> None:
    """The same id would replace it (core 5.13): but only if the charge point says so."""
    async with operated() as (operator, peer):
        await done(peer, operator.reserve("CP_1", 1, "TAG_A", HOUR), ACCEPTED)
        reserved, _ = await done(peer, operator.reserve("CP_1", 2, "TAG_B", HOUR, reservation_id=1), {"status": status})
        assert reserved == (1, status)
        assert states(peer) == [(1, "held"), (1, "refused")]
        [living] = peer.ours.ledger.records.reservations.living("CP_1", DATE)
        assert living["id_tag"] == "TAG_A"
        await done(peer, operator.reserve("CP_1", 2, "TAG_B", HOUR, reservation_id=1), ACCEPTED)
        assert states(peer) == [(1, "replaced"), (1, "refused"), (1, "held")]


@simulated
async def test_the_start_uses_it_up() -> None:
    """StartTransaction carries the id; a repeat of it, or another id, changes nothing."""
    async with operated() as (operator, peer):
        for connector in (1, 2):
            await done(peer, operator.reserve("CP_1", connector, "TAG_A", HOUR), ACCEPTED)
        first = await starts(peer, reservationId=1)
        assert await starts(peer, reservationId=1) == first
        await starts(peer, connector=3, at=1, reservationId=2**70)
        assert states(peer) == [(1, "used"), (2, "held")]
        [used, _] = peer.ours.ledger.records.reservations.rows()
        assert used["used_by"] == first["transactionId"]


@simulated
@pytest.mark.parametrize(("answer", "left"), [({"status": "Accepted"}, 0), ({"status": "Rejected"}, 0)])
async def test_a_cancelled_one_is_gone(answer: Any, left: int) -> None:
    """Rejected: the charge point has none of this id (core 5.1), so there is none."""
    async with operated() as (operator, peer):
        await done(peer, operator.reserve("CP_1", 1, "TAG_A", HOUR), ACCEPTED)
        response, asked = await done(peer, operator.cancel_reservation("CP_1", 1), answer)
        assert response.status == answer["status"] and asked == [("CancelReservation", {"reservationId": 1})]
        assert len(peer.ours.ledger.records.reservations.living("CP_1", DATE)) == left
        assert states(peer) == [(1, "cancelled")]


@simulated
async def test_a_connector_that_fails_ends_what_is_reserved_there() -> None:
    """Core 5.13; the whole charge point ends all of it, and a status that says nothing of the kind ends nothing."""
    async with operated() as (operator, peer):
        for connector in (0, 1, 2, 3):
            await done(peer, operator.reserve("CP_1", connector, "TAG_A", HOUR), ACCEPTED)
        for connector, status in ((1, "Faulted"), (2, "Reserved"), (3, "Unavailable"), (2**70, "Faulted")):
            told = {"connectorId": connector, "status": status, "errorCode": "NoError"}
            await peer.ask("status", "StatusNotification", told)
        assert states(peer) == [(1, "held"), (2, "broken"), (3, "held"), (4, "broken")]
        await peer.ask("all", "StatusNotification", {"connectorId": 0, "status": "Faulted", "errorCode": "OtherError"})
        assert [state for _, state in states(peer)] == ["broken"] * 4


@simulated
async def test_a_start_that_is_told_when_the_time_is_up() -> None:
    """It began in time, offline: the reservation has served."""
    date = [DATE]
    async with operated(now=lambda: date[0]) as (operator, peer):
        await done(peer, operator.reserve("CP_1", 1, "TAG_A", HOUR), ACCEPTED)
        date[0] = HOUR + timedelta(hours=1)
        await done(peer, operator.reserve("CP_1", 2, "TAG_A", HOUR + timedelta(hours=2)), ACCEPTED)
        assert states(peer) == [(1, "expired"), (2, "held")]
        await starts(peer, reservationId=1)
        assert states(peer) == [(1, "used"), (2, "held")]


@simulated
async def test_a_cancel_that_failed_cancels_nothing() -> None:
    async with operated(timeout=1.0) as (operator, peer):
        await done(peer, operator.reserve("CP_1", 1, "TAG_A", HOUR), ACCEPTED)
        with pytest.raises(CallTimeout):
            await operator.cancel_reservation("CP_1", 1)
        assert states(peer) == [(1, "held")]


@simulated
async def test_they_are_there_after_a_restart(tmp_path: Path) -> None:
    path = fresh_path(tmp_path, "ledger")
    ledger = Ledger(path)
    async with operated(ledger=ledger) as (operator, peer):
        await done(peer, operator.reserve("CP_1", 1, "TAG_A", HOUR), ACCEPTED)
    ledger.close()
    again = Ledger(path)
    async with operated(ledger=again) as (operator, peer):
        [living] = again.records.reservations.living("CP_1", DATE)
        assert living["reservation"] == 1
        reserved, _ = await done(peer, operator.reserve("CP_1", 2, "TAG_B", HOUR), ACCEPTED)
        assert reserved.reservation_id == 2
    again.close()


@simulated
async def test_we_end_in_the_middle_of_an_order(tmp_path: Path) -> None:
    """What was asked and never answered here may be there: it is counted as living, and a list is sent whole."""
    path = fresh_path(tmp_path, "ledger")
    ledger = Ledger(path)
    async with operated(ledger=ledger) as (operator, peer):
        await done(peer, operator.send_list("CP_1", {"A": "Accepted"}), ACCEPTED)
        orders = [operator.reserve("CP_1", 1, "TAG_A", HOUR), operator.send_list("CP_1", {"B": "Accepted"})]
        tasks = [asyncio.create_task(order) for order in orders]
        await peer.hear()
        await quiet()
        again = Ledger(power_cut(path))
        for task in tasks:
            task.cancel()
    ledger.close()
    async with operated(ledger=again) as (operator, peer):
        [living] = again.records.reservations.living("CP_1", DATE)
        assert (living["reservation"], living["state"]) == (1, "asked")
        reserved, _ = await done(peer, operator.reserve("CP_1", 1, "TAG_A", HOUR, reservation_id=1), ACCEPTED)
        assert states(peer) == [(1, "replaced"), (1, "held")] and reserved.status == "Accepted"
        _, asked = await done(peer, operator.send_list("CP_1", {"B": "Accepted"}), ACCEPTED)
        assert asked[0][1]["updateType"] == "Full" and asked[0][1]["listVersion"] == 3
    again.close()
