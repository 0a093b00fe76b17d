"""`TransactionIds`: the real transaction id, once it is known (core 4.8, 4.10; core errata 3.18)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ocpp_lab import messages as m
from ocpp_lab.errors import CallFailed
from ocpp_lab.outbox import Entry, Outbox
from ocpp_lab.transaction_ids import NO_ID, TransactionIds
from tests.fakes import NOON
from tests.simulated import simulated

READING = [m.MeterValue(timestamp=NOON, sampled_value=[m.SampledValue(value="7")])]
STOP = m.StopTransactionRequest(transaction_id=-1, meter_stop=9, timestamp=NOON)
METER = m.MeterValuesRequest(connector_id=1, transaction_id=-1, meter_value=READING)


def entry(request: Any, transaction: str | None) -> Entry:
    return Entry(1, request, transaction, 0)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "ids.sqlite")


def test_the_id_is_put_in_once_it_is_known() -> None:
    ids = TransactionIds()
    assert ids.get("A") is None
    ids.learn("A", 42)
    assert ids.get("A") == 42
    assert [ids.prepare(entry(request, "A")).transaction_id for request in (STOP, METER)] == [42, 42]
    ids.close()


def test_two_at_once() -> None:
    """The last id that came is not everybody's."""
    ids = TransactionIds()
    ids.learn("A", 1)
    ids.learn("B", 2)
    assert [ids.prepare(entry(METER, name)).transaction_id for name in "ABA"] == [1, 2, 1]
    ids.close()


def test_minus_one_for_a_start_that_was_given_up() -> None:
    """Core errata 3.18. A stop whose start left no trace is sent too: it carries the energy."""
    ids = TransactionIds()
    ids.give_up("A")
    assert NO_ID == -1 == ids.get("A")
    assert [ids.prepare(entry(STOP, name)).transaction_id for name in ("A", "never heard of")] == [-1, -1]
    ids.close()


def test_what_was_learnt_is_not_given_up() -> None:
    """A start that was answered, killed before it was struck out, and refused when it was repeated, has an id."""
    ids = TransactionIds()
    ids.learn("A", 42)
    ids.give_up("A")
    assert ids.get("A") == 42
    ids.learn("A", 42)
    assert ids.get("A") == 42
    ids.close()


def test_the_first_id_wins() -> None:
    """Two copies of a start may be answered; what was sent in between carries the first."""
    ids = TransactionIds()
    ids.learn("A", 42)
    ids.learn("A", 43)
    assert ids.get("A") == 42
    ids.close()


def test_an_id_that_comes_after_it_was_given_up() -> None:
    """Its stop may still be unsent; and from then on it is the first."""
    ids = TransactionIds()
    ids.give_up("A")
    ids.learn("A", 42)
    ids.learn("A", 43)
    ids.give_up("A")
    assert ids.get("A") == 42
    ids.close()


def test_it_survives(path: str) -> None:
    ids = TransactionIds(path)
    ids.learn("A", 42)
    ids.give_up("B")
    ids.close()
    again = TransactionIds(path)
    assert [again.get(name) for name in "ABC"] == [42, -1, None]
    again.close()


@pytest.mark.parametrize("transaction_id", [0, -7, 2**31, 2**63 - 1, 2**63, -(2**70), 10**40])
def test_any_integer_is_an_id(transaction_id: int, path: str) -> None:
    """The specification bounds none; whatever a central system chooses comes back to it."""
    ids = TransactionIds(path)
    ids.learn("A", transaction_id)
    assert ids.prepare(entry(STOP, "A")).transaction_id == transaction_id
    ids.close()


def test_the_entry_is_a_copy() -> None:
    ids = TransactionIds()
    ids.learn("A", 42)
    written = entry(METER, "A")
    prepared = ids.prepare(written)
    assert (written.request.transaction_id, prepared.transaction_id) == (-1, 42)
    assert prepared.meter_value == READING
    ids.close()


def test_others_are_left_alone() -> None:
    """Meter values outside a transaction keep having none; a start has no id to patch."""
    ids = TransactionIds()
    ids.learn("A", 42)
    outside = m.MeterValuesRequest(connector_id=1, meter_value=READING)
    start = m.StartTransactionRequest(connector_id=1, id_tag="TAG_A", meter_start=0, timestamp=NOON)
    assert ids.prepare(entry(outside, None)) is outside
    assert ids.prepare(entry(start, "A")) is start
    ids.close()


@simulated
async def test_with_the_outbox() -> None:
    """Two transactions, written down before either id was known; the start of one is refused until it is given up."""
    box, ids, sent = Outbox(), TransactionIds(), []
    for connector, name in ((1, "A"), (2, "B")):
        box.put(m.StartTransactionRequest(connector_id=connector, id_tag="TAG", meter_start=0, timestamp=NOON), name)
    for request, name in ((METER, "B"), (METER, "A"), (STOP, "A"), (STOP, "B")):
        box.put(request, name)

    async def call(request: Any) -> Any:
        await asyncio.sleep(1)
        if isinstance(request, m.StartTransactionRequest):
            if request.connector_id == 1:
                raise CallFailed("InternalError")
            return m.StartTransactionResponse(transaction_id=7, id_tag_info=m.IdTagInfo(status="Accepted"))
        sent.append(request.transaction_id)
        return request.response_type()

    def answered(entry: Entry, response: Any) -> None:
        if isinstance(response, m.StartTransactionResponse):
            ids.learn(entry.transaction or "", response.transaction_id)

    async def probe() -> bool:
        raise AssertionError("nobody was silent")

    await box.drain(
        call,
        probe,
        attempts=2,
        retry_interval=60,
        prepare=ids.prepare,
        on_result=answered,
        on_drop=lambda entry: ids.give_up(entry.transaction or ""),
    )
    assert sent == [7, -1, -1, 7]
    box.close()
    ids.close()
