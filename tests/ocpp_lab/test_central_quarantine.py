"""A transaction message that the central system refuses is kept as it came; and numbers without bounds hurt nobody."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from ocpp_lab import CentralSystem, Faults, Ledger
from ocpp_lab import messages as m
from ocpp_lab.central_system import answers
from ocpp_lab.central_system.answers import MOST_CONNECTORS, Answers, Policy
from ocpp_lab.session import make_current
from tests.fakes import NOON, Failing
from tests.pair import central_system_alone, simulated, simulated_now
from tests.plain import boot, facing
from tests.schemas import full_payload

GOOD = {"connectorId": 1, "idTag": "TAG", "meterStart": 0, "timestamp": "2030-06-01T12:00:00Z"}
HUGE = 10**4000
"""As many digits as a frame may have in one number: Python reads no more than 4,300."""


def kept(central_system: CentralSystem) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = central_system.ledger.quarantine()  # type: ignore[attr-defined]
    return found


# Refused --------------------------------------------------------------------------------------------------------------


@simulated
@pytest.mark.parametrize("action", ["StartTransaction", "StopTransaction", "MeterValues"])
async def test_refused_for_its_payload(action: str) -> None:
    """Once, with the first unique id and the reason that its sender was told; the sender hears nothing else."""
    async with central_system_alone(now=simulated_now) as central_system, facing(central_system) as peer:
        payload = full_payload(action) | {"colour": "blue"}
        for unique_id in ("first", "again"):
            _, _, code, description, _ = await peer.ask(unique_id, action, payload)
        assert code == "FormationViolation"
        await peer.ask("another", action, full_payload(action) | {"colour": "red"})
        first, second = kept(central_system)
        assert json.loads(first["text"]) == [2, "first", action, payload]
        assert first == {
            "identity": "CP_1",
            "at": simulated_now().isoformat(timespec="milliseconds"),
            "action": action,
            "reason": f"FormationViolation: {description}",
            "text": first["text"],
        }
        assert json.loads(second["text"])[1] == "another"


@simulated
async def test_refused_before_the_boot() -> None:
    """SecurityError (J-errata 3.8). What is sent again and kept in the end stays in quarantine too."""
    async with central_system_alone() as central_system, facing(central_system, boots=False) as peer:
        assert (await peer.ask("early", "StartTransaction", GOOD))[2] == "SecurityError"
        assert (await peer.hear())[2] == "TriggerMessage"
        assert (await peer.ask("early", "Heartbeat", {}))[2] == "SecurityError"
        assert await boot(peer) == "Accepted"
        assert (await peer.ask("again", "StartTransaction", GOOD))[0] == 3
        [refused] = kept(central_system)
        assert json.loads(refused["text"]) == [2, "early", "StartTransaction", GOOD]
        assert refused["reason"].startswith("SecurityError: StartTransaction came before")
        assert len(central_system.ledger.rows()) == 1  # type: ignore[attr-defined]


@simulated
async def test_what_is_no_transaction_message_is_not_kept() -> None:
    """And what a fault refuses on purpose neither: the central system itself took no offence."""
    faults = Faults()
    faults.call_error("StartTransaction")
    async with central_system_alone(faults=faults) as central_system, facing(central_system) as peer:
        for action, payload in {"Authorize": {}, "MakeCoffee": {}, "StartTransaction": GOOD}.items():
            assert (await peer.ask("id", action, payload))[0] == 4
        assert kept(central_system) == []


@simulated
async def test_it_is_refused_alike_if_it_cannot_be_kept(caplog: pytest.LogCaptureFixture) -> None:
    """A full disk, or a clock of somebody's own that raises: logged, and the answer is what it would have been."""
    caplog.clear()  # of the seed before
    ledger, bugs = Ledger(), [LookupError("a bug of the clock")]

    def now() -> Any:
        raise bugs.pop()

    async with central_system_alone(ledger=ledger) as central_system, facing(central_system) as peer:
        expected = (await peer.ask("id", "StartTransaction", {}))[2:]
        ledger.before = Failing(1, once=False)
        assert (await peer.ask("id", "StopTransaction", {}))[2] == expected[0]
        ledger.before = lambda sql: None
        central_system.answers.now = now
        assert (await peer.ask("id", "MeterValues", {}))[2] == expected[0]
        assert len(kept(central_system)) == 1 and "CP_1" in central_system
    told = [record for record in caplog.records if "could not be set aside" in record.getMessage()]
    assert len(told) == 2 and all(record.exc_info and record.levelno == logging.ERROR for record in told)


