"""The operator and somebody else's charge point: each verb arrives whole, its answer is understood and recorded."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ocpp_lab import CallFailed, CentralSystem
from ocpp_lab import messages as m
from tests.integration.foreign import foreign_charge_point, handling
from tests.operated import profile
from tests.schemas import officially_valid

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
HASHES = m.CertificateHashDataType(
    hash_algorithm="SHA256", issuer_name_hash="a", issuer_key_hash="b", serial_number="c"
)
SOON = datetime.now(UTC) + timedelta(hours=1)
OK = {"status": "Accepted"}
URL = "http://127.0.0.1:8000/"
TX = profile("TxProfile", transaction_id=None)

Verb = Callable[[Any], Coroutine[Any, Any, Any]]
VERBS: list[tuple[str, Verb, dict[str, Any]]] = [
    ("RemoteStartTransaction", lambda o: o.remote_start("CP_1", "TAG_A", 1, profile=TX), OK),
    ("RemoteStopTransaction", lambda o: o.remote_stop("CP_1", 1), OK),
    ("UnlockConnector", lambda o: o.unlock("CP_1", 1), {"status": "Unlocked"}),
    ("Reset", lambda o: o.reset("CP_1", "Hard"), OK),
    ("ChangeAvailability", lambda o: o.availability("CP_1", 0, "Inoperative"), {"status": "Scheduled"}),
    ("ChangeConfiguration", lambda o: o.configure("CP_1", "HeartbeatInterval", "60"), {"status": "RebootRequired"}),
    ("GetConfiguration", lambda o: o.configuration("CP_1", "A", "B"), {"unknownKey": ["A", "B"]}),
    ("ClearCache", lambda o: o.clear_cache("CP_1"), OK),
    ("TriggerMessage", lambda o: o.trigger("CP_1", "MeterValues", 1), {"status": "NotImplemented"}),
    ("ExtendedTriggerMessage", lambda o: o.trigger("CP_1", "LogStatusNotification"), OK),
    ("DataTransfer", lambda o: o.transfer("CP_1", "us", "message", "data"), OK),
    ("ReserveNow", lambda o: o.reserve("CP_1", 0, "TAG_A", SOON, parent="P"), {"status": "Occupied"}),
    ("CancelReservation", lambda o: o.cancel_reservation("CP_1", 1), {"status": "Rejected"}),
    ("SendLocalList", lambda o: o.send_list("CP_1", {"A": m.IdTagInfo(status="Accepted", expiry_date=SOON)}), OK),
    ("GetLocalListVersion", lambda o: o.list_version("CP_1"), {"listVersion": -1}),
    ("SetChargingProfile", lambda o: o.set_profile("CP_1", 0, profile("ChargePointMaxProfile")), OK),
    ("ClearChargingProfile", lambda o: o.clear_profiles("CP_1", purpose="TxDefaultProfile"), {"status": "Unknown"}),
    ("GetCompositeSchedule", lambda o: o.composite("CP_1", 1, 3600, "A"), {"status": "Rejected"}),
    ("UpdateFirmware", lambda o: o.update_firmware("CP_1", URL, SOON, retries=1, retry_interval=10), {}),
    ("SignedUpdateFirmware", lambda o: o.update_signed_firmware("CP_1", URL, PEM, "SIGNATURE", SOON, install=SOON), OK),
    ("GetDiagnostics", lambda o: o.get_diagnostics("CP_1", URL, start=SOON), {"fileName": "d.zip"}),
    ("GetLog", lambda o: o.get_log("CP_1", URL, "SecurityLog", latest=SOON), OK),
    ("InstallCertificate", lambda o: o.install_certificate("CP_1", "ManufacturerRootCertificate", PEM), OK),
    ("GetInstalledCertificateIds", lambda o: o.installed_certificates("CP_1", "ManufacturerRootCertificate"),
     {"status": "NotFound"}),
    ("DeleteCertificate", lambda o: o.delete_certificate("CP_1", HASHES), {"status": "NotFound"}),
]  # fmt: skip


def test_all_verbs_are_tried() -> None:
    """CertificateSigned needs an authority; `test_operator_security` has it."""
    sent = {name for name, action in m.ACTIONS.items() if action.sent_by("CentralSystem")}
    assert sent - {name for name, *_ in VERBS} == {"CertificateSigned"}


@pytest.mark.parametrize(("action", "verb", "answer"), VERBS, ids=[each[0] for each in VERBS])
async def test_it_arrives_whole(action: str, verb: Verb, answer: dict[str, Any]) -> None:
    """Its payload is one by the official schema; what their charge point answers ends the order."""
    heard: list[Any] = []
    async with CentralSystem() as central_system:
        async with foreign_charge_point(central_system, handling({action: [answer]}, heard)):
            await verb(central_system.operator)
        assert [officially_valid(action, payload) for payload in heard] == [True]
        [order] = central_system.ledger.records.orders.rows("CP_1")
        assert (order["action"], order["outcome"]) == (action, answer.get("status", "answered"))


@pytest.mark.parametrize(("action", "verb", "answer"), VERBS, ids=[each[0] for each in VERBS])
async def test_what_it_does_not_know_is_refused(action: str, verb: Verb, answer: dict[str, Any]) -> None:
    """J-spec 4.2.3: a CallError of theirs; and nothing is held."""
    async with CentralSystem() as central_system, foreign_charge_point(central_system):
        with pytest.raises(CallFailed):
            await verb(central_system.operator)
        records = central_system.ledger.records
        assert records.profiles.installed("CP_1") == [] and records.reservations.living("CP_1", SOON) == []
        assert {row["state"] for row in records.jobs.rows()} <= {"refused"}
