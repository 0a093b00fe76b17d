"""Keys, certificates, security profiles and events, as the operator sees them (whitepaper 5, A02, A05)."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_lab import messages as m
from ocpp_lab.central_system.registry import Registered
from ocpp_lab.errors import Forbidden
from ocpp_lab.security import Authority, new_request
from tests.operated import DATE, done, operated
from tests.pair import simulated

OK = {"status": "Accepted"}
ROOT = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
KIND: Any = "CentralSystemRootCertificate"
NAMED = {"hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": "c"}


def roots(peer: Any) -> list[tuple[str, str]]:
    return [(row["kind"], row["state"]) for row in peer.ours.ledger.records.roots.rows("CP_1")]


@simulated
async def test_a_certificate_that_the_operator_has_signed() -> None:
    """For the charge point that is registered with the name in the request; kept with its answer."""
    registry = {"CP_1": Registered(serial="SN-1", owner="Lab")}
    csr = new_request("SN-1", "Lab")[1]
    other = new_request("SN-2", "Lab")[1]
    async with operated(registry=registry) as (operator, peer):
        with pytest.raises(Forbidden, match="there is no authority"):
            await operator.sign("CP_1", csr)
        operator.authority = Authority.create("Lab", now=lambda: DATE)
        assert peer.ours.signing.authority is operator.authority
        for wrong, why in ((other, "wrong-charge-point"), ("CSR", "unreadable")):
            with pytest.raises(Forbidden, match=rf"{why}: expected a request \(PEM\) with CN SN-1 and O Lab"):
                await operator.sign("CP_1", wrong)
        for status in ("Rejected", "Accepted"):
            answer, asked = await done(peer, operator.sign("CP_1", csr), {"status": status})
            assert answer.status == status and "BEGIN CERTIFICATE" in asked[0][1]["certificateChain"]
        assert [row["status"] for row in peer.ours.ledger.certificates("CP_1")] == ["Rejected", "Accepted"]
        assert [row["outcome"] for row in peer.ours.ledger.records.orders.rows()] == ["Rejected", "Accepted"]


@simulated
async def test_root_certificates() -> None:
    async with operated() as (operator, peer):
        await done(peer, operator.install_certificate("CP_1", KIND, ROOT), {"status": "Failed"})
        answer, asked = await done(peer, operator.install_certificate("CP_1", KIND, ROOT), OK)
        assert answer.status == "Accepted"
        assert asked == [("InstallCertificate", {"certificateType": KIND, "certificate": ROOT})]
        assert roots(peer) == [(KIND, "refused"), (KIND, "held")]
        there, _ = await done(peer, operator.installed_certificates("CP_1", KIND),
                              OK | {"certificateHashData": [NAMED]})  # fmt: skip
        [named] = there.certificate_hash_data or []
        _, asked = await done(peer, operator.delete_certificate("CP_1", named), OK)
        assert asked == [("DeleteCertificate", {"certificateHashData": NAMED})]
        assert roots(peer) == [(KIND, "refused"), (KIND, "unknown")]


@simulated
async def test_upwards_only() -> None:
    """Whitepaper A05.FR.01; what was refused may be asked again, and counts once it has connected with it."""
    async with operated() as (operator, peer):
        await done(peer, operator.upgrade_security("CP_1", 1), {"status": "Rejected"})
        _, asked = await done(peer, operator.upgrade_security("CP_1", 1), OK)
        assert asked == [("ChangeConfiguration", {"key": "SecurityProfile", "value": "1"})]
        peer.ours.required.connected("CP_1", 1)
        with pytest.raises(Forbidden, match="from 2 to 3, came 1"):
            await operator.upgrade_security("CP_1", 1)


@simulated
async def test_who_trusts_nobody_is_not_sent_to_tls() -> None:
    """A05.FR.03: a root certificate that we installed, or that it says it has; who does not say knows best."""
    async with operated() as (operator, peer):
        with pytest.raises(Forbidden, match=r"A05\.FR\.03"):
            await done(peer, operator.upgrade_security("CP_1", 2), {"status": "NotFound"})
        _, asked = await done(peer, operator.upgrade_security("CP_1", 2), "NotSupported", {"status": "Rejected"})
        assert [action for action, _ in asked] == ["GetInstalledCertificateIds", "ChangeConfiguration"]
        await done(peer, operator.install_certificate("CP_1", KIND, ROOT), OK)
        _, asked = await done(peer, operator.upgrade_security("CP_1", 2), OK)
        assert [action for action, _ in asked] == ["ChangeConfiguration"]


@simulated
async def test_security_events_are_kept_once() -> None:
    """Twice heard, once kept: the event itself says what it is."""
    async with operated() as (_, peer):
        event = {"type": "FirmwareUpdated", "timestamp": "2030-06-01T12:00:00Z", "techInfo": "1.1"}
        for each in (event, event, event | {"timestamp": "2030-06-01T12:00:01Z"}):
            assert (await peer.ask("event", "SecurityEventNotification", each))[2] == {}
        rows = peer.ours.ledger.records.events.rows("CP_1")
        assert [(row["type"], row["at"][17:19], row["info"]) for row in rows] == [
            ("FirmwareUpdated", "00", "1.1"),
            ("FirmwareUpdated", "01", "1.1"),
        ]


@simulated
async def test_messages_of_vendors_are_kept() -> None:
    """Core 4.3: a vendor that nobody knows gets no more than that, and what it said can be read."""
    async with operated() as (_, peer):
        answer = await peer.ask("x", "DataTransfer", {"vendorId": "them", "messageId": "m", "data": "ż" * 1000})
        assert answer[2] == {"status": "UnknownVendorId"}
        peer.ours.policy.vendors["us"] = lambda request: m.DataTransferResponse(status="Accepted", data=request.data)
        answer = await peer.ask("y", "DataTransfer", {"vendorId": "us", "data": "1"})
        assert answer[2] == {"status": "Accepted", "data": "1"}
        [row, _] = peer.ours.ledger.records.transfers.rows()
        assert (row["identity"], row["vendor"], row["message"]) == ("CP_1", "them", "m") and "ż" in row["payload"]
