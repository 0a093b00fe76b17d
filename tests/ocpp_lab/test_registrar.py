"""What booted is remembered, of as many as need be: whoever is connected, and whoever the operator has listed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ocpp_lab import Ledger
from ocpp_lab.central_system import registrar as room
from ocpp_lab.central_system.registrar import Registrar
from tests.fakes import Failing
from tests.pair import central_system_alone, charge_point_alone, pair
from tests.simulated import simulated


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_STRANGERS", 10)


def invent(central_system: Any, number: int) -> None:
    """So many identities have booted that nobody has heard of, and gone."""
    for n in range(number):
        central_system._registrar.keep(f"invented {n}", "Accepted")


@simulated
async def test_strangers_are_forgotten_and_who_is_connected_is_not() -> None:
    """In memory and in the ledger. Decision 9: bounded everywhere."""
    ledger = Ledger()
    async with pair(server={"ledger": ledger}) as (central_system, charge_point):
        await charge_point.wait_for("online")
        invent(central_system, 100)
        assert len(central_system.registrations) == 10 and central_system.registrations["CP_1"] == "Accepted"
        assert central_system.registrations == ledger.registrations()
        await charge_point.reboot("to see that it is still known")
        await charge_point.wait_for("online")
    invent(central_system, 100)
    assert "CP_1" not in central_system.registrations
    ledger.close()


@simulated
async def test_who_is_listed_is_not_forgotten_either() -> None:
    """Nobody can invent those."""
    async with central_system_alone(identities=["listed"]) as central_system:
        central_system._registrar.keep("listed", "Accepted")
        invent(central_system, 100)
        assert len(central_system.registrations) == 10 and "listed" in central_system.registrations


@simulated
async def test_who_was_forgotten_boots_again_and_goes_on() -> None:
    """J-errata 3.8: a central system may lose its memory."""
    async with central_system_alone() as central_system:
        async with charge_point_alone() as charge_point:
            await charge_point.wait_for("online")
        invent(central_system, 100)
        async with charge_point_alone() as charge_point:
            await charge_point.wait_for("online")
            assert central_system.registrations["CP_1"] == "Accepted"


def test_a_ledger_with_more_is_read_as_far_as_need_be(tmp_path: Path) -> None:
    """The newest of them; nothing is deleted at the start, which may be much, and all the same it grows no more."""
    path = str(tmp_path / "ledger.db")
    ledger = Ledger(path)
    for number in range(30):
        ledger.register(f"old {number}", "Accepted")
    known = Registrar(ledger, lambda identity: identity == "old 0").known
    assert set(known) == {"old 0", *(f"old {number}" for number in range(21, 30))}
    assert len(ledger.registrations()) == 30
    for number in range(100):
        ledger.register(f"new {number}", "Accepted")
        known[f"new {number}"] = "Accepted"
    assert len(known) == 10 and len(ledger.registrations()) == 30
    ledger.close()


def test_a_ledger_that_cannot_forget_is_nobody_elses_fault(caplog: pytest.LogCaptureFixture) -> None:
    """The full disk stays our own; whoever boots now is registered."""
    ledger = Ledger()
    known = Registrar(ledger, lambda identity: False).known
    ledger.before = Failing(1, once=False)
    for number in range(11):
        known[f"new {number}"] = "Accepted"
    assert len(known) == 10 and "new 0 is still in the ledger" in caplog.text
    ledger.close()
