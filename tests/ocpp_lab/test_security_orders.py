"""What a central system may do to the certificates of a charge point (whitepaper A02, M03, M04, M05, 5.5)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ocpp_lab import CentralSystem, ChargePoint, Ledger, security
from ocpp_lab import messages as m
from ocpp_lab.central_system.registry import Registered
from ocpp_lab.charge_point.wallet import CENTRAL_SYSTEM, MANUFACTURER
from tests.chains import holder, name
from tests.fakes import NOON, Failing, power_cut
from tests.ocpp_lab.test_security_profiles import (
    OWNER,
    SERIAL,
    authority,
    events,
    listeners,
    own_certificate,
    server,
    station,
)
from tests.pair import actions, central_system_alone, charge_point_alone, payloads, simulated, simulated_now
from tests.simulated import fresh_path

pytestmark = pytest.mark.sockets("TLS")
DAY = timedelta(1)


@asynccontextmanager
async def online(path: str = ":memory:", **options: Any) -> AsyncIterator[tuple[CentralSystem, ChargePoint]]:
    """A charge point of profile 1 that trusts nobody yet, and its central system with an authority."""
    at_server = {"authority": authority(), **options.pop("at_server", {})}
    async with central_system_alone(**server(**at_server)) as central_system:
        made = {**station(roots=(), own_certificate=None), **options}
        async with charge_point_alone(path=path, **made) as point:
            await point.wait_for("online")
            yield central_system, point


async def install(central_system: CentralSystem, pem: str, use: Any = CENTRAL_SYSTEM) -> str:
    request = m.InstallCertificateRequest(certificate_type=use, certificate=pem)
    return (await central_system["CP_1"].call(request)).status


async def installed(central_system: CentralSystem, use: Any = CENTRAL_SYSTEM) -> list[Any]:
    request = m.GetInstalledCertificateIdsRequest(certificate_type=use)
    answer = await central_system["CP_1"].call(request)
    assert answer.status == ("Accepted" if answer.certificate_hash_data else "NotFound")
    return answer.certificate_hash_data or []


async def delete(central_system: CentralSystem, named: Any) -> str:
    request = m.DeleteCertificateRequest(certificate_hash_data=named)
    return (await central_system["CP_1"].call(request)).status


async def trigger(central_system: CentralSystem, what: Any, **options: Any) -> str:
    request = m.ExtendedTriggerMessageRequest(requested_message=what, **options)
    return (await central_system["CP_1"].call(request)).status


async def change(central_system: CentralSystem, key: str, value: str) -> str:
    return (await central_system["CP_1"].call(m.ChangeConfigurationRequest(key=key, value=value))).status


def root_pem(common: str = "Another Root", **options: Any) -> str:
    options = {"begins": NOON - DAY, "ends": NOON + 1000 * DAY, "authority": True, **options}
    return holder(name(common), **options).pem


# Roots ----------------------------------------------------------------------------------------------------------------


@simulated
async def test_install_list_delete(tmp_path: Path) -> None:
    """M03, M04, M05: named by hashes that anyone can compute; still there after a power cut; deleted once."""
    path = fresh_path(tmp_path, "cp.db")
    ours, other = authority().root, root_pem()
    async with online(path) as (central_system, point):
        assert await installed(central_system) == []
        assert await install(central_system, ours) == await install(central_system, other) == "Accepted"
        assert await install(central_system, ours) == "Accepted"  # it is there, and not there twice
        assert await install(central_system, other, MANUFACTURER) == "Accepted"
        [certificate] = security.read_certificates(ours)
        named = security.hash_data(certificate, certificate, "SHA256")
        assert [named] == (await installed(central_system))[:1]
        assert len(await installed(central_system)) == 2 and len(await installed(central_system, MANUFACTURER)) == 1
        path = power_cut(path)
    async with online(path) as (central_system, point):
        assert len(await installed(central_system)) == 2
        for algorithm in ("SHA256", "SHA384", "SHA512"):
            assert await install(central_system, ours) == "Accepted"
            named = security.hash_data(certificate, certificate, algorithm)  # type: ignore[arg-type]
            loud = m.security.CertificateHashDataType(
                hash_algorithm=named.hash_algorithm,
                issuer_name_hash=named.issuer_name_hash.upper(),
                issuer_key_hash=named.issuer_key_hash.upper(),
                serial_number=named.serial_number.upper(),
            )
            assert await delete(central_system, loud) == "Accepted"
            assert await delete(central_system, named) == "NotFound"
        assert len(await installed(central_system)) == 1
        types = [event.type for event in point.guard.events.log()]
        assert types.count("ReconfigurationOfSecurityParameters") == 8


@simulated
@pytest.mark.parametrize(
    "pem",
    [
        "nothing",
        root_pem() + root_pem("Third"),
        root_pem(authority=False),
        root_pem(ends=NOON - timedelta(hours=1)),
        root_pem(begins=NOON + DAY),
        holder(name("Under"), holder(name("Hidden"), authority=True), begins=NOON - DAY, ends=NOON + DAY).pem,
    ],
    ids=["no certificate", "two", "no authority", "expired", "not yet", "leaf"],
)
async def test_what_is_not_installed(pem: str) -> None:
    """M05.FR.06: invalid or incorrect."""
    async with online() as (central_system, _):
        assert await install(central_system, pem) == "Rejected"
        assert await installed(central_system) == []


@simulated
async def test_a_full_store() -> None:
    """M05.FR.03: CertificateStoreMaxLength, over both kinds."""
    async with online() as (central_system, point):
        point.configuration["CertificateStoreMaxLength"] = "2"
        pems = [root_pem(f"Root {n}") for n in range(3)]
        said = [
            await install(central_system, pem, use)
            for pem, use in zip(pems, (CENTRAL_SYSTEM, MANUFACTURER, CENTRAL_SYSTEM), strict=True)
        ]
        assert said == ["Accepted", "Accepted", "Rejected"]


@simulated
async def test_our_own_file_fails() -> None:
    """M05.FR.04, and for deletion Failed too: the deed was not done, and the connection lives."""
    async with online() as (central_system, point):
        store: Any = point.memory.store
        store.before = lambda sql: Failing(1)(sql) if "INTO roots" in sql or "FROM roots WHERE number" in sql else None
        assert await install(central_system, authority().root) == "Failed"
        store.before = lambda sql: None
        assert await install(central_system, authority().root) == "Accepted"
        store.before = lambda sql: Failing(1)(sql) if "DELETE FROM roots" in sql else None
        [named] = await installed(central_system)
        assert await delete(central_system, named) == "Failed"
        store.before = lambda sql: None
        assert await delete(central_system, named) == "Accepted"


@simulated
async def test_the_root_in_use_stays() -> None:
    """M04.FR.06; another one may go."""
    made = {"roots": [authority().root], "security_profile": 2}
    async with online(**made) as (central_system, _):
        other = root_pem()
        assert await install(central_system, other) == "Accepted"
        ours, theirs = await installed(central_system)
        assert await delete(central_system, ours) == "Failed"
        assert await delete(central_system, theirs) == "Accepted"
        assert await installed(central_system) == [ours]


@simulated
async def test_a_root_that_was_deleted_does_not_come_back(tmp_path: Path) -> None:
    """What the manufacturer put in is put in once."""
    path = fresh_path(tmp_path, "cp.db")
    async with online(path, roots=[authority().root]) as (central_system, _):
        [named] = await installed(central_system)
        assert await delete(central_system, named) == "Accepted"
        path = power_cut(path)
    async with online(path, roots=[authority().root]) as (central_system, _):
        assert await installed(central_system) == []


@simulated
async def test_a_new_root_replaces_the_old(tmp_path: Path) -> None:
    """AdditionalRootCertificateCheck (M05.FR.08 to M05.FR.13): signed by the old one, which stays as a fallback until
    the new one was used. The central system changes its own certificate later."""
    path = fresh_path(tmp_path, "cp.db")
    old, new = authority(), authority().successor()
    made = {"roots": [old.root], "security_profile": 2, "root_check": True}
    async with online(path, **made) as (central_system, _):
        assert await install(central_system, root_pem()) == "Rejected"
        assert await install(central_system, new.root) == "Accepted"
        assert len(await installed(central_system)) == 2
        path = power_cut(path)
    async with online(path, **made) as (central_system, _):  # still with the old one
        assert len(await installed(central_system)) == 2
        path = power_cut(path)
    async with online(path, **made, at_server={"listeners": listeners(new)}) as (central_system, _):
        [named] = await installed(central_system)
        [certificate] = security.read_certificates(new.root)
        [issuer] = security.read_certificates(old.root)
        assert named == security.hash_data(certificate, issuer, "SHA256")
        assert await delete(central_system, named) == "Failed"


# A certificate of our own ---------------------------------------------------------------------------------------------


async def signed(central_system: CentralSystem) -> None:
    """Trigger a request, and wait for what comes of it."""
    assert await trigger(central_system, "SignChargePointCertificate") == "Accepted"
    await asyncio.sleep(5)


@simulated
async def test_a_certificate_is_asked_for_and_comes(tmp_path: Path) -> None:
    """A02, from the trigger to the dial over profile 3; the private key stays where it was made."""
    path, ledger = fresh_path(tmp_path, "cp.db"), Ledger()
    made = {"roots": [authority().root], "at_server": {"ledger": ledger}}
    async with online(path, **made) as (central_system, point):
        assert await trigger(central_system, "SignChargePointCertificate") == "Rejected"  # CpoName is not set
        assert await change(central_system, "CpoName", OWNER) == "Accepted"
        assert await change(central_system, "SecurityProfile", "3") == "Rejected"
        await signed(central_system)
        [kept] = ledger.certificates("CP_1")
        assert kept["status"] == "Accepted" and point.guard.wallet.own()[0][1] == kept["chain"]
        assert point.guard.wallet.pending() == []
        assert "PRIVATE" not in str(list(central_system.trace))
        assert await change(central_system, "SecurityProfile", "3") == "Accepted"
        await point.wait_for("waiting")
        await point.wait_for("online")
        await asyncio.sleep(5)
        assert point.guard.profile == 3 and central_system.required.of("CP_1").taken == 3
        path = power_cut(path)
    async with online(path, **made) as (central_system, point):
        assert point.guard.profile == 3


@simulated
async def test_a_new_certificate_is_used_at_once_or_in_time() -> None:
    """A02.FR.08: as soon as its time begins; until then the old one."""
    made = {"roots": [authority().root], "own_certificate": own_certificate(days=400.0), "security_profile": 3}
    async with online(**made, at_server={"registry": {"CP_1": Registered(serial=SERIAL, owner=OWNER)}}) as (
        server,
        point,
    ):
        await change(server, "CpoName", OWNER)

        def in_use() -> bytes:
            secured = server["CP_1"].transport.pipe.websocket.transport.get_extra_info("ssl_object")  # type: ignore[attr-defined]
            return secured.getpeercert(True)  # type: ignore[no-any-return]

        first = in_use()
        await signed(server)
        await asyncio.sleep(30)
        second = in_use()
        assert second != first

        class Later:
            def sign(self, request: str) -> str:
                return authority().sign(request, begins=simulated_now() + timedelta(hours=1))

        server.signing.authority = Later()
        await signed(server)
        await asyncio.sleep(1800)
        assert in_use() == second and len(point.guard.wallet.own()) == 3
        await asyncio.sleep(3600)
        assert in_use() != second


@simulated
async def test_a_certificate_that_is_not_ours() -> None:
    """A02.FR.07: discarded, with an event that is told; the request still waits for its answer."""
    async with online(roots=[authority().root]) as (central_system, point):
        await change(central_system, "CpoName", OWNER)
        central_system.signing.authority = None
        for request in (own_certificate()[1], "nothing", "x" * 10_000):
            answer = await central_system["CP_1"].call(m.CertificateSignedRequest(certificate_chain=request))
            assert answer.status == "Rejected"
        await asyncio.sleep(5)
        assert events(central_system).count("InvalidChargePointCertificate") == 3
        assert point.guard.wallet.own() == []


@simulated
async def test_the_power_goes_between_request_and_answer(tmp_path: Path) -> None:
    """The key is on the disk before its request is sent: the answer may come to the next life."""
    path, asked = fresh_path(tmp_path, "cp.db"), list[str]()

    class Slow:
        def sign(self, request: str) -> str:
            asked.append(request)
            raise ValueError("later")

    made = {"roots": [authority().root], "at_server": {"authority": Slow()}}
    async with online(path, **made) as (central_system, point):
        await change(central_system, "CpoName", OWNER)
        await signed(central_system)
        path = power_cut(path)
    async with online(path, **made) as (central_system, point):
        request = m.CertificateSignedRequest(certificate_chain=authority().sign(asked[0]))
        assert (await central_system["CP_1"].call(request)).status == "Accepted"
        assert len(point.guard.wallet.own()) == 1 and point.guard.wallet.pending() == []


@simulated
async def test_it_asks_by_itself_a_month_before_the_end() -> None:
    """A03.FR.02; once, whatever becomes of it."""
    made = {"roots": [authority().root], "own_certificate": own_certificate(days=29.0), "security_profile": 3}
    async with online(**made, at_server={"authority": None}) as (central_system, point):
        await change(central_system, "CpoName", OWNER)
        for _ in range(3):
            await central_system["CP_1"].close(1001)
            await point.wait_for("waiting")
            await point.wait_for("online")
            await asyncio.sleep(5)
        assert actions(central_system).count("SignCertificate") == 1
        assert point.guard.wallet.pending() == []  # it was Rejected


# Whose certificate does a central system sign? ------------------------------------------------------------------------


@simulated
@pytest.mark.parametrize(
    ("registered", "has_authority", "answer"),
    [
        (Registered(serial=SERIAL, owner=OWNER), True, "Accepted"),
        (Registered(serial=SERIAL, owner=OWNER), False, "Rejected"),
        (Registered(serial="SN-0002", owner=OWNER), True, "Rejected"),
        (Registered(serial=SERIAL, owner="Another"), True, "Rejected"),
        (Registered(serial=SERIAL), True, "Rejected"),
        (Registered(), True, "Rejected"),
    ],
)
async def test_whose_request_is_signed(registered: Registered, has_authority: bool, answer: str) -> None:
    """A02.FR.11, A02.FR.12: the name in the request is that of who sends it, or anybody could be anybody."""
    options = {"registry": {"CP_1": registered}, "authority": authority() if has_authority else None}
    async with online(at_server=options) as (central_system, point):
        for text in (security.new_request(SERIAL, OWNER)[1], "nothing"):
            said = (await point.call(m.SignCertificateRequest(csr=text))).status
            assert said == (answer if text != "nothing" else "Rejected")
        await asyncio.sleep(5)
        certified = central_system.ledger.certificates("CP_1")  # type: ignore[attr-defined]
        assert len(certified) == (answer == "Accepted")


@simulated
async def test_one_certificate_at_a_time() -> None:
    """However many are asked for while the first is on its way."""
    async with online() as (_, point):
        asked = [point.call(m.SignCertificateRequest(csr=security.new_request(SERIAL, OWNER)[1])) for _ in range(5)]
        statuses = [answer.status for answer in await asyncio.gather(*asked)]
        assert set(statuses) == {"Accepted", "Rejected"}


# ExtendedTriggerMessage -----------------------------------------------------------------------------------------------


@simulated
async def test_every_trigger() -> None:
    """Whitepaper 6.14: all seven; what nobody does is Idle."""
    async with online() as (central_system, _):
        await change(central_system, "CpoName", OWNER)
        await asyncio.sleep(5)
        before = len(actions(central_system))
        said = {
            what: await trigger(central_system, what)
            for what in (
                "BootNotification",
                "LogStatusNotification",
                "FirmwareStatusNotification",
                "Heartbeat",
                "MeterValues",
                "SignChargePointCertificate",
                "StatusNotification",
            )
        }
        await asyncio.sleep(5)
        assert said["BootNotification"] == "Rejected"  # it is accepted (core errata 3.35)
        came = actions(central_system)[before:]
        for action in ("LogStatusNotification", "SignedFirmwareStatusNotification", "Heartbeat", "SignCertificate"):
            assert action in came
        assert came.count("StatusNotification") == 2
        assert payloads(central_system, "LogStatusNotification") == [{"status": "Idle"}]
        assert payloads(central_system, "SignedFirmwareStatusNotification") == [{"status": "Idle"}]
