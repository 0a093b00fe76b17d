"""`Ledger`: twice heard, once done (core 3.7, 4.8, 4.10; DESIGN.md, decision 6 and milestone 3)."""

from __future__ import annotations

from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ocpp_lab.central_system.ledger import Ledger
from ocpp_lab.errors import PayloadError
from ocpp_lab.messages import StartTransactionRequest, StopTransactionRequest
from tests.fakes import NOON

START = StartTransactionRequest(connector_id=1, id_tag="TAG_A", meter_start=100, timestamp=NOON)


def _start(**changes: Any) -> StartTransactionRequest:
    return msgspec.structs.replace(START, **changes)


def _stop(transaction_id: int, **changes: Any) -> StopTransactionRequest:
    stop = StopTransactionRequest(transaction_id=transaction_id, meter_stop=20_100, timestamp=NOON + timedelta(hours=1))
    return msgspec.structs.replace(stop, **changes)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "ledger.sqlite")


def test_a_transaction_from_start_to_stop() -> None:
    ledger = Ledger()
    transaction_id = ledger.start("CP_1", START)
    [row] = ledger.rows()
    assert (row["id"], row["identity"], row["connector"], row["id_tag"], row["meter_start"]) == (
        transaction_id,
        "CP_1",
        1,
        "TAG_A",
        100,
    )
    assert row["stopped"] is row["meter_stop"] is row["reason"] is None
    ledger.stop("CP_1", _stop(transaction_id, reason="EVDisconnected"))
    [row] = ledger.rows()
    assert (row["meter_stop"], row["reason"]) == (20_100, "EVDisconnected")
    assert row["started"] < row["stopped"]
    assert ledger.orphans() == []
    ledger.close()


def test_a_repeated_start_gets_the_same_answer(path: str) -> None:
    """A resend has a new unique id; the event is recognised, also after a restart and after the stop. One row."""
    ledger = Ledger(path)
    transaction_id = ledger.start("CP_1", START)
    assert ledger.start("CP_1", _start()) == transaction_id
    ledger.stop("CP_1", _stop(transaction_id))
    ledger.close()
    again = Ledger(path)
    assert again.start("CP_1", _start()) == transaction_id
    [row] = again.rows()
    assert row["meter_stop"] == 20_100
    again.close()


def test_the_same_instant_in_another_offset_is_the_same_event() -> None:
    ledger = Ledger()
    elsewhere = NOON.astimezone(timezone(timedelta(hours=2)))
    assert ledger.start("CP_1", START) == ledger.start("CP_1", _start(timestamp=elsewhere))
    ledger.close()


@pytest.mark.parametrize(
    ("identity", "changes"),
    [
        ("CP_2", {}),  # every charge point has a connector 1
        ("CP_1", {"connector_id": 2}),  # two drivers at the same instant
        ("CP_1", {"id_tag": "TAG_B"}),
        ("CP_1", {"timestamp": NOON + timedelta(milliseconds=1)}),
        ("CP_1", {"meter_start": 101}),
    ],
)
def test_another_event_is_another_transaction(identity: str, changes: dict[str, Any]) -> None:
    ledger = Ledger()
    ids = {ledger.start("CP_1", START), ledger.start(identity, _start(**changes))}
    assert len(ids) == len(ledger.rows()) == 2
    ledger.close()


def test_ids_are_positive_and_never_reused(path: str) -> None:
    """Core errata 3.54; 0 and −1 mean something else to a charge point (core errata 3.18)."""
    ids = []
    for number in range(5):
        ledger = Ledger(path)
        ids.append(ledger.start("CP_1", _start(meter_start=number)))
        ledger.close()
    assert len(set(ids)) == 5 and min(ids) > 0


def test_the_first_stop_wins(path: str) -> None:
    """A repeat, whatever it says, changes nothing; the reason is Local if none is given (J-errata 2.5)."""
    ledger = Ledger(path)
    transaction_id = ledger.start("CP_1", START)
    ledger.stop("CP_1", _stop(transaction_id))
    before = ledger.rows()
    ledger.stop("CP_1", _stop(transaction_id))
    ledger.stop("CP_1", _stop(transaction_id, meter_stop=99_999, reason="Reboot", timestamp=NOON))
    ledger.close()
    again = Ledger(path)
    again.stop("CP_1", _stop(transaction_id, meter_stop=99_999))
    assert again.rows() == before
    assert again.rows()[0]["reason"] == "Local"
    assert again.orphans() == []
    again.close()


@pytest.mark.parametrize("transaction_id", [-1, 0, 4711])
def test_a_stop_without_a_transaction_is_kept_apart(transaction_id: int) -> None:
    """Core 4.10, core errata 3.18: the charge point cannot mend it, so it is never refused; a repeat leaves one row."""
    ledger = Ledger()
    for _ in range(2):
        ledger.stop("CP_1", _stop(transaction_id))
    [orphan] = ledger.orphans()
    assert (orphan["identity"], orphan["id"], orphan["meter_stop"]) == ("CP_1", transaction_id, 20_100)
    assert ledger.rows() == []
    ledger.close()


def test_nobody_stops_the_transaction_of_another() -> None:
    """The id is right, the charge point is not."""
    ledger = Ledger()
    transaction_id = ledger.start("CP_1", START)
    ledger.stop("CP_2", _stop(transaction_id))
    assert ledger.rows()[0]["stopped"] is None
    assert [orphan["identity"] for orphan in ledger.orphans()] == ["CP_2"]
    ledger.close()


def test_numbers_beyond_the_database_are_the_peers_fault() -> None:
    """The specification bounds no integer, sqlite keeps 64 bits: a PayloadError with a code, no InternalError."""
    ledger = Ledger()
    for do in (
        lambda: ledger.start("CP_1", _start(meter_start=2**63)),
        lambda: ledger.stop("CP_1", _stop(1, meter_stop=-(2**63) - 1)),
    ):
        with pytest.raises(PayloadError, match="64 bits") as refused:
            do()
        assert refused.value.code == "PropertyConstraintViolation"
    assert ledger.rows() == ledger.orphans() == []
    ledger.start("CP_1", _start(meter_start=2**63 - 1))
    ledger.close()


def test_two_ledgers_in_memory_share_nothing() -> None:
    one, two = Ledger(), Ledger()
    one.start("CP_1", START)
    assert two.rows() == []
    one.close()
    two.close()
