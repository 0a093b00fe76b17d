"""What the ledger keeps beside a start and a stop: tags, data, contradictions, and messages that were refused."""

from __future__ import annotations

import json
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ocpp_lab import Call, Ledger, StoreFailed
from ocpp_lab.central_system.ledger_tables import STEPS
from ocpp_lab.messages import MeterValue, SampledValue, StartTransactionRequest, StopTransactionRequest
from tests.fakes import NOON, Failing

START = StartTransactionRequest(connector_id=1, id_tag="TAG_A", meter_start=100, timestamp=NOON)
DATA = [MeterValue(timestamp=NOON, sampled_value=[SampledValue(value="100", context="Transaction.Begin")])]


def start(**changes: Any) -> StartTransactionRequest:
    return msgspec.structs.replace(START, **changes)


def stop(transaction_id: int, **changes: Any) -> StopTransactionRequest:
    request = StopTransactionRequest(transaction_id=transaction_id, meter_stop=900, timestamp=NOON + timedelta(hours=1))
    return msgspec.structs.replace(request, **changes)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "ledger.db")


# What a start and a stop carry ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("given", "kept"), [(None, None), (7, 7), (-(2**63), -(2**63)), (10**400, str(10**400))])
def test_the_reservation_of_a_start(given: int | None, kept: Any) -> None:
    """Core 6.45. Nobody counts with it, so one that sqlite has no integer for is no reason to refuse a driver."""
    ledger = Ledger()
    assert ledger.start("CP_1", start(reservation_id=given)) == ledger.start("CP_1", start(reservation_id=given))
    assert [row["reservation"] for row in ledger.rows()] == [kept]
    ledger.close()


def test_the_tag_and_the_data_of_a_stop() -> None:
    """Core 4.10: who stopped may be another than who started; transactionData is part of the bill."""
    ledger = Ledger()
    transaction_id = ledger.start("CP_1", START)
    ledger.stop("CP_1", stop(transaction_id, id_tag="TAG_B", transaction_data=DATA))
    [row] = ledger.rows()
    assert (row["id_tag"], row["stop_tag"]) == ("TAG_A", "TAG_B")
    assert json.loads(row["transaction_data"])[0]["sampledValue"] == [{"value": "100", "context": "Transaction.Begin"}]
    plain = ledger.start("CP_1", start(connector_id=2))
    ledger.stop("CP_1", stop(plain))
    assert (ledger.rows()[1]["stop_tag"], ledger.rows()[1]["transaction_data"]) == (None, None)
    ledger.close()


# Contradictions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        {"meter_stop": 901},
        {"reason": "PowerLoss"},
        {"timestamp": NOON},
        {"id_tag": "TAG_C"},
        {"transaction_data": None},
    ],
    ids=str,
)
def test_another_stop_is_kept_beside_the_first(other: dict[str, Any], path: str) -> None:
    """The first stands; what contradicts it is kept once, also across a restart. A repeat contradicts nothing."""
    ledger = Ledger(path)
    transaction_id = ledger.start("CP_1", START)
    first = stop(transaction_id, id_tag="TAG_B", transaction_data=DATA)
    ledger.stop("CP_1", first)
    before = ledger.rows()
    for _ in range(2):
        ledger.stop("CP_1", first)
        ledger.stop("CP_1", msgspec.structs.replace(first, reason="Local"))  # the default, said aloud (J-errata 2.5)
    assert ledger.second_stops() == []
    for _ in range(2):
        ledger.stop("CP_1", msgspec.structs.replace(first, **other))
        ledger.close()
        ledger = Ledger(path)
    [second] = ledger.second_stops()
    assert (second["identity"], second["id"]) == ("CP_1", transaction_id)
    assert json.loads(second["payload"])["transactionId"] == transaction_id
    assert ledger.rows() == before and ledger.orphans() == []
    ledger.close()


