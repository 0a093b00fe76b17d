"""Security profiles 0 to 3 between both ends, in simulated time, with real TLS: upgrades, ways back, power cuts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

from ocpp_lab import CentralSystem, ChargePoint, Ledger, Store, security
from ocpp_lab import messages as m
from ocpp_lab.central_system.ports import Listener
from ocpp_lab.central_system.registry import Registered
from ocpp_lab.charge_point.upgrading import Upgrading
from ocpp_lab.security import Upgrade, settled
from ocpp_lab.security.authority import Authority
from tests.fakes import NOON, power_cut
from tests.pair import actions, central_system_alone, charge_point_alone, on, payloads, simulated, simulated_now
from tests.simulated import clock, fresh_path

pytestmark = pytest.mark.sockets("TLS")

OWNER, SERIAL = "Lab CPO", "SN-0001"
KEY = "0f" * 16
ENDPOINTS = {1: "ws://cs:9000", 2: "wss://cs:9002", 3: "wss://cs:9003"}
PORTS = {2: 9002, 3: 9003}
TEN: dict[str, Any] = {"delays": lambda: repeat(10.0), "password": KEY, "endpoints": ENDPOINTS}


@cache
def authority(number: int = 0) -> Authority:
    return Authority.create(OWNER, now=lambda: NOON, name=f"Root {number}")


def listeners(signer: Authority | None = None, *, days: float = 30.0) -> list[Listener]:
    """Ports for profiles 2 and 3. Charge points are verified with our root, whoever has signed the server's."""
    signer = signer or authority()
    pair = signer.certify(OWNER, "cs", days=days)
    roots = {2: [], 3: [authority().root]}
    return [Listener(PORTS[profile], security.server_context([pair], roots[profile])) for profile in (2, 3)]


def own_certificate(serial: str = SERIAL, signer: Authority | None = None, **options: Any) -> security.KeyAndChain:
    key, asked = security.new_request(serial, OWNER)
    return key, (signer or authority()).sign(asked, **options)


def boot(serial: str = SERIAL) -> m.BootNotificationRequest:
    return m.BootNotificationRequest(
        charge_point_vendor="Lab", charge_point_model="One", charge_point_serial_number=serial
    )


def server(**options: Any) -> dict[str, Any]:
    return {
        "listeners": listeners(),
        "registry": {"CP_1": Registered(serial=SERIAL, owner=OWNER)},
        "passwords": {"CP_1": KEY},
        **options,
    }


def station(**options: Any) -> dict[str, Any]:
    return {
        **TEN,
        "roots": [authority().root],
        "own_certificate": own_certificate(),
        "boot": boot(),
        **options,
    }


async def upgrade(central_system: CentralSystem, profile: int) -> str:
    request = m.ChangeConfigurationRequest(key="SecurityProfile", value=str(profile))
    return (await central_system["CP_1"].call(request)).status


async def told(central_system: CentralSystem) -> str | None:
    request = m.GetConfigurationRequest(key=["SecurityProfile"])
    [entry] = (await central_system["CP_1"].call(request)).configuration_key or []
    return entry.value


async def online(point: ChargePoint, profile: int) -> None:
    """Until it is, with this profile, and the upgrade is over."""
    for _ in range(600):
        if (point.guard.profile, point.state, point.guard.upgrading.state.wanted) == (profile, "online", None):
            return
        await asyncio.sleep(1)
    raise AssertionError(f"{point.state} with {point.guard.profile}: {list(point.trace)[-5:]}")


def events(central_system: CentralSystem) -> list[str]:
    return [payload["type"] for payload in payloads(central_system, "SecurityEventNotification")]


# The way up -----------------------------------------------------------------------------------------------------------


@simulated
async def test_from_1_to_2_to_3(tmp_path: Path) -> None:
    """A05: each step is proved, told, and survives a power cut; then plain ws is refused (A05.FR.09)."""
    path = fresh_path(tmp_path, "cp.db")
    ledger = Ledger()
    async with central_system_alone(**server(ledger=ledger)) as central_system:
        async with charge_point_alone(path=path, **station()) as point:
            await point.wait_for("online")
            assert await told(central_system) == "1"
            for profile in (2, 3):
                assert await upgrade(central_system, profile) == "Accepted"
                await online(point, profile)
                assert await told(central_system) == str(profile)
                assert central_system.required.of("CP_1").taken == profile
                assert await upgrade(central_system, profile) == "Rejected"
            assert await upgrade(central_system, 1) == "Rejected"
            path = power_cut(path)
        with closing(Store(path)) as store:
            assert Upgrading(store, lambda: 1).state == settled(3)
        async with charge_point_alone(path=path, **station()) as point:
            await online(point, 3)
        for profile in (1, 2):
            only = {each: url for each, url in ENDPOINTS.items() if each == profile}
            lower = {**station(), "endpoints": only, "security_profile": profile}
            async with charge_point_alone(path=":memory:", **lower) as thief:
                await asyncio.sleep(100)
                assert thief.uptime.dials["connected"] == 0
        assert central_system.refused.keys() == {403}
    async with central_system_alone(**server(ledger=ledger)) as central_system:
        assert central_system.required.of("CP_1").taken == 3


