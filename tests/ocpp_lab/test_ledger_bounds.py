"""A peer invents as much as it likes; the ledger keeps the newest of it, and never loses what is business."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ocpp_lab import Ledger, PayloadError, StoreFailed
from ocpp_lab.central_system import ledger as room
from ocpp_lab.central_system import memory_limits
from ocpp_lab.central_system.newest import Most
from ocpp_lab.messages import (
    MeterValue,
    MeterValuesRequest,
    SampledValue,
    StartTransactionRequest,
    StopTransactionRequest,
)
from tests.fakes import NOON


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Caps that a test reaches: 10 rows of one, 50 of all, 20,000 characters."""
    for module, name in ((room, "MOST_OUTSIDE"), (memory_limits, "MOST_IN_MEMORY")):
        monkeypatch.setattr(module, name, Most(of_one=10, of_all=50, characters=20_000))
    monkeypatch.setattr(memory_limits, "MOST_OPEN", 10)


@pytest.fixture(params=["a file", ":memory:"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    made = Ledger(str(tmp_path / "ledger.db") if request.param == "a file" else ":memory:")
    yield made
    made.close()


def start(number: int, connector: int = 1) -> StartTransactionRequest:
    at = NOON + timedelta(seconds=number)
    return StartTransactionRequest(connector_id=connector, id_tag="TAG", meter_start=0, timestamp=at)


def stop(transaction_id: int, number: int = 0, size: int = 0) -> StopTransactionRequest:
    data = [reading(0, 0, size).meter_value[0]] if size else None
    at = NOON + timedelta(hours=1, seconds=number)
    return StopTransactionRequest(transaction_id=transaction_id, meter_stop=9, timestamp=at, transaction_data=data)


def reading(number: int, transaction_id: int | None = None, size: int = 1) -> MeterValuesRequest:
    value = MeterValue(timestamp=NOON + timedelta(seconds=number), sampled_value=[SampledValue(value="1" * size)])
    return MeterValuesRequest(connector_id=1, meter_value=[value], transaction_id=transaction_id)


def numbers(rows: list[dict[str, Any]]) -> list[int]:
    """Which of what was sent is there, by the seconds of its timestamp."""
    wire = msgspec.json.decode
    told = [wire(row["payload"]) for row in rows]
    stamps = [each.get("timestamp") or each["meterValue"][0]["timestamp"] for each in told]
    return [int(stamp[14:16]) * 60 + int(stamp[17:19]) for stamp in stamps]


def outside(ledger: Ledger) -> list[dict[str, Any]]:
    return ledger.readings(room.NO_TRANSACTION)


INVENTED: dict[str, Any] = {
    "stops of unknown transactions": (lambda n, size: stop(999, n, size), Ledger.orphans),
    "readings of unknown transactions": (lambda n, size: reading(n, 999, size), Ledger.orphans),
    "readings of none": (lambda n, size: reading(n, None, size), outside),
    "second stops": (lambda n, size: stop(1, n, size), Ledger.second_stops),
}


def send(ledger: Ledger, identity: str, request: Any) -> None:
    keep: Any = ledger.stop if request.action == "StopTransaction" else ledger.meter_values
    keep(identity, request)


def known(ledger: Ledger, identity: str) -> int:
    """A transaction of it that has ended."""
    transaction_id = ledger.start(identity, start(0))
    ledger.stop(identity, stop(transaction_id, -1))
    return transaction_id


@pytest.mark.parametrize("what", INVENTED)
def test_of_one_charge_point_the_newest_are_kept(what: str, ledger: Ledger) -> None:
    """And a tenth more, for they go together; those of others are not touched by it."""
    make, kept = INVENTED[what]
    assert known(ledger, "flooder") == 1
    other = known(ledger, "good")
    mine = msgspec.structs.replace(make(0, 1), transaction_id=other) if what == "second stops" else make(0, 1)
    send(ledger, "good", mine)
    for number in range(100):
        send(ledger, "flooder", make(number, 1))
        assert len(kept(ledger)) <= 12
    by_flooder = [row for row in kept(ledger) if row["identity"] == "flooder"]
    assert 10 <= len(by_flooder) <= 11 and numbers(by_flooder) == list(range(100 - len(by_flooder), 100))
    assert [row["identity"] for row in kept(ledger)].count("good") == 1
    assert len(ledger.rows()) == 2


@pytest.mark.parametrize("what", [what for what in INVENTED if what != "second stops"])
def test_of_all_together_the_newest_are_kept(what: str, ledger: Ledger) -> None:
    """Without passwords identities are invented too."""
    make, kept = INVENTED[what]
    for number in range(200):
        send(ledger, f"CP_{number}", make(number, 1))
        assert len(kept(ledger)) <= 55
    assert len(kept(ledger)) >= 50 and kept(ledger)[-1]["identity"] == "CP_199"


@pytest.mark.parametrize("what", INVENTED)
def test_long_ones_are_fewer(what: str, ledger: Ledger) -> None:
    """A frame may have a megabyte, so what they say counts, and not only how many they are."""
    make, kept = INVENTED[what]
    known(ledger, "CP_1")
    for number in range(30):
        send(ledger, "CP_1", make(number, 4_500))
        assert sum(len(row["payload"]) for row in kept(ledger)) <= 22_000 + 5_000
    assert 3 <= len(kept(ledger)) <= 5 and numbers(kept(ledger))[-1] == 29


@pytest.mark.parametrize("what", INVENTED)
def test_a_repeat_adds_nothing_and_pushes_nothing_out(what: str, ledger: Ledger) -> None:
    make, kept = INVENTED[what]
    known(ledger, "CP_1")
    for _ in range(3):
        for number in range(10):
            send(ledger, "CP_1", make(number, 1))
    assert numbers(kept(ledger)) == list(range(10))


def test_business_is_kept_in_a_file(tmp_path: Path) -> None:
    """Its transactions and their readings, however many of them there are, and whatever is invented beside them."""
    path = str(tmp_path / "ledger.db")
    ledger = Ledger(path)
    with ledger._db.transaction():
        for number in range(100):
            transaction_id = ledger.start("CP_1", start(number))
            for n in range(2):
                ledger.meter_values("CP_1", reading(n, transaction_id))
            if number % 2:
                ledger.stop("CP_1", stop(transaction_id, number))
            ledger.meter_values("CP_1", reading(number))
    assert len(ledger.rows()) == 100
    assert all(len(ledger.readings(row["id"])) == 2 for row in ledger.rows())
    ledger.close()


def test_an_older_file_with_more_is_trimmed_by_the_first_that_comes(tmp_path: Path) -> None:
    """It was written when there were no caps."""
    path = str(tmp_path / "ledger.db")
    ledger = Ledger(path)
    ledger._orphans.most = Most(10**9, 10**9, 10**9)
    with ledger._db.transaction():
        for number in range(300):
            ledger.stop(f"CP_{number}", stop(999, number))
    ledger.close()
    again = Ledger(path)
    assert len(again.orphans()) == 300
    again.stop("CP_1", stop(999, 1000))
    assert len(again.orphans()) == 50
    again.close()


# Without a file -------------------------------------------------------------------------------------------------------


def test_transactions_that_have_ended_are_bounded_in_memory() -> None:
    """The newest stay; one that is open always does, however old it is."""
    ledger = Ledger()
    still_open = ledger.start("CP_1", start(0, connector=2))
    for number in range(1, 100):
        ledger.stop("CP_1", stop(ledger.start("CP_1", start(number)), number))
        assert len(ledger.rows()) <= 1 + 11
    rows = ledger.rows()
    assert rows[0]["id"] == still_open and rows[0]["stopped"] is None and rows[-1]["id"] == 100
    assert ledger.start("CP_1", start(0, connector=2)) == still_open
    ledger.stop("CP_1", stop(still_open))
    assert ledger.orphans() == []
    for number in range(200):
        ledger.stop(f"CP_{number}", stop(ledger.start(f"CP_{number}", start(number)), number))
    assert 50 <= len(ledger.rows()) <= 55
    ledger.close()


def test_the_data_of_transactions_is_bounded_in_memory() -> None:
    ledger = Ledger()
    for number in range(30):
        ledger.stop("CP_1", stop(ledger.start("CP_1", start(number)), number, size=4_500))
    assert sum(len(json.dumps(row["transaction_data"])) for row in ledger.rows()) <= 27_000
    ledger.close()


def test_readings_of_a_transaction_are_bounded_in_memory() -> None:
    """Of one charge point, of all, and by what they say; in an open transaction too, which stays."""
    ledger = Ledger()
    transaction_id = ledger.start("CP_1", start(0))
    for number in range(100):
        ledger.meter_values("CP_1", reading(number, transaction_id))
        assert len(ledger.readings(transaction_id)) <= 11
    assert numbers(ledger.readings(transaction_id))[-1] == 99
    for number in range(30):
        ledger.meter_values("CP_1", reading(number, transaction_id, size=4_500))
    assert len(ledger.readings(transaction_id)) <= 6 and len(ledger.rows()) == 1
    ledger.close()


def test_open_transactions_of_one_charge_point_are_bounded_in_memory() -> None:
    """It has room for one car at each connector. One that has ended makes room, and a repeat needs none."""
    ledger = Ledger()
    ids = [ledger.start("CP_1", start(0, connector)) for connector in range(10)]
    with pytest.raises(PayloadError, match="expected at most 10 open transactions, came one more"):
        ledger.start("CP_1", start(0, 10))
    assert ledger.start("CP_1", start(0, 3)) == ids[3] and ledger.start("CP_2", start(0)) == 11
    ledger.stop("CP_1", stop(ids[0]))
    assert ledger.start("CP_1", start(0, 10)) == 12
    ledger.close()


def test_a_memory_full_of_open_transactions_is_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of them may go. So what comes is not kept, its charge point keeps it, and what is there can be ended."""
    monkeypatch.setattr(memory_limits, "MOST_PAGES", 100)
    ledger, number = Ledger(), 0
    with pytest.raises(StoreFailed, match="full"):
        for number in range(10_000):
            ledger.start(f"CP_{number}", start(0))
    assert number > 1_000 and len(ledger.rows()) == number
    ledger.stop("CP_0", stop(1))
    assert ledger.rows()[0]["stopped"]
    ledger.close()
