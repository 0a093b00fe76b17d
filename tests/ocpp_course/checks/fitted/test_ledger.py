"""A learner's ledger in the stack: transactions are its own, meter values and registrations are not lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ocpp_course import fit
from ocpp_course.checks.fitted import ledger as fitted_ledger
from ocpp_lab import Call
from ocpp_lab import messages as m
from ocpp_lab.credentials import seal
from tests.fakes import NOON
from tests.learner import MyLedger
from tests.ocpp_course.checks.fitted.nonsense import nonsense
from tests.ocpp_lab.test_outbox import start, stop
from tests.pair import pair, simulated


def fresh() -> Any:
    return fit(ledger=nonsense("ledger", MyLedger)())["ledger"]


def reading(number: int) -> m.MeterValuesRequest:
    value = m.MeterValue(timestamp=NOON + timedelta(seconds=number), sampled_value=[m.SampledValue(value=str(number))])
    return m.MeterValuesRequest(connector_id=1, transaction_id=41, meter_value=[value])


def test_transactions_are_the_learner_s() -> None:
    ledger = fresh()
    assert ledger.start("CP_1", start()) == 41
    ledger.stop("CP_1", stop())
    assert ledger.piece.rows == [("CP_1", "start", "TAG_A"), ("CP_1", "stop", -1)]


def test_meter_values_are_kept() -> None:
    """In the order in which they came, by charge point; a repeat is one."""
    ledger = fresh()
    for number in (1, 2, 1, 3):
        ledger.meter_values("CP_1", reading(number))
    ledger.meter_values("CP_2", reading(1))
    assert ledger.readings("CP_1") == [reading(1), reading(2), reading(3)]
    assert ledger.readings("CP_2") == [reading(1)]


def test_the_newest_registration_counts() -> None:
    ledger = fresh()
    assert ledger.registrations() == {}
    ledger.register("CP_1", "Pending")
    ledger.register("CP_1", "Accepted")
    ledger.registrations()["CP_2"] = "Accepted"
    assert ledger.registrations() == {"CP_1": "Accepted"}
    ledger.forget("CP_1")
    ledger.forget("CP_1")
    assert ledger.registrations() == {}


def test_refused_messages_are_kept_once() -> None:
    """Sent again it has another unique id, and is the same message; the newest thousand are kept."""
    ledger = fresh()
    for unique_id in ("1", "2"):
        ledger.set_aside(
            "CP_1", Call(unique_id, "StopTransaction", {"meterStop": "x"}), "TypeConstraintViolation", NOON
        )
    [kept] = ledger.quarantine()
    assert (kept["identity"], kept["at"], kept["reason"]) == ("CP_1", NOON, "TypeConstraintViolation")
    assert kept["text"] == '[2,"1","StopTransaction",{"meterStop":"x"}]'
    for number in range(1000):
        ledger.set_aside("CP_1", Call("1", "StopTransaction", {"meterStop": str(number)}), "", NOON)
    assert len(ledger.quarantine()) == 1000 and kept not in ledger.quarantine()


def test_the_newest_readings_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A charge point may send as many as it likes."""
    monkeypatch.setattr(fitted_ledger, "MOST_READINGS", 3)
    ledger = fresh()
    for number in (1, 2, 3, 4, 4):
        ledger.meter_values("CP_1", reading(number))
    assert ledger.readings("CP_1") == [reading(2), reading(3), reading(4)]


def test_changed_keys_are_kept_while_it_lives() -> None:
    """In the order in which they came; none means that the identity is forgotten."""
    ledger, keys = fresh(), [seal("a" * 16), seal("b" * 16)]
    ledger.keep_keys("CP_1", keys)
    assert ledger.keys() == {"CP_1": tuple(keys)}
    ledger.keep_keys("CP_1", ())
    assert ledger.keys() == {}


@simulated
async def test_in_a_central_system() -> None:
    """What a charge point reports gets there; a new central system knows its charge points while the object lives."""
    ledger = fresh()
    async with pair(server={"ledger": ledger}) as (central_system, charge_point):
        await charge_point.wait_for("online")
        await charge_point.call(reading(7))
        assert ledger.readings("CP_1") == [reading(7)]
        assert central_system.registrations == ledger.registrations() == {"CP_1": "Accepted"}
    async with pair(server={"ledger": ledger}) as (central_system, charge_point):
        assert central_system.registrations == {"CP_1": "Accepted"}
    async with pair(server={"ledger": fresh()}) as (central_system, charge_point):
        assert central_system.registrations == {}
        await charge_point.wait_for("online")