@simulated
async def test_prerequisites() -> None:
    """A05.FR.02 to A05.FR.04: key, root, certificate; and somebody has to have said where to dial."""
    bare = {**TEN, "password": None, "boot": boot()}
    cases: list[tuple[dict[str, Any], int, str]] = [
        (bare, 1, "Rejected"),
        ({**bare, "password": "secret"}, 2, "Rejected"),
        ({**bare, "password": KEY}, 2, "Rejected"),
        ({**bare, "roots": [authority().root]}, 3, "Rejected"),
        ({**bare, "own_certificate": own_certificate()}, 3, "Rejected"),
        ({**station(), "endpoints": None}, 2, "Rejected"),
        (
            {
                **station(),
                "own_certificate": own_certificate(days=1.0, begins=NOON - 9 * (NOON - NOON.replace(day=30, month=5))),
            },
            3,
            "Rejected",
        ),
        (station(), 3, "Accepted"),
    ]
    for options, profile, answer in cases:
        async with central_system_alone(**server(passwords={})) as central_system:
            async with charge_point_alone(**options) as point:
                await point.wait_for("online")
                assert await upgrade(central_system, profile) == answer, (options.keys(), profile)
                offered = central_system.required.of("CP_1").offered
                assert offered == ({profile} if answer == "Accepted" else set())


# The way back ---------------------------------------------------------------------------------------------------------


@simulated
async def test_a_wrong_authority_leaves_nobody_dark(tmp_path: Path) -> None:
    """A05.FR.08: the first dial with the new profile fails, so the old one is used, and the upgrade is over; also when
    the power goes in between."""
    path = fresh_path(tmp_path, "cp.db")
    wrong = listeners(authority(1))
    async with central_system_alone(**server(listeners=wrong)) as central_system:
        async with charge_point_alone(path=path, **station()) as point:
            await point.wait_for("online")
            assert await upgrade(central_system, 2) == "Accepted"
            await point.wait_for("waiting")
            copies = [power_cut(path)]
            await online(point, 1)
            copies.append(power_cut(path))
            assert await told(central_system) == "1"
            assert events(central_system).count("InvalidCentralSystemCertificate") == 1
        for copy in copies:
            async with charge_point_alone(path=copy, **station()) as point:
                await online(point, 1)


@simulated
async def test_a_lost_first_answer_locks_nobody_out(tmp_path: Path) -> None:
    """The central system has seen the new profile work, and takes no less; the charge point has not. It tries both."""
    async with central_system_alone(**server()) as central_system:
        async with charge_point_alone(timeout=5.0, **station()) as point:
            await point.wait_for("online")
            assert await upgrade(central_system, 2) == "Accepted"
            central_system.faults.ignore()
            await point.wait_for("waiting")
            await point.wait_for("online")
            await point.wait_for("waiting")
            assert point.guard.upgrading.state == Upgrade(1, 2, 1)
            central_system.faults.clear()
            await online(point, 2)
            assert central_system.required.of("CP_1").taken == 2 and central_system.refused[403] >= 1
            assert await told(central_system) == "2"


@simulated
async def test_a_line_that_is_cut_is_no_way_down() -> None:
    """Once it is proved, whatever fails later: no dial with less (A00.FR.005)."""
    async with charge_point_alone(**station()) as point:
        async with central_system_alone(**server()) as central_system:
            await point.wait_for("online")
            assert await upgrade(central_system, 2) == "Accepted"
            await online(point, 2)
        await asyncio.sleep(1000)
        async with central_system_alone(**server(passwords={}, registry={})) as central_system:
            await online(point, 2)
            assert await told(central_system) == "2"


# Whom does the certificate name? --------------------------------------------------------------------------------------


@dataclass
class Case:
    certificate: security.KeyAndChain
    identity: str = "CP_1"
    lets_in: bool = False


@asynccontextmanager
async def dialling(case: Case, **options: Any) -> AsyncIterator[tuple[CentralSystem, ChargePoint]]:
    registry = {
        identity: Registered(serial=serial, owner=OWNER, profile=3)
        for identity, serial in (("CP_1", SERIAL), ("CP_2", "SN-0002"))
    }
    async with central_system_alone(**server(registry=registry, passwords={})) as central_system:
        made = {**station(own_certificate=case.certificate), "security_profile": 3, "endpoints": {3: ENDPOINTS[3]}}
        async with dialled(case.identity, **{**made, **options}) as point:
            yield central_system, point


