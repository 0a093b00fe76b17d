"""Security, at both ends (whitepaper): keys, profiles, certificates, events; over a line that a test can read."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from ocpp_lab import Ledger, security
from ocpp_lab.central_system.registry import Registered
from ocpp_lab.credentials import basic_auth
from ocpp_lab.security.authority import Authority, read_request
from tests.compliance.script import Script, at_central_system, at_charge_point, now_text
from tests.fakes import NOON, power_cut
from tests.pair import on, simulated
from tests.simulated import fresh_path

KEY, NEW = "0f" * 16, "1e" * 20
OWNER, SERIAL = "Lab CPO", "CP_1"  # a charge point that was given no serial number has its identity for one
ROOT, MAKER = "CentralSystemRootCertificate", "ManufacturerRootCertificate"
SIGN, EVENT = "SignCertificate", "SecurityEventNotification"
AUTHORITY = Authority.create(OWNER, now=lambda: NOON)


def read_all(path: str) -> list[bytes]:
    return [file.read_bytes() for file in Path(path).parent.iterdir() if file.name.startswith(Path(path).name)]


async def change(script: Script, key: str, value: str) -> str:
    return str((await script.says("ChangeConfiguration", key=key, value=value))["status"])


async def value(script: Script, key: str) -> dict[str, Any]:
    [entry] = (await script.says("GetConfiguration", key=[key]))["configurationKey"]
    return dict(entry)


async def install(script: Script, pem: str = AUTHORITY.root, use: str = ROOT) -> str:
    return str((await script.says("InstallCertificate", certificateType=use, certificate=pem))["status"])


async def installed(script: Script, use: str = ROOT) -> list[dict[str, str]]:
    answer = await script.says("GetInstalledCertificateIds", certificateType=use)
    assert answer["status"] == ("Accepted" if "certificateHashData" in answer else "NotFound")
    return list(answer.get("certificateHashData", []))


async def trigger(script: Script, what: str, **more: Any) -> str:
    return str((await script.says("ExtendedTriggerMessage", requestedMessage=what, **more))["status"])


async def requested(script: Script) -> str:
    """The charge point asks for a certificate; returns its request."""
    assert await trigger(script, "SignChargePointCertificate") == "Accepted"
    return str((await script.hears(SIGN))["csr"])


async def event(script: Script, type: str) -> dict[str, Any]:
    told = await script.hears(EVENT)
    assert told["type"] == type
    return told


# --- the AuthorizationKey ---------------------------------------------------------------------------------------------


@simulated(seed=1)
async def test_a_new_key_is_taken_and_used() -> None:
    """Whitepaper A01: Accepted, then a dial with the new key."""
    async with at_charge_point(password=KEY, security_events=False) as (script, _):
        assert await change(script, "AuthorizationKey", NEW) == "Accepted"
        await script._until(lambda: script.connections == 2, "another connection", 60)
        assert script.socket.request.headers["Authorization"] == basic_auth("CP_1", NEW)


@simulated(seed=1)
@pytest.mark.parametrize("bad", ["", "secret", "ab" * 15, "ab" * 21, "x" * 40, "a" * 33])
async def test_what_is_no_key_is_rejected(bad: str) -> None:
    """Whitepaper A00.FR.205: 16 to 20 bytes in hexadecimal."""
    async with at_charge_point(password=KEY, security_events=False) as (script, _):
        assert await change(script, "AuthorizationKey", bad) == "Rejected"
        await asyncio.sleep(30)
        assert script.connections == 1


@simulated(seed=1)
async def test_a_key_cannot_be_read() -> None:
    """Whitepaper 7.2: it is there, and says nothing."""
    async with at_charge_point(password=KEY, security_events=False) as (script, _):
        entry = await value(script, "AuthorizationKey")
        assert entry == {"key": "AuthorizationKey", "readonly": False}


@simulated(seed=1)
async def test_a_changed_key_survives_a_power_cut(tmp_path: Path) -> None:
    """Whitepaper A01.FR.01: it is stored."""
    path = fresh_path(tmp_path, "cp.db")
    async with at_charge_point(password=KEY, path=path, security_events=False) as (script, _):
        assert await change(script, "AuthorizationKey", NEW) == "Accepted"
        path = power_cut(path)
    async with at_charge_point(password=KEY, path=path, security_events=False) as (script, _):
        assert script.socket.request.headers["Authorization"] == basic_auth("CP_1", NEW)


@simulated(seed=1)
async def test_a_change_of_the_key_is_logged_without_it() -> None:
    """Whitepaper A01.FR.11, A01.FR.12."""
    async with at_charge_point(password=KEY, security_events=False) as (script, charge_point):
        assert await change(script, "AuthorizationKey", NEW) == "Accepted"
        log = [(each.type, each.info) for each in charge_point.guard.events.log()]
        assert log[-1][0] == "ReconfigurationOfSecurityParameters" and NEW not in str(log)


# --- the security profile ---------------------------------------------------------------------------------------------


@simulated(seed=1)
@pytest.mark.parametrize(("password", "profile"), [(None, "0"), (KEY, "1")])
async def test_the_profile_in_use(password: str | None, profile: str) -> None:
    """Whitepaper 7.6."""
    async with at_charge_point(password=password, security_events=False) as (script, _):
        assert await value(script, "SecurityProfile") == {
            "key": "SecurityProfile",
            "readonly": False,
            "value": profile,
        }


@simulated(seed=1)
@pytest.mark.parametrize("wanted", ["0", "1"])
async def test_never_down_nor_the_same(wanted: str) -> None:
    """Whitepaper A05.FR.01, A00.FR.005."""
    async with at_charge_point(password=KEY, security_events=False) as (script, _):
        assert await change(script, "SecurityProfile", wanted) == "Rejected"
        await asyncio.sleep(30)
        assert script.connections == 1 and (await value(script, "SecurityProfile"))["value"] == "1"


@simulated(seed=1)
@pytest.mark.parametrize("wanted", ["4", "-1", "2.0", "three", "", "٣"])
async def test_what_is_no_profile(wanted: str) -> None:
    """Core 5.3: a bad value is Rejected."""
    async with at_charge_point(password=KEY, security_events=False) as (script, _):
        assert await change(script, "SecurityProfile", wanted) == "Rejected"


TLS = {2: "wss://cs:9002", 3: "wss://cs:9003"}


@simulated(seed=1)
async def test_a_profile_with_a_password_needs_one() -> None:
    """Whitepaper A05.FR.02."""
    async with at_charge_point(endpoints=TLS, roots=[AUTHORITY.root]) as (script, _):
        for wanted in ("1", "2"):
            assert await change(script, "SecurityProfile", wanted) == "Rejected"


@simulated(seed=1)
@pytest.mark.sockets("TLS")
async def test_a_profile_with_tls_needs_a_root() -> None:
    """Whitepaper A05.FR.03; and with one it is Accepted (A05.FR.05), after which the charge point hangs up
    (A05.FR.06)."""
    async with at_charge_point(password=KEY, endpoints=TLS, security_events=False) as (script, _):
        assert await change(script, "SecurityProfile", "2") == "Rejected"
        assert await install(script) == "Accepted"
        assert await change(script, "SecurityProfile", "2") == "Accepted"
        await script._until(lambda: script.socket is None, "the end of the connection", 60)


@simulated(seed=1)
async def test_profile_3_needs_a_certificate() -> None:
    """Whitepaper A05.FR.04."""
    async with at_charge_point(password=KEY, endpoints=TLS, security_events=False) as (script, _):
        assert await install(script) == "Accepted"
        assert await change(script, "SecurityProfile", "3") == "Rejected"


@simulated(seed=1)
@pytest.mark.sockets("TLS")
async def test_what_does_not_work_falls_back() -> None:
    """Whitepaper A05.FR.08: nobody is there with TLS, so it comes back as it was, and stays so."""
    made = {"password": KEY, "endpoints": TLS, "roots": [AUTHORITY.root], "security_events": False}
    async with at_charge_point(**made) as (script, _):
        assert await change(script, "SecurityProfile", "2") == "Accepted"
        await script._until(lambda: script.connections == 2, "another connection", 300)
        assert (await value(script, "SecurityProfile"))["value"] == "1"
        await script.hangs_up()
        await script._until(lambda: script.connections == 3, "one more connection", 300)


@simulated(seed=1)
@pytest.mark.sockets("TLS")
async def test_a_reset_right_behind_the_new_profile() -> None:
    """Whitepaper A05.FR.05, A05.FR.06; core 5.14: it is answered before the connection ends, and a boot follows."""
    made = {"password": KEY, "endpoints": TLS, "roots": [AUTHORITY.root], "security_events": False}
    async with at_charge_point(**made) as (script, _):
        assert await change(script, "SecurityProfile", "2") == "Accepted"
        await asyncio.sleep(0.2)
        assert await script.says("Reset", type="Hard") == {"status": "Accepted"}
        await script.hears("BootNotification")
        assert script.connections == 2


# --- root certificates ------------------------------------------------------------------------------------------------


@simulated(seed=1)
@pytest.mark.parametrize("use", [ROOT, MAKER])
async def test_a_root_is_installed_and_listed(use: str) -> None:
    """Whitepaper M05, M03: by the hashes that anyone can compute (6.1)."""
    async with at_charge_point() as (script, _):
        assert await installed(script, use) == []
        assert await install(script, use=use) == "Accepted"
        [certificate] = security.read_certificates(AUTHORITY.root)
        named = security.hash_data(certificate, certificate, "SHA256")
        assert await installed(script, use) == [
            {
                "hashAlgorithm": "SHA256",
                "issuerNameHash": named.issuer_name_hash,
                "issuerKeyHash": named.issuer_key_hash,
                "serialNumber": named.serial_number,
            }
        ]


@simulated(seed=1)
@pytest.mark.parametrize("pem", ["nothing", AUTHORITY.certify(OWNER, "cs")[1]], ids=["no certificate", "no root"])
async def test_what_is_no_root_is_rejected(pem: str) -> None:
    """Whitepaper M05.FR.06."""
    async with at_charge_point() as (script, _):
        assert await install(script, pem) == "Rejected"
        assert await installed(script) == []


@simulated(seed=1)
async def test_a_full_store_is_rejected() -> None:
    """Whitepaper M05.FR.03, 7.4."""
    async with at_charge_point(keys={"CertificateStoreMaxLength": "1"}) as (script, _):
        assert await install(script) == "Accepted"
        other = Authority.create(OWNER, now=lambda: NOON, name="Other").root
        assert await install(script, other) == "Rejected"
        assert (await value(script, "CertificateStoreMaxLength"))["readonly"]


@simulated(seed=1)
async def test_a_root_is_deleted_once() -> None:
    """Whitepaper M04: Accepted, and then NotFound."""
    async with at_charge_point() as (script, _):
        assert await install(script) == "Accepted"
        [named] = await installed(script)
        for status in ("Accepted", "NotFound"):
            assert (await script.says("DeleteCertificate", certificateHashData=named))["status"] == status
        assert await installed(script) == []


@simulated(seed=1)
async def test_the_own_certificate_is_not_deleted() -> None:
    """Whitepaper M04.FR.05."""
    key, asked = security.new_request(SERIAL, OWNER)
    chain = AUTHORITY.sign(asked)
    async with at_charge_point(roots=[AUTHORITY.root], own_certificate=(key, chain)) as (script, charge_point):
        [own], [root] = (security.read_certificates(pem) for pem in (chain, AUTHORITY.root))
        named = security.hash_data(own, root, "SHA256")
        hashes = {
            "hashAlgorithm": "SHA256",
            "issuerNameHash": named.issuer_name_hash,
            "issuerKeyHash": named.issuer_key_hash,
            "serialNumber": named.serial_number,
        }
        assert (await script.says("DeleteCertificate", certificateHashData=hashes))["status"] == "NotFound"
        assert charge_point.guard.wallet.own() == [(key, chain)]


@simulated(seed=1)
async def test_a_successor_is_signed_by_the_root_that_it_replaces() -> None:
    """Whitepaper 7.1, M05.FR.09 to M05.FR.11: a foreign one is Rejected, and the old one stays as a fallback."""
    async with at_charge_point(roots=[AUTHORITY.root], root_check=True) as (script, _):
        foreign = Authority.create(OWNER, now=lambda: NOON, name="Other").root
        assert await install(script, foreign) == "Rejected"
        assert await install(script, AUTHORITY.successor().root) == "Accepted"
        assert len(await installed(script)) == 2


# --- a certificate of its own -----------------------------------------------------------------------------------------


@simulated(seed=1)
async def test_no_request_without_the_operators_name() -> None:
    """Whitepaper A02, prerequisites: CpoName must be set."""
    async with at_charge_point() as (script, _):
        assert await trigger(script, "SignChargePointCertificate") == "Rejected"
        await script.hears_no(SIGN)


@simulated(seed=1)
async def test_the_request_names_owner_and_serial_number() -> None:
    """Whitepaper A02.FR.02, A02.FR.03, A02.FR.13: with a fresh key each time."""
    async with at_charge_point() as (script, _):
        assert await change(script, "CpoName", OWNER) == "Accepted"
        first = read_request(await requested(script))
        second = read_request(await requested(script))
        assert security.request_trouble(_pem(first), serial=SERIAL, owner=OWNER) is None
        assert first.public_key() != second.public_key()


def _pem(request: Any) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding

    return str(request.public_bytes(Encoding.PEM).decode())


@simulated(seed=1)
async def test_the_certificate_that_was_asked_for_is_taken() -> None:
    """Whitepaper A02.FR.06, 6.2."""
    async with at_charge_point(roots=[AUTHORITY.root]) as (script, charge_point):
        await change(script, "CpoName", OWNER)
        chain = AUTHORITY.sign(await requested(script))
        assert await script.says("CertificateSigned", certificateChain=chain) == {"status": "Accepted"}
        assert [own[1] for own in charge_point.guard.wallet.own()] == [chain]


@simulated(seed=1)
@pytest.mark.parametrize("which", ["nothing", "foreign key", "foreign authority", "expired", "too long"])
async def test_any_other_certificate_is_rejected_and_told(which: str) -> None:
    """Whitepaper A02.FR.06, A02.FR.07, 7.3: discarded, and an InvalidChargePointCertificate event."""
    keys = {"CertificateSignedMaxChainSize": "500"} if which == "too long" else {}
    async with at_charge_point(roots=[AUTHORITY.root], keys=keys) as (script, charge_point):
        await change(script, "CpoName", OWNER)
        request = await requested(script)
        chain = {
            "nothing": lambda: "nothing",
            "foreign key": lambda: AUTHORITY.sign(security.new_request(SERIAL, OWNER)[1]),
            "foreign authority": lambda: Authority.create(OWNER, now=lambda: NOON).sign(request),
            "expired": lambda: AUTHORITY.sign(request, days=1.0, begins=NOON.replace(month=1)),
            "too long": lambda: AUTHORITY.sign(request),
        }[which]()
        assert await script.says("CertificateSigned", certificateChain=chain) == {"status": "Rejected"}
        await event(script, "InvalidChargePointCertificate")
        assert charge_point.guard.wallet.own() == []


@simulated(seed=1)
async def test_a_rejected_request_is_not_repeated() -> None:
    """Whitepaper A02, error handling: whoever gets no certificate does not ask again by himself."""
    async with at_charge_point() as (script, _):
        await change(script, "CpoName", OWNER)
        script.answers[SIGN] = {"status": "Rejected"}
        await requested(script)
        await script.hears_no(SIGN, seconds=5000)


# --- security events --------------------------------------------------------------------------------------------------


@simulated(seed=1)
async def test_a_start_is_told() -> None:
    """Whitepaper A04.FR.01, 8: StartupOfTheDevice is critical."""
    async with at_charge_point(password=KEY, booted=False) as (script, _):
        await script.hears("BootNotification")
        told = await event(script, "StartupOfTheDevice")
        assert told["timestamp"] <= now_text()


@simulated(seed=1)
async def test_a_reset_is_told_after_it() -> None:
    """Whitepaper A04.FR.01, A04.FR.02: it waits for the boot."""
    async with at_charge_point(password=KEY) as (script, _):
        assert await script.says("Reset", type="Hard") == {"status": "Accepted"}
        await script.hears("BootNotification")
        await event(script, "ResetOrReboot")


@simulated(seed=1)
@pytest.mark.parametrize("refusal", ["CallError", "silence"])
async def test_an_event_is_told_until_it_is_answered(refusal: str) -> None:
    """Whitepaper A04.FR.02: guaranteed delivery; a no is none."""
    async with at_charge_point(password=KEY) as (script, _):
        script.silent(EVENT)
        if refusal == "CallError":
            script.answers[EVENT] = lambda _: [4, "x", "InternalError", "", {}]
        await script.says("Reset", type="Hard")
        first = await _after_boot(script)
        script.answers[EVENT] = {}
        await script.hangs_up()
        again = await event(script, "ResetOrReboot")
        assert again == first
        await script.hears_no(EVENT, seconds=5000)


async def _after_boot(script: Script) -> dict[str, Any]:
    await script.hears("BootNotification")
    return await event(script, "ResetOrReboot")


@simulated(seed=1)
async def test_an_event_survives_a_power_cut(tmp_path: Path) -> None:
    """Whitepaper A04.FR.02."""
    path = fresh_path(tmp_path, "cp.db")
    async with at_charge_point(password=KEY, path=path) as (script, _):
        script.silent(EVENT)
        await script.says("Reset", type="Hard")
        told = await _after_boot(script)
        path = power_cut(path)
    async with at_charge_point(password=KEY, path=path, booted=False) as (script, _):
        await script.hears("BootNotification")
        assert await event(script, "ResetOrReboot") == told
        await event(script, "StartupOfTheDevice")


# --- ExtendedTriggerMessage -------------------------------------------------------------------------------------------


@simulated(seed=1)
@pytest.mark.parametrize(
    ("what", "action", "payload"),
    [
        ("LogStatusNotification", "LogStatusNotification", {"status": "Idle"}),
        ("FirmwareStatusNotification", "SignedFirmwareStatusNotification", {"status": "Idle"}),
    ],
)
async def test_what_nobody_does_is_idle(what: str, action: str, payload: dict[str, str]) -> None:
    """Whitepaper 6.14, N01.FR.12: triggered, without a requestId."""
    async with at_charge_point() as (script, _):
        assert await trigger(script, what) == "Accepted"
        assert await script.hears(action) == payload


@simulated(seed=1)
async def test_a_status_is_triggered_for_one_connector() -> None:
    """Whitepaper 5.5, 5.6."""
    async with at_charge_point() as (script, _):
        assert await trigger(script, "StatusNotification", connectorId=2) == "Accepted"
        await script.hears_status(2, "Available")
        assert await trigger(script, "StatusNotification", connectorId=9) == "Rejected"
        assert script.statuses(1) == []


# --- the central system -----------------------------------------------------------------------------------------------


@simulated(seed=1)
async def test_a_password_is_asked_for() -> None:
    """Whitepaper A00.FR.202 to A00.FR.204: with every connection; without it, or with another's, 401."""
    async with at_central_system(boots=False, passwords={"CP_2": KEY}, identities=["CP_1", "CP_2"]) as (_, central):
        for header in (None, basic_auth("CP_2", NEW), basic_auth("CP_1", KEY)):
            script = _script("CP_2")
            with pytest.raises(InvalidStatus, match="401"):
                await on("cp", script.dials(additional_headers={"Authorization": header} if header else {}))
        script = _script("CP_2")
        await on("cp", script.dials(additional_headers={"Authorization": basic_auth("CP_2", KEY)}))
        assert "CP_2" in central
        await on("cp", script.leaves())


