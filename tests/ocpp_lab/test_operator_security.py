"""Keys, certificates, security profiles and events, as the operator sees them (whitepaper 5, A02, A05)."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_lab import messages as m
from ocpp_lab.errors import Forbidden
from tests.operated import done, operated, sent
from tests.pair import simulated

OK = {"status": "Accepted"}
ROOT = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
KIND: Any = "CentralSystemRootCertificate"
NAMED = {"hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": "c"}


class Signs:
    """An authority that signs whatever is not bad."""

    def sign(self, request: str) -> str:
        if request == "bad":
            raise ValueError("expected a better one")
        return f"signed: {request}"


def vouch(identity: str, csr: str) -> str | None:
    """Everybody's requests are its own, but for one."""
    return "wrong-charge-point" if csr == "of another" else None


def certificates(peer: Any) -> list[tuple[str, str]]:
    return [(row["kind"], row["state"]) for row in peer.ours.ledger.records.certificates.rows("CP_1")]


@simulated
async def test_a_certificate_follows_the_answer() -> None:
    """Whitepaper A02.FR.11: Accepted first, then CertificateSigned; both are kept."""
    async with operated() as (operator, peer):
        operator.authority, operator.vouch = Signs(), vouch
        assert await peer.ask("csr", "SignCertificate", {"csr": "please"}) == [3, "csr", {"status": "Accepted"}]
        _, unique_id, action, payload = await peer.hear()
        assert (action, payload) == ("CertificateSigned", {"certificateChain": "signed: please"})
        await peer.say(3, unique_id, OK)
        await peer.is_served()
        assert certificates(peer) == [("request", "signed"), ("ChargePointCertificate", "held")]


@simulated
async def test_nobody_signs_what_is_bad(caplog: pytest.LogCaptureFixture) -> None:
    """A02.FR.12: Rejected, whether there is no authority, nobody who vouches, or one of them says no."""
    async with operated() as (operator, peer):
        assert (await peer.ask("1", "SignCertificate", {"csr": "please"}))[2] == {"status": "Rejected"}
        operator.authority = Signs()
        assert (await peer.ask("2", "SignCertificate", {"csr": "please"}))[2] == {"status": "Rejected"}
        operator.vouch = vouch
        for csr in ("bad", "of another"):
            assert (await peer.ask(csr, "SignCertificate", {"csr": csr}))[2] == {"status": "Rejected"}
        await peer.is_served()
        assert certificates(peer) == [("request", "refused")] * 4 and sent(peer.ours) == []
        assert "expected a better one" in caplog.text and "wrong-charge-point" in caplog.text


@simulated
async def test_a_certificate_that_was_not_taken() -> None:
    async with operated() as (operator, peer):
        operator.authority, operator.vouch = Signs(), vouch
        answer, _ = await done(peer, operator.sign("CP_1", "please"), {"status": "Rejected"})
        assert answer.status == "Rejected"
        assert certificates(peer) == [("request", "signed"), ("ChargePointCertificate", "refused")]


@simulated
async def test_root_certificates() -> None:
    async with operated() as (operator, peer):
        await done(peer, operator.install_certificate("CP_1", KIND, ROOT), {"status": "Failed"})
        answer, asked = await done(peer, operator.install_certificate("CP_1", KIND, ROOT), OK)
        assert answer.status == "Accepted"
        assert asked == [("InstallCertificate", {"certificateType": KIND, "certificate": ROOT})]
        assert certificates(peer) == [(KIND, "refused"), (KIND, "held")]
        there, _ = await done(peer, operator.installed_certificates("CP_1", KIND),
                              OK | {"certificateHashData": [NAMED]})  # fmt: skip
        [named] = there.certificate_hash_data or []
        _, asked = await done(peer, operator.delete_certificate("CP_1", named), OK)
        assert asked == [("DeleteCertificate", {"certificateHashData": NAMED})]


@simulated
async def test_upwards_only() -> None:
    """Whitepaper A05.FR.01; what was refused may be asked again."""
    async with operated() as (operator, peer):
        await done(peer, operator.upgrade_security("CP_1", 1), {"status": "Rejected"})
        _, asked = await done(peer, operator.upgrade_security("CP_1", 1), OK)
        assert asked == [("ChangeConfiguration", {"key": "SecurityProfile", "value": "1"})]
        assert peer.ours.ledger.records.security_profile("CP_1") == 1
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