# Numbers --------------------------------------------------------------------------------------------------------------


@simulated
@pytest.mark.parametrize(
    ("action", "path"),
    [
        ("StartTransaction", "connectorId"),
        ("StartTransaction", "meterStart"),
        ("StopTransaction", "transactionId"),
        ("StopTransaction", "meterStop"),
        ("MeterValues", "connectorId"),
        ("MeterValues", "transactionId"),
    ],
)
async def test_a_number_that_no_ledger_can_keep(action: str, path: str) -> None:
    """The peer's fault, told as such, and kept in quarantine; the next call is served."""
    async with central_system_alone() as central_system, facing(central_system) as peer:
        reply = await peer.ask("id", action, full_payload(action) | {path: HUGE})
        assert reply[:3] == [4, "id", "PropertyConstraintViolation"] and f"{path}: expected an integer" in reply[3]
        await peer.is_served()
        [refused] = kept(central_system)
        assert str(HUGE) in refused["text"]


@simulated
async def test_a_number_that_is_only_remembered() -> None:
    """A reservation is no reason to refuse a start, and a connector may have any number."""
    async with central_system_alone() as central_system, facing(central_system) as peer:
        assert (await peer.ask("id", "StartTransaction", GOOD | {"reservationId": HUGE}))[0] == 3
        status = {"connectorId": HUGE, "errorCode": "NoError", "status": "Available"}
        assert (await peer.ask("id", "StatusNotification", status))[0] == 3
        assert list(central_system.answers.statuses) == [("CP_1", HUGE)]
        [row] = central_system.ledger.rows()  # type: ignore[attr-defined]
        assert row["reservation"] == str(HUGE)


class Somebody:
    """A session as far as a handler looks at it."""

    def __init__(self, identity: str) -> None:
        self.identity = identity


async def tell(desk: Answers, identity: str, connector: int, status: Any = "Available") -> None:
    make_current(Somebody(identity))
    await desk.on_status(m.StatusNotificationRequest(connector_id=connector, error_code="NoError", status=status))


async def test_statuses_of_one_charge_point_are_bounded() -> None:
    """What is known goes on being told; whoever invents more connectors is answered, and not remembered."""
    desk = Answers(Policy(), Ledger(), lambda: NOON)
    for connector in range(MOST_CONNECTORS + 10):
        await tell(desk, "CP_1", connector)
    await tell(desk, "CP_1", 0, "Charging")
    await tell(desk, "CP_2", 0)
    assert len(desk.statuses) == MOST_CONNECTORS + 1
    assert desk.statuses["CP_1", 0].status == "Charging" and ("CP_1", MOST_CONNECTORS) not in desk.statuses


async def test_statuses_of_all_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without passwords a peer may invent identities: whoever was silent for longest is forgotten."""
    monkeypatch.setattr(answers, "MOST_STATUSES", 10)
    desk = Answers(Policy(), Ledger(), lambda: NOON)
    for number in range(100):
        await tell(desk, f"CP_{number}", 1)
        await tell(desk, "faithful", 1)
    assert len(desk.statuses) == len(desk._connectors) == 10
    assert ("faithful", 1) in desk.statuses and ("CP_99", 1) in desk.statuses


async def test_statuses_of_who_is_connected_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many others come after, and however long it has had nothing new to tell."""
    monkeypatch.setattr(answers, "MOST_STATUSES", 10)
    desk = Answers(Policy(), Ledger(), lambda: NOON, {"connected"})
    for connector in range(3):
        await tell(desk, "connected", connector)
    for number in range(100):
        await tell(desk, f"CP_{number}", 1)
    assert len(desk.statuses) == 10
    assert [connector for identity, connector in sorted(desk.statuses) if identity == "connected"] == [0, 1, 2]
    assert desk._connectors["connected"] == 3