@asynccontextmanager
async def dialled(identity: str, **options: Any) -> AsyncIterator[ChargePoint]:
    async def make() -> ChargePoint:
        options.setdefault("now", simulated_now)
        return await ChargePoint(ENDPOINTS[3], identity, **options).__aenter__()

    point = await on("cp", make())
    try:
        yield point
    finally:
        await on("cp", point.stop())


CASES = {
    "own": lambda: Case(own_certificate(), lets_in=True),
    "neighbour's": lambda: Case(own_certificate(), "CP_2"),
    "of a longer number": lambda: Case(own_certificate("SN-00010")),
    "forged": lambda: Case(own_certificate(signer=Authority.create(OWNER, now=lambda: NOON, name="Root 0"))),
    "expired": lambda: Case(own_certificate(days=1.0, begins=datetime.fromisoformat("2030-01-01T00:00:00+00:00"))),
    "nobody's": lambda: Case(own_certificate("SN-0003"), "CP_3"),
}


@simulated
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_whom_the_certificate_names(case: Any) -> None:
    """A00.FR.404, A00.FR.405: CP_1's certificate opens for CP_1 alone, and one of another authority for nobody."""
    wanted = case()
    async with dialling(wanted) as (central_system, point):
        await asyncio.sleep(60)
        assert (point.state == "online") == wanted.lets_in
        assert (wanted.identity in central_system) == wanted.lets_in


@simulated
async def test_without_a_certificate() -> None:
    """A00.FR.407. A TLS 1.3 client has connected before the server has judged: an open connection is no proof."""
    nothing = Case(own_certificate())
    async with dialling(nothing, own_certificate=None) as (central_system, point):
        await asyncio.sleep(100)
        assert point.uptime.dials["connected"] == 0 and not central_system.sessions


# What time is it? -----------------------------------------------------------------------------------------------------


@simulated
async def test_a_certificate_that_is_not_of_this_time_gets_no_password(caplog: pytest.LogCaptureFixture) -> None:
    """Judged between TLS and HTTP: the key is not sent. One event for all the dials (A00.FR.309)."""
    short = [Listener(9002, security.server_context([authority().certify(OWNER, "cs", days=1.0)]))]

    def later() -> datetime:
        return simulated_now().replace(day=9)

    async with central_system_alone(**server(listeners=short)) as central_system:
        made = {**station(), "security_profile": 2, "endpoints": {2: ENDPOINTS[2]}, "now": later}
        async with charge_point_alone(**made) as point:
            await asyncio.sleep(100)
            assert point.uptime.dials["connected"] == 0 and not central_system.refused
            assert "its certificate has expired at 2030-06-02" in str(list(point.trace))
            noted = [event.type for event in point.guard.events.log()]
            assert noted == ["StartupOfTheDevice", "InvalidCentralSystemCertificate"]


@simulated
async def test_the_trusted_time_is_a_floor(tmp_path: Path) -> None:
    """A clock that wakes up in 1970: what an authenticated central system told is on the disk, and no certificate that
    had expired by then comes back to life."""
    path = fresh_path(tmp_path, "cp.db")
    made = {**station(), "security_profile": 2, "endpoints": {2: ENDPOINTS[2]}}
    async with central_system_alone(**server()):
        async with charge_point_alone(path=path, **made) as point:
            await point.wait_for("online")
            path = power_cut(path)

    def woken() -> datetime:
        return datetime.fromisoformat("1970-01-01T00:00:00+00:00")

    expired = authority().certify(OWNER, "cs", days=1.0, begins=NOON.replace(month=5))
    old = [Listener(9002, security.server_context([expired]))]
    for listening, connects in ((listeners(), True), (old, False)):
        async with central_system_alone(**server(listeners=listening)):
            async with charge_point_alone(path=power_cut(path), **{**made, "now": woken}) as point:
                await asyncio.sleep(100)
                assert (point.uptime.dials["connected"] > 0) == connects
    async with charge_point_alone(**{**made, "now": woken}) as point:  # one that has never been told
        assert point.guard.trusted_time.now() == woken()


@simulated
async def test_an_open_line_moves_no_floor() -> None:
    """Profile 1: whoever is in the line tells any time; it sets the clock of the meters, and not this one."""
    async with central_system_alone(**server()):
        async with charge_point_alone(**{**station(), "now": lambda: simulated_now().replace(year=2029)}) as point:
            await point.wait_for("online")
            await asyncio.sleep(400)
            assert point.clock.now().year == 2030 and point.guard.trusted_time.now().year == 2029


# Keys -----------------------------------------------------------------------------------------------------------------