def _script(identity: str) -> Any:
    from tests.compliance.script import ScriptedChargePoint

    return ScriptedChargePoint(identity)


@simulated(seed=1)
async def test_another_profile_is_refused() -> None:
    """Whitepaper A00.FR.002: whoever has to use TLS does not get in without."""
    registry = {"CP_2": Registered(profile=2)}
    async with at_central_system(registry=registry, passwords={"CP_2": KEY}, identities=["CP_1", "CP_2"]):
        script = _script("CP_2")
        with pytest.raises(InvalidStatus, match="403"):
            await on("cp", script.dials(additional_headers={"Authorization": basic_auth("CP_2", KEY)}))


@simulated(seed=1)
async def test_the_old_key_ends_when_the_new_one_is_accepted() -> None:
    """Whitepaper A01.FR.03, A01.FR.04: and when it is Rejected the old one goes on."""
    for status, opens, shut in (("Accepted", NEW, KEY), ("Rejected", KEY, NEW)):
        async with at_central_system(boots=False, identities=["CP_1", "CP_2"], passwords={"CP_2": KEY}) as (_, central):
            script = _script("CP_2")
            script.answers["ChangeConfiguration"] = {"status": status}
            await on("cp", script.dials(additional_headers={"Authorization": basic_auth("CP_2", KEY)}))
            await central.operator.change_key("CP_2", NEW)
            await on("cp", script.leaves())
            with pytest.raises(InvalidStatus, match="401"):
                await on("cp", _script("CP_2").dials(additional_headers={"Authorization": basic_auth("CP_2", shut)}))
            script = _script("CP_2")
            await on("cp", script.dials(additional_headers={"Authorization": basic_auth("CP_2", opens)}))
            await on("cp", script.leaves())


