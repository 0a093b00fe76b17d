"""`Operator`: an order is checked, written down, sent, and its outcome written down, whatever that is (core 5)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ocpp_lab import CallFailed, CallTimeout, ConnectionLost, NotConnected, OcppError, Policy, StoreFailed
from ocpp_lab import messages as m
from ocpp_lab.errors import Forbidden
from tests.fakes import Failing
from tests.operated import DATE, answering, done, operated, profile, sent
from tests.pair import cut, heal, pair, simulated

Verb = Callable[[Any], Any]
KEY = "00112233445566778899AABBCCDDEEFF"
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

FORBIDDEN: list[tuple[str, Verb, str]] = [
    ("a start at connector 0", lambda o: o.remote_start("CP_1", "TAG", 0), "connectorId"),
    ("a tag that is too long", lambda o: o.remote_start("CP_1", "T" * 21), "idTag"),
    ("a start with a default", lambda o: o.remote_start("CP_1", "TAG", 1, profile=profile()), "core 5.11"),
    (
        "a start with an id",
        lambda o: o.remote_start("CP_1", "TAG", 1, profile=profile("TxProfile", transaction_id=1)),
        "core 5.16.2",
    ),
    ("unlock the charge point", lambda o: o.unlock("CP_1", 0), "connectorId"),
    ("a boot again", lambda o: o.trigger("CP_1", "BootNotification"), "core errata 3.40"),
    ("a boot again, extended", lambda o: o.trigger("CP_1", "BootNotification", extended=True), "core errata 3.40"),
    ("no such message", lambda o: o.trigger("CP_1", "StartTransaction"), "core 5.17"),
    ("a reservation that is over", lambda o: o.reserve("CP_1", 1, "TAG", DATE), "core 5.13"),
    ("a time without offset", lambda o: o.reserve("CP_1", 1, "TAG", DATE.replace(tzinfo=None)), "core 5.13"),
    ("a TxProfile for all", lambda o: o.set_profile("CP_1", 0, profile("TxProfile")), "core 3.13.1"),
    ("a maximum for one", lambda o: o.set_profile("CP_1", 1, profile("ChargePointMaxProfile")), "core 3.13.1"),
    ("a default with an id", lambda o: o.set_profile("CP_1", 1, profile(transaction_id=1)), "core 7.8"),
    ("a TxProfile for nobody", lambda o: o.set_profile("CP_1", 1, profile("TxProfile")), "core 5.16.4"),
    ("an id and more", lambda o: o.clear_profiles("CP_1", id=1, stack_level=0), "core errata 3.26"),
    ("a schedule of no time", lambda o: o.composite("CP_1", 1, 0), "core 5.7"),
    ("a number too large", lambda o: o.clear_profiles("CP_1", id=2**63), "core 6.13"),
    ("a level too high", lambda o: o.set_profile("CP_1", 1, profile(level=2**63)), "core 7.8"),
    ("an id too large", lambda o: o.reserve("CP_1", 1, "T", DATE + timedelta(1), reservation_id=2**63), "core 6.37"),
    ("lists of nothing", lambda o: o.send_list("CP_1", {}, at_most=0), "at_most"),
    ("a place without scheme", lambda o: o.update_firmware("CP_1", "firmware.bin"), "core 8"),
    ("tries below none", lambda o: o.get_log("CP_1", "http://h/", retries=-1), "core 8"),
    (
        "time that runs back",
        lambda o: o.get_diagnostics("CP_1", "http://h/", start=DATE, stop=DATE - timedelta(1)),
        "core 5.9",
    ),
    ("no certificate", lambda o: o.install_certificate("CP_1", "ManufacturerRootCertificate", "PEM"), "5.11"),
    ("two of them", lambda o: o.install_certificate("CP_1", "ManufacturerRootCertificate", PEM * 2), "5.11"),
    ("a short key", lambda o: o.change_key("CP_1", KEY[:30]), "A00.FR.205"),
    ("half a byte", lambda o: o.change_key("CP_1", KEY + "0"), "A00.FR.205"),
    ("a short key as a setting", lambda o: o.configure("CP_1", "authorizationkey", KEY[:30]), "A00.FR.205"),
    ("down to none", lambda o: o.upgrade_security("CP_1", 0), "A05.FR.01"),
    ("up to nowhere", lambda o: o.upgrade_security("CP_1", 4), "A05.FR.01"),
    ("a certificate of nobody", lambda o: o.sign("CP_1", "CSR"), "A02.FR.12"),
]


@simulated
@pytest.mark.parametrize(("verb", "section"), [each[1:] for each in FORBIDDEN], ids=[each[0] for each in FORBIDDEN])
async def test_what_the_specification_forbids_is_not_sent(verb: Verb, section: str) -> None:
    """It is a ValueError of our tree that names the section, and no order."""
    async with operated() as (operator, peer):
        with pytest.raises(Forbidden, match=section) as refused:
            await verb(operator)
        assert isinstance(refused.value, ValueError) and refused.value.definite
        await peer.is_served()
        assert sent(peer.ours) == [] and peer.ours.ledger.records.orders.rows() == []


RESULTS: list[tuple[Verb, str, Any, Any]] = [
    (lambda o: o.remote_start("CP_1", "TAG_A"), "RemoteStartTransaction", {"idTag": "TAG_A"}, "Accepted"),
    (
        lambda o: o.remote_start("CP_1", "TAG_A", 2),
        "RemoteStartTransaction",
        {"idTag": "TAG_A", "connectorId": 2},
        "Rejected",
    ),
    (lambda o: o.remote_stop("CP_1", 17), "RemoteStopTransaction", {"transactionId": 17}, "Accepted"),
    (lambda o: o.unlock("CP_1", 1), "UnlockConnector", {"connectorId": 1}, "UnlockFailed"),
    (lambda o: o.reset("CP_1"), "Reset", {"type": "Soft"}, "Accepted"),
    (
        lambda o: o.availability("CP_1", 0, "Inoperative"),
        "ChangeAvailability",
        {"connectorId": 0, "type": "Inoperative"},
        "Scheduled",
    ),
    (
        lambda o: o.configure("CP_1", "HeartbeatInterval", "60"),
        "ChangeConfiguration",
        {"key": "HeartbeatInterval", "value": "60"},
        "RebootRequired",
    ),
    (lambda o: o.clear_cache("CP_1"), "ClearCache", {}, "Rejected"),
    (
        lambda o: o.trigger("CP_1", "StatusNotification", 1),
        "TriggerMessage",
        {"requestedMessage": "StatusNotification", "connectorId": 1},
        "NotImplemented",
    ),
    (
        lambda o: o.trigger("CP_1", "SignChargePointCertificate"),
        "ExtendedTriggerMessage",
        {"requestedMessage": "SignChargePointCertificate"},
        "Accepted",
    ),
    (lambda o: o.transfer("CP_1", "us", data="x"), "DataTransfer", {"vendorId": "us", "data": "x"}, "Rejected"),
]


@simulated
@pytest.mark.parametrize(("verb", "action", "payload", "status"), RESULTS, ids=[f"{e[1]} {e[3]}" for e in RESULTS])
async def test_an_order_its_answer_and_its_record(verb: Verb, action: str, payload: Any, status: str) -> None:
    """An answer that refuses is an answer."""
    async with operated() as (operator, peer):
        answer, asked = await done(peer, verb(operator), {"status": status})
        assert answer.status == status and asked == [(action, payload)]
        [order] = peer.ours.ledger.records.orders.rows("CP_1")
        assert (order["action"], json.loads(order["payload"]), order["outcome"]) == (action, payload, status)
        assert peer.ours.ledger.records.orders.rows("CP_2") == []


@simulated
async def test_an_answer_without_status() -> None:
    async with operated() as (operator, peer):
        answer, _ = await done(peer, operator.configuration("CP_1", "A"), {"unknownKey": ["A"]})
        assert answer.unknown_key == ["A"]
        assert [order["outcome"] for order in peer.ours.ledger.records.orders.rows()] == ["answered"]


@simulated
async def test_a_call_error_is_the_outcome() -> None:
    async with operated() as (operator, peer):
        with pytest.raises(CallFailed, match="NotSupported"):
            await done(peer, operator.reserve("CP_1", 1, "TAG", DATE + timedelta(hours=1)), "NotSupported")
        records = peer.ours.ledger.records
        assert [order["outcome"] for order in records.orders.rows()] == ["NotSupported"]
        assert [row["state"] for row in records.reservations.rows()] == ["refused"]


@simulated
async def test_silence_means_that_nobody_knows_until_the_answer_comes_after_all() -> None:
    """An answer that is late still tells what was done."""
    async with operated(timeout=5.0) as (operator, peer):
        with pytest.raises(CallTimeout):
            await operator.reserve("CP_1", 1, "TAG", DATE + timedelta(hours=1))
        records = peer.ours.ledger.records
        assert [row["state"] for row in records.reservations.rows()] == ["unknown"]
        assert records.orders.rows()[0]["outcome"] == "CallTimeout"
        await answering(peer, {"status": "Accepted"})
        await peer.is_served()
        assert [row["state"] for row in records.reservations.rows()] == ["held"]
        assert records.orders.rows()[0]["outcome"] == "Accepted"


@simulated
async def test_a_loss_means_that_nobody_knows() -> None:
    async with operated() as (operator, peer):
        task = asyncio.create_task(operator.reserve("CP_1", 1, "TAG", DATE + timedelta(hours=1)))
        await peer.hear()
        await peer.websocket.close()
        with pytest.raises(ConnectionLost):
            await task
        assert [row["state"] for row in peer.ours.ledger.records.reservations.rows()] == ["unknown"]
        with pytest.raises(NotConnected):
            await operator.reset("CP_1")
        assert len(peer.ours.ledger.records.orders.rows()) == 1  # nothing was sent, so nothing was asked


@simulated
async def test_whoever_gives_up_waiting_does_not_know_either() -> None:
    async with operated() as (operator, peer):
        task = asyncio.create_task(operator.reserve("CP_1", 1, "TAG", DATE + timedelta(hours=1)))
        await peer.hear()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [row["state"] for row in peer.ours.ledger.records.reservations.rows()] == ["unknown"]


@simulated
@pytest.mark.parametrize("registration", ["Pending", "Rejected"])
async def test_who_was_not_accepted(registration: Any) -> None:
    """Core 4.2: no remote start and stop while Pending; nothing at all while Rejected."""
    async with operated() as (operator, peer):
        peer.ours.policy.registration = registration
        assert (await peer.ask("again", "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}))[
            0
        ] == 3
        for verb in (operator.remote_start("CP_1", "TAG"), operator.remote_stop("CP_1", 1)):
            with pytest.raises(Forbidden, match=r"core 4\.2"):
                await verb
        if registration == "Rejected":
            with pytest.raises(Forbidden, match=r"core 4\.2"):
                await operator.clear_cache("CP_1")
        else:
            answer, _ = await done(peer, operator.clear_cache("CP_1"), {"status": "Accepted"})
            assert answer.status == "Accepted"
            boot, asked = await done(peer, operator.trigger("CP_1", "BootNotification"), {"status": "Accepted"})
            assert boot.status == "Accepted" and asked[0][0] == "TriggerMessage"


@simulated
async def test_what_cannot_be_written_down_is_not_sent() -> None:
    """DESIGN.md, decision 12: write, then act."""
    async with operated() as (operator, peer):
        for statement in (1, 3):  # the order, and the reservation
            peer.ours.ledger.before = Failing(statement)
            with pytest.raises(StoreFailed):
                await operator.reserve("CP_1", 1, "TAG", DATE + timedelta(hours=1), reservation_id=1)
        peer.ours.ledger.before = lambda sql: None
        await peer.is_served()
        assert sent(peer.ours) == []


@simulated
async def test_an_outcome_that_cannot_be_written_down_is_still_told(caplog: pytest.LogCaptureFixture) -> None:
    """It was done there; the record stays as it was before the answer, which is that nobody knows."""
    async with operated() as (operator, peer):
        task = asyncio.create_task(operator.reserve("CP_1", 1, "TAG", DATE + timedelta(hours=1)))
        _, unique_id, _, _ = await peer.hear()
        peer.ours.ledger.before = Failing(1, once=False)
        await peer.say(3, unique_id, {"status": "Accepted"})
        assert (await task).status == "Accepted"
        peer.ours.ledger.before = lambda sql: None
        assert [row["state"] for row in peer.ours.ledger.records.reservations.rows()] == ["asked"]
        assert "could not be kept" in caplog.text


@simulated
async def test_a_new_key_is_in_no_record() -> None:
    """Whitepaper A01.FR.09; and it opens the door, as one that is sent by hand (J-spec 6.2.2)."""
    async with operated() as (operator, peer):
        answer, asked = await done(peer, operator.change_key("CP_1", KEY), {"status": "Accepted"})
        assert answer.status == "Accepted" and asked == [
            ("ChangeConfiguration", {"key": "AuthorizationKey", "value": KEY})
        ]
        assert KEY not in str(peer.ours.ledger.records.orders.rows())
        assert list(peer.ours.ledger.keys()) == ["CP_1"]


@simulated
async def test_our_own_charge_point_obeys() -> None:
    """Both ends are ours: a start from afar, a second one, a stop; the transaction is found by its connector."""
    async with pair(Policy(id_tags={"TAG_A": m.IdTagInfo(status="Accepted", parent_id_tag="FLEET")})) as ends:
        central_system, charge_point = ends
        await charge_point.wait_for("online")
        charge_point.charging.plug_in(1)
        operator = central_system.operator
        assert (await operator.remote_start("CP_1", "TAG_A", 1)).status == "Accepted"
        await asyncio.sleep(60)
        running = central_system.ledger.transaction_on("CP_1", 1)
        assert running and running["id_tag"] == "TAG_A"
        assert (await operator.remote_start("CP_1", "TAG_A", 1)).status == "Rejected"
        assert (await operator.remote_stop("CP_1", running["id"])).status == "Accepted"
        await asyncio.sleep(60)
        assert central_system.ledger.transaction_on("CP_1", 1) is None
        assert (await operator.trigger("CP_1", "Heartbeat")).status == "Accepted"
        assert (await operator.availability("CP_1", 1, "Operative")).status == "Accepted"
        assert (await operator.reset("CP_1")).status == "Accepted"
        outcomes = [row["outcome"] for row in central_system.ledger.records.orders.rows()]
        assert outcomes == ["Accepted", "Rejected", *["Accepted"] * 4]


@simulated
async def test_a_transaction_of_somebody_else_is_not_stopped() -> None:
    async with operated() as (operator, peer):
        start = m.StartTransactionRequest(connector_id=1, id_tag="T", meter_start=0, timestamp=DATE)
        other = peer.ours.ledger.start("CP_2", start)
        with pytest.raises(Forbidden, match="runs at CP_2"):
            await operator.remote_stop("CP_1", other)


@simulated
async def test_the_line_that_went_dead() -> None:
    """Half-open: the order ends with the connection, and nobody knows."""
    async with pair(server={"ping_interval": 5.0}) as (central_system, charge_point):
        await charge_point.wait_for("online")
        cut()
        with pytest.raises(OcppError) as ended:
            await central_system.operator.reset("CP_1")
        assert ended.value.definite is False
        heal()


@simulated
@pytest.mark.parametrize("statement", [1, 2])
async def test_each_book_is_written_by_itself(statement: int) -> None:
    """That one of the two cannot be written is no reason to leave the other one open."""
    async with operated() as (operator, peer):
        task = asyncio.create_task(operator.reserve("CP_1", 1, "TAG", DATE + timedelta(hours=1)))
        _, unique_id, _, _ = await peer.hear()
        peer.ours.ledger.before = Failing(statement if statement == 1 else 3)  # BEGIN is the second
        await peer.say(3, unique_id, {"status": "Occupied"})
        assert (await task).status == "Occupied"
        peer.ours.ledger.before = lambda sql: None
        records = peer.ours.ledger.records
        wrote = (records.orders.rows()[0]["outcome"], records.reservations.rows()[0]["state"])
        assert wrote == ((None, "refused") if statement == 1 else ("Occupied", "asked"))


@simulated
async def test_what_was_not_sent_is_no_open_order() -> None:
    """The order was written down, its reservation could not be: its end is known."""
    async with operated() as (operator, peer):
        peer.ours.ledger.before = lambda sql: Failing(1)(sql) if "INTO reservations" in sql else None
        with pytest.raises(StoreFailed):
            await operator.reserve("CP_1", 1, "TAG", DATE + timedelta(hours=1))
        peer.ours.ledger.before = lambda sql: None
        assert [row["outcome"] for row in peer.ours.ledger.records.orders.rows()] == ["StoreFailed"]
        assert sent(peer.ours) == []


@simulated
@pytest.mark.parametrize(
    ("order", "answer", "said"),
    [
        (lambda to: to.get_diagnostics("CP_1", "http://h/"), {"fileName": "d.zip"}, lambda job: job.file == "d.zip"),
        (
            lambda to: to.get_log("CP_1", "http://h/"),
            {"status": "Accepted", "filename": "d"},
            lambda job: job.file == "d",
        ),
        (lambda to: to.list_version("CP_1"), {"listVersion": 7}, lambda version: version == 7),
    ],
)
async def test_an_answer_is_told_though_it_cannot_be_kept(order: Any, answer: Any, said: Any) -> None:
    """StoreFailed means that nothing was sent; here it was, and done."""
    async with operated() as (operator, peer):
        await done(peer, operator.send_list("CP_1", {"TAG": "Accepted"}), {"status": "Accepted"})
        task = asyncio.create_task(order(operator))
        _, unique_id, _, _ = await peer.hear()
        peer.ours.ledger.before = lambda sql: None if sql.startswith("SELECT") else Failing(1)(sql)
        await peer.say(3, unique_id, answer)
        assert said(await task)
        peer.ours.ledger.before = lambda sql: None