def test_two_open_transactions_on_one_connector(caplog: pytest.LogCaptureFixture) -> None:
    """A connector has room for one car: the stop of the older one is missing. It is noticed, and nothing is refused."""
    ledger = Ledger()
    first = ledger.start("CP_1", START)
    ledger.start("CP_1", start(connector_id=2))
    ledger.start("CP_2", START)
    assert ledger.conflicts() == [] and not caplog.records
    second = ledger.start("CP_1", start(meter_start=500))
    assert ledger.start("CP_1", start(meter_start=500)) == second
    assert f"CP_1: transaction {second} began while {first} was open" in caplog.text
    assert [row["id"] for row in ledger.conflicts()] == [first, second]
    ledger.stop("CP_1", stop(first))
    assert ledger.conflicts() == []
    ledger.start("CP_1", start(meter_start=900))
    assert len(ledger.conflicts()) == 2
    ledger.close()


def test_it_is_found_by_an_index() -> None:
    """A start looks for other open ones, however many have ended: not in all rows."""
    ledger = Ledger()
    plan = "EXPLAIN QUERY PLAN SELECT id FROM transactions WHERE identity = ? AND connector = ? AND stopped IS NULL"
    [step] = ledger.query(plan, "CP_1", 1)
    assert "USING INDEX open_transactions" in step["detail"]
    ledger.close()


# A disk that fails ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nth", range(1, 8))
def test_whichever_statement_fails(nth: int, path: str) -> None:
    """Nothing happened, or all of it: said again after the disk is mended, there is one transaction, complete."""
    ledger = Ledger(path)
    failing = ledger.before = Failing(nth)

    def until_kept(do: Any) -> Any:
        try:
            return do()
        except StoreFailed:
            return do()

    transaction_id = until_kept(lambda: ledger.start("CP_1", START))
    until_kept(lambda: ledger.stop("CP_1", stop(transaction_id, id_tag="TAG_B")))
    assert failing.failed == 1
    ledger.close()
    again = Ledger(path)
    [row] = again.rows()
    assert (row["id"], row["meter_stop"], row["stop_tag"]) == (transaction_id, 900, "TAG_B")
    assert again.second_stops() == again.orphans() == again.conflicts() == []
    again.close()


def test_a_repeat_of_a_start_needs_no_room(path: str) -> None:
    """What is kept already gets its answer, whoever holds the lock and however full the disk is."""
    ledger = Ledger(path)
    transaction_id = ledger.start("CP_1", START)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert ledger.start("CP_1", start()) == transaction_id
    with pytest.raises(StoreFailed, match="locked"):
        ledger.start("CP_1", start(meter_start=1))
    other.close()
    ledger.close()


def test_closed_after_a_disk_that_failed(path: str) -> None:
    """A full disk and another program's lock: it is closed all the same, and has what was durable."""
    ledger = Ledger(path)
    ledger.query("PRAGMA max_page_count = 1")  # sqlite takes the pages that there are
    kept = []
    with pytest.raises(StoreFailed, match="full"):
        for number in range(10_000):
            kept.append(ledger.start("CP_1", start(meter_start=number)))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ledger.close()
    other.close()
    with pytest.raises(StoreFailed, match="closed"):
        ledger.rows()
    again = Ledger(path)
    assert [row["id"] for row in again.rows()] == kept and kept
    again.close()


# The quarantine -------------------------------------------------------------------------------------------------------


def refused(number: int, unique_id: str = "1", **payload: Any) -> Call:
    return Call(unique_id, "StopTransaction", {"transactionId": number, **payload})


def test_a_refused_message_is_kept_as_it_came(path: str) -> None:
    """Who, when, what, why. Sent again it has another id and is the same message: the first one stays."""
    ledger = Ledger(path)
    for again in range(3):
        call = refused(10**30, f"id {again}", colour="żółw")
        ledger.set_aside("CP_1", call, f"reason {again}", NOON + timedelta(hours=again))
    ledger.set_aside("CP_2", refused(10**30, colour="żółw"), "", NOON)
    ledger.close()
    again = Ledger(path)
    text = f'[2,"id 0","StopTransaction",{{"transactionId":{10**30},"colour":"żółw"}}]'
    first, second = again.quarantine()
    assert first == {
        "identity": "CP_1",
        "at": "2030-06-01T12:00:00.000+00:00",
        "action": "StopTransaction",
        "reason": "reason 0",
        "text": text,
    }
    assert second["identity"] == "CP_2"
    again.close()