@simulated(seed=1)
async def test_keys_are_kept_as_salted_hashes(tmp_path: Path) -> None:
    """Whitepaper A01.FR.08: who reads the file can tell whether a key is right, and no key."""
    path = fresh_path(tmp_path, "ledger.db")
    ledger = Ledger(path)
    async with at_central_system(ledger=ledger) as (script, central):
        script.answers["ChangeConfiguration"] = {"status": "Accepted"}
        await central.operator.change_key("CP_1", NEW)
    ledger.close()
    kept = b"".join(read_all(path))
    assert bytes.fromhex(NEW) not in kept and NEW.encode() not in kept


@simulated(seed=1)
async def test_a_request_is_accepted_and_the_certificate_follows() -> None:
    """Whitepaper A02.FR.04, A02.FR.11."""
    registry = {"CP_1": Registered(serial=SERIAL, owner=OWNER)}
    async with at_central_system(registry=registry, authority=AUTHORITY) as (script, _):
        script.answers["CertificateSigned"] = {"status": "Accepted"}
        assert await script.says(SIGN, csr=security.new_request(SERIAL, OWNER)[1]) == {"status": "Accepted"}
        chain = (await script.hears("CertificateSigned"))["certificateChain"]
        [leaf], roots = security.read_certificates(chain), security.read_certificates(AUTHORITY.root)
        assert security.trouble([leaf], roots, serial=SERIAL, owners={OWNER}, at=NOON) is None


@simulated(seed=1)
@pytest.mark.parametrize("csr", ["nothing", security.new_request("CP_2", OWNER)[1]], ids=["unreadable", "neighbour"])
async def test_a_request_that_is_not_its_own_is_rejected(csr: str) -> None:
    """Whitepaper A02.FR.12, A00.FR.427."""
    registry = {"CP_1": Registered(serial=SERIAL, owner=OWNER)}
    async with at_central_system(registry=registry, authority=AUTHORITY) as (script, _):
        assert await script.says(SIGN, csr=csr) == {"status": "Rejected"}
        await script.hears_no("CertificateSigned")


@simulated(seed=1)
async def test_without_an_authority_nothing_is_signed() -> None:
    """Whitepaper A02.FR.12."""
    registry = {"CP_1": Registered(serial=SERIAL, owner=OWNER)}
    async with at_central_system(registry=registry) as (script, _):
        assert await script.says(SIGN, csr=security.new_request(SERIAL, OWNER)[1]) == {"status": "Rejected"}
