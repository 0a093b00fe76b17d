"""`Ledger`: twice heard, once done (core 3.7, 4.8, 4.10; DESIGN.md, decision 6 and milestone 3)."""

from __future__ import annotations

import json
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ocpp_lab.central_system.ledger import Ledger
from ocpp_lab.errors import PayloadError
from ocpp_lab.messages import (
    MeterValue,
    MeterValuesRequest,
    SampledValue,
    StartTransactionRequest,
    StopTransactionRequest,
)
from tests.fakes import NOON

START = StartTransactionRequest(connector_id=1, id_tag="TAG_A", meter_start=100, timestamp=NOON)


def _start(**changes: Any) -> StartTransactionRequest:
    return msgspec.structs.replace(START, **changes)


def _stop(transaction_id: int, **changes: Any) -> StopTransactionRequest:
    stop = StopTransactionRequest(transaction_id=transaction_id, meter_stop=20_100, timestamp=NOON + timedelta(hours=1))
    return msgspec.structs.replace(stop, **changes)


def _meter(transaction_id: int | None, number: int = 0, **changes: Any) -> MeterValuesRequest:
    reading = MeterValue(timestamp=NOON + timedelta(minutes=number), sampled_value=[SampledValue(value=str(number))])
    request = MeterValuesRequest(connector_id=1, transaction_id=transaction_id, meter_value=[reading])
    return msgspec.structs.replace(request, **changes)


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
    assert (orphan["identity"], orphan["action"], orphan["id"]) == ("CP_1", "StopTransaction", transaction_id)
    assert json.loads(orphan["payload"])["meterStop"] == 20_100
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


# Meter values ---------------------------------------------------------------------------------------------------------


def _values(ledger: Ledger, transaction_id: int) -> list[str]:
    rows = ledger.readings(transaction_id)
    return [json.loads(row["payload"])["meterValue"][0]["sampledValue"][0]["value"] for row in rows]


def test_meter_values_in_the_order_in_which_they_came(path: str) -> None:
    """A repeat leaves one row, also after a restart and after the stop."""
    ledger = Ledger(path)
    transaction_id = ledger.start("CP_1", START)
    for number in (1, 2, 2, 1, 3):
        ledger.meter_values("CP_1", _meter(transaction_id, number))
    ledger.stop("CP_1", _stop(transaction_id))
    ledger.close()
    again = Ledger(path)
    again.meter_values("CP_1", _meter(transaction_id, 3))
    again.meter_values("CP_1", _meter(transaction_id, 4))
    assert _values(again, transaction_id) == ["1", "2", "3", "4"]
    assert again.orphans() == []
    again.close()


def test_another_reading_of_the_same_instant_is_another_reading() -> None:
    """What was asked for by a trigger and what was due anyway; the payload tells them apart."""
    ledger = Ledger()
    transaction_id = ledger.start("CP_1", START)
    for context in ("Sample.Periodic", "Trigger", "Trigger"):
        reading = MeterValue(timestamp=NOON, sampled_value=[SampledValue(value="7", context=context)])  # type: ignore[arg-type]
        ledger.meter_values("CP_1", _meter(transaction_id, meter_value=[reading]))
    assert _values(ledger, transaction_id) == ["7", "7"]
    ledger.close()


def test_meter_values_outside_a_transaction() -> None:
    """Core 4.7: of every charge point and connector apart, and no orphans."""
    ledger = Ledger()
    for identity, connector in (("CP_1", 1), ("CP_1", 2), ("CP_2", 1), ("CP_1", 1)):
        ledger.meter_values(identity, _meter(None, connector_id=connector))
    rows = ledger.query("SELECT identity, connector FROM meter_values ORDER BY number")
    assert [(row["identity"], row["connector"]) for row in rows] == [("CP_1", 1), ("CP_1", 2), ("CP_2", 1)]
    assert ledger.orphans() == []
    ledger.close()


@pytest.mark.parametrize("transaction_id", [-1, 4711])
def test_meter_values_of_no_transaction_are_kept_apart(transaction_id: int) -> None:
    """Core errata 3.18: accepted, matched with nothing, a repeat leaves one row; nobody reads those of another."""
    ledger = Ledger()
    mine = ledger.start("CP_1", START)
    for _ in range(2):
        ledger.meter_values("CP_1", _meter(transaction_id, 5))
        ledger.meter_values("CP_2", _meter(mine, 6))
        ledger.stop("CP_1", _stop(-1))
    kept = [(each["identity"], each["action"], each["id"]) for each in ledger.orphans()]
    assert kept == [
        ("CP_1", "MeterValues", transaction_id),
        ("CP_2", "MeterValues", mine),
        ("CP_1", "StopTransaction", -1),
    ]
    assert ledger.readings(mine) == [] and ledger.rows()[0]["stopped"] is None
    ledger.close()


def test_two_that_were_given_up_are_two(path: str) -> None:
    """Both are −1; what tells them apart is when it was and what was measured. Also after a restart."""
    ledger = Ledger(path)
    for _ in range(2):
        ledger.stop("CP_1", _stop(-1))
        ledger.stop("CP_1", _stop(-1, meter_stop=7))
        ledger.stop("CP_1", _stop(-1, timestamp=NOON))
        ledger.close()
        ledger = Ledger(path)
    assert len(ledger.orphans()) == 3
    ledger.close()


# Registrations and queries --------------------------------------------------------------------------------------------


def test_registrations_survive(path: str) -> None:
    """J-spec 5.4: an accepted charge point does not boot again because the central system restarted."""
    ledger = Ledger(path)
    ledger.register("CP_1", "Pending")
    ledger.register("CP_2", "Rejected")
    ledger.register("CP_1", "Accepted")
    ledger.close()
    again = Ledger(path)
    assert again.registrations() == {"CP_1": "Accepted", "CP_2": "Rejected"}
    again.close()


def test_queries_give_records() -> None:
    """A list of dicts, for whatever SELECT; values are bound, not pasted."""
    ledger = Ledger()
    for number, identity in enumerate(["CP_1", "CP_2", "CP_1"]):
        transaction_id = ledger.start(identity, _start(meter_start=number))
        ledger.stop(identity, _stop(transaction_id, meter_stop=number + 1000))
    energy = "SELECT identity, sum(meter_stop - meter_start) AS energy FROM transactions WHERE identity = ?"
    assert ledger.query(energy, "CP_1") == [{"identity": "CP_1", "energy": 2000}]
    assert ledger.query(energy, "x' OR '1' = '1")[0]["energy"] is None
    assert ledger.query("SELECT id FROM transactions WHERE identity = ?", "CP_9") == []
    ledger.close()


def test_two_ledgers_in_memory_share_nothing() -> None:
    one, two = Ledger(), Ledger()
    one.start("CP_1", START)
    assert two.rows() == []
    one.close()
    two.close()
