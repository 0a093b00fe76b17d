"""Tags at a central system: parent, expiry, one car at a time; and which transactions are open (core 7.2, 7.27)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ocpp_lab import Ledger, Policy
from ocpp_lab import messages as m
from tests.operated import DATE, operated, starts, stops
from tests.pair import simulated

FAMILY = m.IdTagInfo(status="Accepted", parent_id_tag="P")


async def authorize(peer: Any, tag: str) -> Any:
    return (await peer.ask("who", "Authorize", {"idTag": tag}))[2]["idTagInfo"]


@simulated
async def test_parent_and_expiry_are_told() -> None:
    """From the instant of its expiry on a tag is Expired; one that is blocked stays blocked."""
    tags: Any = {
        "LATER": m.IdTagInfo(status="Accepted", parent_id_tag="P", expiry_date=DATE + timedelta(seconds=1)),
        "NOW": m.IdTagInfo(status="Accepted", parent_id_tag="P", expiry_date=DATE),
        "BAD": m.IdTagInfo(status="Blocked", expiry_date=DATE),
        "PLAIN": "Invalid",
    }
    async with operated(policy=Policy(id_tags=tags)) as (_, peer):
        later = {"status": "Accepted", "parentIdTag": "P", "expiryDate": "2030-06-01T12:00:01.000Z"}
        assert await authorize(peer, "later") == later
        assert await authorize(peer, "NOW") == later | {"status": "Expired", "expiryDate": "2030-06-01T12:00:00.000Z"}
        assert (await authorize(peer, "BAD"))["status"] == "Blocked"
        assert await authorize(peer, "PLAIN") == {"status": "Invalid"}
        assert await authorize(peer, "NOBODY") == {"status": "Accepted"}
        assert (await starts(peer, "NOW"))["idTagInfo"]["status"] == "Expired"
        assert (await starts(peer, "LATER"))["idTagInfo"] == later


def test_what_was_put_in_comes_out() -> None:
    """A status alone stays one: the shorter way to say it."""
    policy = Policy(id_tags={"A": "Blocked", "B": FAMILY})
    assert policy.id_tags == {"A": "Blocked", "B": FAMILY} and policy.authorize("a") == m.IdTagInfo(status="Blocked")


@simulated
async def test_a_tag_that_charges_elsewhere() -> None:
    """ConcurrentTx in the answer to a start, with its parent; never in that to Authorize, for it may want to stop."""
    async with operated(policy=Policy(id_tags={"TAG_A": FAMILY})) as (_, peer):
        first = await starts(peer, "TAG_A")
        assert first["idTagInfo"] == {"status": "Accepted", "parentIdTag": "P"}
        second = await starts(peer, "tag_a", connector=2, at=1)
        assert second["idTagInfo"] == {"status": "ConcurrentTx", "parentIdTag": "P"}
        assert await starts(peer, "TAG_A") == first and await starts(peer, "tag_a", connector=2, at=1) == second
        assert (await authorize(peer, "TAG_A"))["status"] == "Accepted"
        await stops(peer, first["transactionId"])
        await stops(peer, second["transactionId"])
        assert (await starts(peer, "TAG_A", at=2))["idTagInfo"]["status"] == "Accepted"


@simulated
async def test_at_another_charge_point_too_but_not_where_a_stop_is_missing() -> None:
    """A connector has room for one car: what began there before is over, whatever nobody told us."""
    async with operated(policy=Policy(id_tags={"TAG_A": "Accepted"})) as (_, peer):
        peer.ours.ledger.start("CP_2", _start("TAG_A"))
        assert (await starts(peer, "TAG_A", at=1))["idTagInfo"]["status"] == "ConcurrentTx"
        peer.ours.ledger.start("CP_2", _start("TAG_B", at=2))
        peer.ours.ledger.start("CP_1", _start("TAG_C", at=3))
        assert (await starts(peer, "TAG_A", at=4))["idTagInfo"]["status"] == "Accepted"
        assert (await starts(peer, "TAG_A", at=5))["idTagInfo"]["status"] == "Accepted"  # it is its own predecessor


@simulated
@pytest.mark.parametrize(
    ("one_car", "known", "unknown"),
    [("known tags", "ConcurrentTx", "Accepted"), ("all tags", "ConcurrentTx", "ConcurrentTx"),
     ("no tag", "Accepted", "Accepted")],
)  # fmt: skip
async def test_which_tags_charge_one_car(one_car: Any, known: str, unknown: str) -> None:
    """Of a tag that nobody knows nobody can say how many carry it."""
    async with operated(policy=Policy(id_tags={"KNOWN": "Accepted"}, one_car=one_car)) as (_, peer):
        for tag, status in (("KNOWN", known), ("STRANGER", unknown)):
            await starts(peer, tag)
            assert (await starts(peer, tag, connector=2))["idTagInfo"]["status"] == status


def _start(id_tag: str = "TAG_A", connector: int = 1, at: int = 0) -> m.StartTransactionRequest:
    instant = DATE + timedelta(minutes=at)
    return m.StartTransactionRequest(connector_id=connector, id_tag=id_tag, meter_start=0, timestamp=instant)


def _reading(transaction_id: int, at: int) -> m.MeterValuesRequest:
    value = m.MeterValue(timestamp=DATE + timedelta(minutes=at), sampled_value=[m.SampledValue(value="1")])
    return m.MeterValuesRequest(connector_id=1, transaction_id=transaction_id, meter_value=[value])


def test_who_charges_where() -> None:
    """By connector: the newest, if a stop is missing."""
    ledger = Ledger()
    assert ledger.transaction_on("CP_1", 1) is None and ledger.transaction(1) is None
    assert ledger.transaction(2**70) is None
    first, second = ledger.start("CP_1", _start()), ledger.start("CP_1", _start(at=1))
    ledger.start("CP_2", _start())
    running = ledger.transaction_on("CP_1", 1)
    assert running and running["id"] == second
    stop = m.StopTransactionRequest(transaction_id=second, meter_stop=1, timestamp=DATE + timedelta(hours=1))
    ledger.stop("CP_1", stop)
    running = ledger.transaction_on("CP_1", 1)
    assert running and running["id"] == first
    ended = ledger.transaction(second)
    assert ended and ended["stopped"]
    ledger.close()


def test_transactions_that_somebody_should_look_into() -> None:
    """Not heard of for long, by start and readings; or with a newer one on their connector."""
    ledger = Ledger()
    silent, heard = ledger.start("CP_1", _start()), ledger.start("CP_1", _start(connector=2))
    superseded, newer = ledger.start("CP_2", _start(at=50)), ledger.start("CP_2", _start(at=51))
    ledger.meter_values("CP_1", _reading(heard, 45))
    ledger.meter_values("CP_1", _reading(heard, 30))
    assert [row["id"] for row in ledger.open_transactions()] == [silent, heard, superseded, newer]
    assert [row["id"] for row in ledger.open_transactions("CP_1")] == [silent, heard]
    assert [row["id"] for row in ledger.stale(DATE + timedelta(minutes=45))] == [silent, superseded]
    assert [row["id"] for row in ledger.stale(DATE + timedelta(minutes=46))] == [silent, heard, superseded]
    ledger.close()