def test_the_quarantine_is_bounded() -> None:
    """The newest 100 of each charge point, 1,000 of all; whoever is refused may send what it likes."""
    ledger = Ledger()
    for number in range(130):
        ledger.set_aside("CP_1", refused(number), "", NOON)
    mine = [json.loads(row["text"])[3]["transactionId"] for row in ledger.quarantine()]
    assert mine == list(range(30, 130))
    for number in range(1000):
        ledger.set_aside(f"invented {number % 20}", refused(number), "", NOON)
    assert len(ledger.quarantine()) == 1000
    assert "CP_1" not in {row["identity"] for row in ledger.quarantine()}
    ledger.close()


def test_the_quarantine_is_bounded_in_characters() -> None:
    """16 million, of which the newest stay."""
    ledger = Ledger()
    for number in range(20):
        ledger.set_aside("CP_1", refused(number, colour="x" * 1_000_000), "", NOON)
    texts = [row["text"] for row in ledger.quarantine()]
    assert len(texts) == 15 and sum(map(len, texts)) <= 16_000_000
    assert json.loads(texts[-1])[3] == {"transactionId": 19, "colour": "x" * 1_000_000}
    ledger.close()


# Versions -------------------------------------------------------------------------------------------------------------

FIRST = """
CREATE TABLE transactions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    identity TEXT NOT NULL, connector INTEGER NOT NULL, id_tag TEXT NOT NULL,
    started TEXT NOT NULL, meter_start INTEGER NOT NULL,
    stopped TEXT, meter_stop INTEGER, reason TEXT,
    UNIQUE (identity, connector, id_tag, started, meter_start)
);
CREATE TABLE meter_values (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    identity TEXT NOT NULL, id INTEGER NOT NULL, connector INTEGER NOT NULL, at TEXT NOT NULL,
    hash TEXT NOT NULL, payload TEXT NOT NULL,
    UNIQUE (identity, id, at, hash)
);
CREATE TABLE orphans (
    identity TEXT NOT NULL, action TEXT NOT NULL, id INTEGER NOT NULL, at TEXT NOT NULL,
    hash TEXT NOT NULL, payload TEXT NOT NULL,
    UNIQUE (identity, action, id, at, hash)
);
CREATE TABLE registrations (identity TEXT PRIMARY KEY, status TEXT NOT NULL);
INSERT INTO registrations VALUES ('CP_1', 'Accepted');
INSERT INTO transactions VALUES (7, 'CP_1', 1, 'TAG_A', '2030-06-01T12:00:00.000+00:00', 100, NULL, NULL, NULL);
INSERT INTO transactions VALUES (6, 'CP_1', 2, 'TAG_A', '2030-06-01T12:00:00.000+00:00', 100,
    '2030-06-01T13:00:00.000+00:00', 900, 'Local');
"""


@pytest.mark.parametrize("version", [0, 1])
def test_an_older_file_is_brought_up(version: int, path: str) -> None:
    """What is in it stays, and goes on: repeats are known, an open transaction ends with its tag, ids go up."""
    old = sqlite3.connect(path)
    old.executescript(FIRST + f"PRAGMA user_version = {version};")
    old.close()
    for _ in range(2):
        ledger = Ledger(path)
        assert ledger.query("PRAGMA user_version") == [{"user_version": len(STEPS)}]
        assert ledger.registrations() == {"CP_1": "Accepted"}
        assert ledger.start("CP_1", START) == 7
        ledger.stop("CP_1", stop(7, id_tag="TAG_B"))
        ledger.stop("CP_1", stop(6))
        ended = [(row["id"], row["meter_stop"], row["stop_tag"]) for row in ledger.rows() if row["stopped"]]
        assert ended == [(6, 900, None), (7, 900, "TAG_B")]
        assert ledger.second_stops() == []
        assert ledger.start("CP_1", start(meter_start=1)) == 8
        ledger.close()


def test_a_newer_file_is_refused(path: str) -> None:
    Ledger(path).close()
    new = sqlite3.connect(path)
    new.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    new.close()
    with pytest.raises(StoreFailed, match=f"of version {len(STEPS)} or older, came version {len(STEPS) + 1}"):
        Ledger(path)
