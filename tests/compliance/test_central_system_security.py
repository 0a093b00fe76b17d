"""Security orders of a central system, and what it makes of the answers (whitepaper A01 to A05, M03 to M05)."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from ocpp_lab import CallTimeout, CentralSystem, Forbidden, Ledger, security
from ocpp_lab import messages as m
from ocpp_lab.central_system.registry import Registered
from ocpp_lab.credentials import basic_auth
from tests.compliance.script import ScriptedChargePoint, at_central_system, now_text
from tests.compliance.test_central_system_orders import last_id
from tests.compliance.test_security import AUTHORITY, KEY, NEW, OWNER, ROOT, SERIAL, SIGN
from tests.pair import on, simulated

REGISTRY = {"CP_1": Registered(serial=SERIAL, owner=OWNER)}
HASHES = {"hashAlgorithm": "SHA256", "issuerNameHash": "a" * 64, "issuerKeyHash": "b" * 64, "serialNumber": "1f"}
NAMED = m.CertificateHashDataType(
    hash_algorithm="SHA256", issuer_name_hash="a", issuer_key_hash="b", serial_number="1f"
)


def root_kept(central: CentralSystem) -> bool:
    ledger: Any = central.ledger
    return bool(ledger.records.roots.held("CP_1", ROOT))


@simulated(seed=1)
@pytest.mark.parametrize("status", ["Accepted", "Rejected"])
async def test_a_certificate_is_ordered_signed_and_answered(status: str) -> None:
    """Whitepaper A02, A02.FR.11: triggered, asked for, signed, sent; the answer is kept with it."""
    ledger = Ledger()
    async with at_central_system(ledger=ledger, registry=REGISTRY, authority=AUTHORITY) as (script, central):
        script.answers |= {"ExtendedTriggerMessage": {"status": "Accepted"}, "CertificateSigned": {"status": status}}
        answer = await central.operator.trigger("CP_1", "SignChargePointCertificate")
        assert answer.status == "Accepted"
        assert await script.hears("ExtendedTriggerMessage") == {"requestedMessage": "SignChargePointCertificate"}
        assert await script.says(SIGN, csr=security.new_request(SERIAL, OWNER)[1]) == {"status": "Accepted"}
        chain = (await script.hears("CertificateSigned"))["certificateChain"]
        await asyncio.sleep(1)
        [kept] = ledger.certificates("CP_1")
        assert (kept["chain"], kept["status"]) == (chain, status)
        await script.hears_no("CertificateSigned", seconds=600)
    ledger.close()


@simulated(seed=1)
@pytest.mark.parametrize("status", ["Accepted", "Rejected", "Failed"])
async def test_every_answer_to_a_root(status: str) -> None:
    """Whitepaper M05, M05.FR.03, M05.FR.06: only what was accepted is there."""
    async with at_central_system() as (script, central):
        script.answers["InstallCertificate"] = {"status": status}
        answer = await central.operator.install_certificate("CP_1", ROOT, AUTHORITY.root)  # type: ignore[arg-type]
        assert answer.status == status
        assert await script.hears("InstallCertificate") == {"certificateType": ROOT, "certificate": AUTHORITY.root}
        assert root_kept(central) == (status == "Accepted")


@simulated(seed=1)
@pytest.mark.parametrize("status", ["Accepted", "NotFound", "Failed"])
async def test_a_root_is_listed_and_deleted(status: str) -> None:
    """Whitepaper M03, M04, M04.FR.07: named with the hashes of the list."""
    async with at_central_system() as (script, central):
        script.answers["GetInstalledCertificateIds"] = {"status": "Accepted", "certificateHashData": [HASHES]}
        script.answers["DeleteCertificate"] = {"status": status}
        listed = await central.operator.installed_certificates("CP_1", ROOT)  # type: ignore[arg-type]
        assert listed.certificate_hash_data
        answer = await central.operator.delete_certificate("CP_1", listed.certificate_hash_data[0])
        assert answer.status == status
        await script.hears("GetInstalledCertificateIds")
        assert await script.hears("DeleteCertificate") == {"certificateHashData": HASHES}
        script.answers["GetInstalledCertificateIds"] = {"status": "NotFound"}
        assert (await central.operator.installed_certificates("CP_1", ROOT)).status == "NotFound"  # type: ignore[arg-type]


@simulated(seed=1)
@pytest.mark.parametrize(
    ("status", "there"), [("Accepted", False), ("NotFound", True), ("Failed", True), (None, False)]
)
async def test_a_root_that_may_be_gone_is_not_counted_on(status: str | None, there: bool) -> None:
    """Whitepaper M04, A05.FR.03: nor is one whose deletion got no answer; before an upgrade the charge point is
    asked."""
    async with at_central_system() as (script, central):
        script.answers |= {
            "InstallCertificate": {"status": "Accepted"},
            "DeleteCertificate": {"status": status} if status else None,
            "GetInstalledCertificateIds": {"status": "NotFound"},
        }
        await central.operator.install_certificate("CP_1", ROOT, AUTHORITY.root)  # type: ignore[arg-type]
        try:
            await central.operator.delete_certificate("CP_1", NAMED)
        except CallTimeout:
            assert status is None
        assert root_kept(central) == there
        if not there:
            with pytest.raises(Forbidden, match="install one first"):
                await central.operator.upgrade_security("CP_1", 2)


@simulated(seed=1)
@pytest.mark.parametrize("status", ["Accepted", "Rejected"])
async def test_an_upgrade_that_was_never_used_locks_nobody_out(status: str) -> None:
    """Whitepaper A05.FR.08, A05.FR.09: the lower profile is shut by the first dial with the higher one, not before."""
    two = ["CP_1", "CP_2"]
    async with at_central_system(boots=False, identities=two, passwords={"CP_2": KEY}) as (_, central):
        script = ScriptedChargePoint("CP_2")
        header = {"Authorization": basic_auth("CP_2", KEY)}
        await on("cp", script.dials(additional_headers=header))
        script.answers |= {"ChangeConfiguration": {"status": status}, "InstallCertificate": {"status": "Accepted"}}
        await central.operator.install_certificate("CP_2", ROOT, AUTHORITY.root)  # type: ignore[arg-type]
        answer = await central.operator.upgrade_security("CP_2", 2)
        assert answer.status == status
        await on("cp", script.leaves())
        again = ScriptedChargePoint("CP_2")  # it never came with profile 2: it must not be locked out
        await on("cp", again.dials(additional_headers=header))
        await on("cp", again.leaves())
        assert central.required.of("CP_2").taken != 2


@simulated(seed=1)
async def test_no_profile_that_is_none_or_lower() -> None:
    """Whitepaper A05.FR.01: it is not even sent."""
    async with at_central_system() as (script, central):
        for profile in (-1, 0, 4):
            with pytest.raises(Forbidden):
                await central.operator.upgrade_security("CP_1", profile)
        await script.hears_no()


@simulated(seed=1)
@pytest.mark.parametrize("key", ["", "short", "0f" * 15, "0f" * 21, "x" * 32])
async def test_no_key_that_is_none(key: str) -> None:
    """Whitepaper A00.FR.205: it is not even sent."""
    async with at_central_system() as (script, central):
        with pytest.raises(Forbidden):
            await central.operator.change_key("CP_1", key)
        await script.hears_no()


@simulated(seed=1)
@pytest.mark.parametrize("type", ["StartupOfTheDevice", "InvalidTLSVersion", "SomethingOfAVendor"])
async def test_every_security_event_is_confirmed_and_kept(type: str) -> None:
    """Whitepaper A04.FR.01, 5.15: of any type, each once, also with all that it may carry."""
    async with at_central_system() as (script, central):
        payload = {"type": type, "timestamp": now_text(-86_400), "techInfo": "x" * 255}
        for _round in range(2):
            assert await script.says("SecurityEventNotification", **payload) == {}
        ledger: Any = central.ledger
        assert [row["type"] for row in ledger.query("SELECT type FROM events")] == [type]


@simulated(seed=1)
@pytest.mark.parametrize("offered", [["ocpp1.6"], ["ocpp2.0.1", "ocpp1.6"], ["ocpp1.5", "ocpp1.6", "ocpp2.0.1"]])
async def test_the_subprotocol_is_chosen(offered: Any) -> None:
    """J-spec 3.2: whichever else is offered."""
    async with at_central_system(boots=False, identities=["CP_1", "CP_2"]):
        script = ScriptedChargePoint("CP_2")
        await on("cp", script.dials(subprotocols=offered))
        assert script.socket.subprotocol == "ocpp1.6"
        await on("cp", script.leaves())


@simulated(seed=1)
@pytest.mark.parametrize("offered", [["ocpp2.0.1"], ["ocpp1.5"], None])
async def test_without_a_common_subprotocol_the_connection_ends(offered: Any) -> None:
    """J-spec 3.2: the handshake ends without one, and then the connection."""
    async with at_central_system(boots=False, identities=["CP_1", "CP_2"]) as (_, central):
        script = ScriptedChargePoint("CP_2")
        try:
            await on("cp", script.dials(subprotocols=offered, boots=False))
        except (InvalidStatus, ConnectionClosed):
            return
        await script._until(lambda: script.socket is None, "the end of the connection", 30)
        assert "CP_2" not in central


@simulated(seed=1)
async def test_an_identity_that_nobody_knows_is_refused() -> None:
    """J-spec 3.2: 404."""
    async with at_central_system(boots=False, identities=["CP_1"]):
        with pytest.raises(InvalidStatus, match="404"):
            await on("cp", ScriptedChargePoint("CP_9").dials())


@simulated(seed=1)
async def test_the_key_is_in_no_record() -> None:
    """Whitepaper A01.FR.09."""
    async with at_central_system() as (script, central):
        script.answers["ChangeConfiguration"] = {"status": "Rejected"}
        answer: m.ChangeConfigurationResponse = await central.operator.change_key("CP_1", NEW)
        assert answer.status == "Rejected"
        ledger: Any = central.ledger
        assert NEW not in str(ledger.query("SELECT * FROM orders"))


@simulated(seed=1)
@pytest.mark.parametrize(("status", "doors"), [("Accepted", [False, True]), ("Rejected", [True, False])])
async def test_a_late_answer_to_a_key_counts(status: str, doors: list[bool]) -> None:
    """Whitepaper A01.FR.03, A01.FR.04: without an answer both keys open the door; with one, however late, one does."""

    async def late(_: Any) -> Any:
        await asyncio.sleep(central.timeout + 10)
        return {"status": status}

    async with at_central_system(boots=False, identities=["CP_1", "CP_2"], passwords={"CP_2": KEY}) as (_, central):
        script = ScriptedChargePoint("CP_2")
        await on("cp", script.dials(additional_headers={"Authorization": basic_auth("CP_2", KEY)}))
        script.answers["ChangeConfiguration"] = late
        with pytest.raises(CallTimeout):
            await central.operator.change_key("CP_2", NEW)
        await asyncio.sleep(60)
        await on("cp", script.leaves())
        opened = []
        for key in (KEY, NEW):
            again = ScriptedChargePoint("CP_2")
            try:
                await on("cp", again.dials(additional_headers={"Authorization": basic_auth("CP_2", key)}))
                await on("cp", again.leaves())
                opened.append(True)
            except InvalidStatus:
                opened.append(False)
        assert opened == doors


@simulated(seed=1)
@pytest.mark.parametrize("status", ["Accepted", "Rejected"])
async def test_a_late_answer_to_an_upgrade_counts(status: str) -> None:
    """Whitepaper A05.FR.09: what was rejected is not waited for any more."""

    async def late(_: Any) -> Any:
        await asyncio.sleep(central.timeout + 10)
        return {"status": status}

    async with at_central_system() as (script, central):
        script.answers["ChangeConfiguration"] = late
        with pytest.raises(CallTimeout):
            await central.operator.upgrade_security("CP_1", 1)
        assert central.required.of("CP_1").offered == {1}
        await asyncio.sleep(60)
        assert central.required.of("CP_1").offered == ({1} if status == "Accepted" else set())


@simulated(seed=1)
@pytest.mark.parametrize(
    ("answer", "kept"), [("NotSupported", "NotSupported"), ("silence", "CallTimeout"), ("late", "Accepted")]
)
async def test_a_certificate_that_is_not_answered_at_once(answer: str, kept: str) -> None:
    """Whitepaper A02: what came of it is kept with it, whoever had asked for it; and the next one is signed."""

    async def late(_: Any) -> Any:
        await asyncio.sleep(central.timeout + 10)
        return {"status": "Accepted"}

    ledger = Ledger()
    answers: dict[str, Any] = {"silence": None, "late": late}
    async with at_central_system(ledger=ledger, registry=REGISTRY, authority=AUTHORITY) as (script, central):
        for _ in range(2):
            script.answers["CertificateSigned"] = answers.get(answer, lambda _: [4, last_id(script), answer, "", {}])
            assert await script.says(SIGN, csr=security.new_request(SERIAL, OWNER)[1]) == {"status": "Accepted"}
            await asyncio.sleep(central.timeout + 60)
        assert [each["status"] for each in ledger.certificates("CP_1")] == [kept, kept]
    ledger.close()


@simulated(seed=1)
async def test_an_empty_key_opens_no_door() -> None:
    """Whitepaper A00.FR.205: not while its answer is out, and not if there never is one."""
    async with at_central_system(boots=False, identities=["CP_1", "CP_2"], passwords={"CP_2": KEY}) as (_, central):
        script = ScriptedChargePoint("CP_2")
        await on("cp", script.dials(additional_headers={"Authorization": basic_auth("CP_2", KEY)}))
        script.silent("ChangeConfiguration")
        with pytest.raises(CallTimeout):
            await central["CP_2"].call(m.ChangeConfigurationRequest(key="AuthorizationKey", value=""))
        with pytest.raises(InvalidStatus):
            empty = {"Authorization": f"Basic {base64.b64encode(b'CP_2:').decode()}"}
            await on("cp", ScriptedChargePoint("CP_2").dials(additional_headers=empty))
        await on("cp", script.leaves())


@simulated(seed=1)
@pytest.mark.parametrize("answer", [None, {"status": "Accepted"}, {"status": "Rejected"}])
async def test_no_door_is_lowered_by_a_message(answer: Any) -> None:
    """Whitepaper A00.FR.005, A05.FR.01: whatever is sent and answered, and if there never is an answer."""
    async with at_central_system(boots=False, identities=["CP_1", "CP_2"], passwords={"CP_2": KEY}) as (_, central):
        script = ScriptedChargePoint("CP_2")
        await on("cp", script.dials(additional_headers={"Authorization": basic_auth("CP_2", KEY)}))
        central.required.set("CP_2", 2)
        script.answers["ChangeConfiguration"] = answer
        for profile in ("0", "1", "2"):
            try:
                await central["CP_2"].call(m.ChangeConfigurationRequest(key="SecurityProfile", value=profile))
            except CallTimeout:
                assert answer is None
        with pytest.raises(InvalidStatus):
            again = ScriptedChargePoint("CP_2")
            await on("cp", again.dials(additional_headers={"Authorization": basic_auth("CP_2", KEY)}))
        assert central.required.of("CP_2") == security.Levels(2)
        await on("cp", script.leaves())


@simulated(seed=1)
async def test_a_lower_profile_is_not_sent() -> None:
    """Whitepaper A00.FR.005: not by a message."""
    async with at_central_system() as (script, central):
        central.required.set("CP_1", 2)
        for profile in ("0", "1"):
            with pytest.raises(Forbidden, match=r"no message lowers it \(whitepaper A00.FR.005\)"):
                await central.operator.configure("CP_1", "securityprofile", profile)
        await script.hears_no()