@simulated
async def test_a_new_key_survives_and_is_logged(tmp_path: Path) -> None:
    """A01: AuthorizationKey is changed, noted without its value (A01.FR.11, A01.FR.12), and there after a power cut."""
    path, new = fresh_path(tmp_path, "cp.db"), "1e" * 20
    async with central_system_alone(**server()) as central_system:
        async with charge_point_alone(path=path, **station()) as point:
            await point.wait_for("online")
            request = m.ChangeConfigurationRequest(key="AuthorizationKey", value=new)
            assert (await central_system["CP_1"].call(request)).status == "Accepted"
            path = power_cut(path)
            log = [(event.type, event.info) for event in point.guard.events.log()]
            assert log[-1] == ("ReconfigurationOfSecurityParameters", "AuthorizationKey was changed")
            assert new not in str(log)
        async with charge_point_alone(path=path, **station()) as point:
            await point.wait_for("online")
            assert point.dialler.password == new and not central_system.refused


# Events ---------------------------------------------------------------------------------------------------------------


@simulated
async def test_critical_events_are_told_in_the_end(tmp_path: Path) -> None:
    """A04: the start, the reset; refused, then over a power cut, then told, with the time at which they happened."""
    path = fresh_path(tmp_path, "cp.db")
    async with central_system_alone(**server()) as central_system:
        central_system.faults.call_error("SecurityEventNotification", code="NotImplemented")
        async with charge_point_alone(path=path, **station()) as point:
            await point.wait_for("online")
            await central_system["CP_1"].call(m.ResetRequest(type="Soft"))
            await point.wait_for("waiting")
            await point.wait_for("online")
            await asyncio.sleep(5)
            assert point.guard.events.waiting() == 2
            path = power_cut(path)
        central_system.faults.clear()
        began = clock()
        async with charge_point_alone(path=path, **station()) as point:
            await point.wait_for("online")
            await asyncio.sleep(5)
            assert point.guard.events.waiting() == 0
        newest = payloads(central_system, "SecurityEventNotification")[-3:]
        assert [each["type"] for each in newest] == ["StartupOfTheDevice", "ResetOrReboot", "StartupOfTheDevice"]
        assert datetime.fromisoformat(newest[0]["timestamp"]) < simulated_now()
        assert (datetime.fromisoformat(newest[0]["timestamp"]) - NOON).total_seconds() < began


@simulated
async def test_a_charge_point_without_security_tells_nobody() -> None:
    """Profile 0: it is in the log, and a central system that knows nothing of the whitepaper is not asked."""
    async with central_system_alone() as central_system, charge_point_alone() as point:
        await point.wait_for("online")
        await asyncio.sleep(400)
        assert "SecurityEventNotification" not in actions(central_system)
        assert [event.type for event in point.guard.events.log()] == ["StartupOfTheDevice"]
    async with central_system_alone() as central_system, charge_point_alone(security_events=True) as point:
        await point.wait_for("online")
        await asyncio.sleep(5)
        assert events(central_system) == ["StartupOfTheDevice"]


# What a dial carries --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("profile", "carries"), [(0, False), (1, True), (2, True), (3, False)])
async def test_a_password_goes_where_it_belongs(profile: int, carries: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Profile 3 authenticates by certificate: the key need not be shown, so it is not (A00.FR.401)."""
    sent: list[Any] = []

    async def fake(url: str, *, authorization: str | None, **options: Any) -> Any:
        sent.append((url, authorization is not None, options["ssl"]))
        raise OSError("nobody there")

    monkeypatch.setattr("ocpp_lab.charge_point.dial.dial", fake)
    point = ChargePoint("wss://cs:9003" if profile > 1 else "ws://cs:9000", "CP_1", **station(security_profile=profile))
    with pytest.raises(OSError, match="nobody there"):
        await point.dialler.dial()
    [(url, shown, context)] = sent
    assert url.startswith("wss:" if profile > 1 else "ws:") and shown == carries
    assert (context is not None) == (profile > 1)
    await point.stop()


@simulated
async def test_one_port_for_profiles_2_and_3() -> None:
    """Who has a certificate shows it with profile 3 only: with 2 it would be another profile than the one in use."""
    context = security.server_context([authority().certify(OWNER, "cs")], [authority().root], wanted=False)
    shared = {2: "wss://cs:9002"}
    async with central_system_alone(**server(listeners=[Listener(9002, context)])) as central_system:
        made = {**station(), "endpoints": shared, "security_profile": 2}
        async with charge_point_alone(**made) as point:
            await point.wait_for("online")
            assert central_system.required.of("CP_1").taken is None
            assert await upgrade(central_system, 3) == "Accepted"
            await online(point, 3)
            assert central_system.required.of("CP_1").taken == 3
