"""Security profiles on a real loopback, with OpenSSL at both ends: cipher suites, who hears what, who is let in."""

from __future__ import annotations

import asyncio
import base64
import ssl
from contextlib import suppress
from functools import cache
from typing import Any

import pytest

from ocpp_lab import CentralSystem, ChaosProxy, ChargePoint, security
from ocpp_lab import messages as m
from ocpp_lab.central_system.ports import Listener
from ocpp_lab.central_system.registry import Registered
from ocpp_lab.clock import utc_now
from ocpp_lab.security.authority import Authority
from ocpp_lab.security.contexts import MANDATORY
from tests.chains import DAY, Holder, holder, name, rsa_key
from tests.integration.wire import AT_ONCE, until

pytestmark = pytest.mark.sockets("TLS")

OWNER, SERIAL, KEY = "Lab CPO", "SN-0001", "0f" * 16


@cache
def authority() -> Authority:
    return Authority.create(OWNER, now=utc_now)


def serving(*, mutual: bool = False) -> Listener:
    pair = authority().certify(OWNER, "127.0.0.1")
    return Listener(0, security.server_context([pair], [authority().root] if mutual else []))


@cache
def own_certificate(serial: str = SERIAL) -> security.KeyAndChain:
    key, asked = security.new_request(serial, OWNER)
    return key, authority().sign(asked)


def boot() -> m.BootNotificationRequest:
    return m.BootNotificationRequest(
        charge_point_vendor="Lab", charge_point_model="One", charge_point_serial_number=SERIAL
    )


def system(**options: Any) -> CentralSystem:
    registry = {"CP_1": Registered(serial=SERIAL, owner=OWNER), "CP_2": Registered(serial="SN-0002", owner=OWNER)}
    listeners = [serving(), serving(mutual=True)]
    return CentralSystem(
        passwords={"CP_1": KEY}, identities=registry, registry=registry, listeners=listeners, **options
    )


def station(central_system: CentralSystem, profile: int, identity: str = "CP_1", **options: Any) -> ChargePoint:
    endpoints = central_system.ports.endpoints
    made: dict[str, Any] = {
        "password": KEY,
        "endpoints": endpoints,
        "security_profile": profile,
        "roots": [authority().root],
        "own_certificate": own_certificate(),
        "boot": boot(),
        "delays": AT_ONCE,
        **options,
    }
    return ChargePoint(endpoints[profile], identity, **made)


@pytest.mark.parametrize("profile", [1, 2, 3])
async def test_every_profile(profile: int) -> None:
    async with system() as central_system, station(central_system, profile) as point:
        await point.wait_for("online")
        answer = await central_system["CP_1"].call(m.GetConfigurationRequest(key=["SecurityProfile"]))
        assert answer.configuration_key and answer.configuration_key[0].value == str(profile)


async def test_the_way_up() -> None:
    """A05, with real sockets; in the end the plain port is shut for it."""
    async with system() as central_system, station(central_system, 1) as point:
        await point.wait_for("online")
        for profile in (2, 3):
            request = m.ChangeConfigurationRequest(key="SecurityProfile", value=str(profile))
            assert (await central_system["CP_1"].call(request)).status == "Accepted"
            await until(lambda wanted=profile: central_system.required.of("CP_1").taken == wanted)
            await until(lambda: point.state == "online" and point.guard.upgrading.state.wanted is None)
        async with station(central_system, 1) as lower:
            await until(lambda: central_system.refused[403] > 0)
            assert lower.uptime.dials["connected"] == 0


async def test_the_neighbours_certificate() -> None:
    """A00.FR.405: any certificate of the authority opened every identity once."""
    async with system() as central_system, station(central_system, 3, "CP_2") as neighbour:
        await until(lambda: central_system.refused[403] > 0)
        assert neighbour.uptime.dials["connected"] == 0
        assert "wrong-charge-point" in str(list(central_system.trace))


async def test_who_listens_hears() -> None:
    """A00.FR.206: on profile 1 the key goes over the line in base64, on profile 2 nothing of it can be read."""
    for profile, readable in ((1, True), (2, False)):
        heard: list[bytes] = []
        async with system() as central_system:
            listener = central_system.ports.listeners[profile - 1]
            tap = ChaosProxy(
                "127.0.0.1",
                listener.port,
                scheme="wss" if profile == 2 else "ws",
                heard=lambda direction, data: heard.append(data),  # noqa: B023
            )
            async with tap, station(central_system, profile, endpoints={profile: tap.url}) as point:
                await point.wait_for("online")
            secret = base64.b64encode(b"CP_1:" + bytes.fromhex(KEY))
            assert (secret in b"".join(heard)) == readable and heard


def rsa_and_curve() -> list[Holder]:
    """A00.FR.317: both kinds of keys, for all four suites."""
    now = utc_now()
    times: dict[str, Any] = {"begins": now - DAY, "ends": now + DAY}
    top = holder(name("Root"), authority=True, **times)
    return [top, holder(name("localhost"), top, **times), holder(name("localhost"), top, key=rsa_key(), **times)]


@pytest.mark.parametrize("suite", MANDATORY)
async def test_the_mandatory_cipher_suites(suite: str) -> None:
    """A00.FR.317. Python's default server has two of them."""
    top, *servers = rsa_and_curve()
    context = security.server_context([(each.key_pem, each.pem) for each in servers])
    client = security.client_context([top.pem])
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    client.set_ciphers(suite)

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client, server_hostname="localhost")
        assert writer.get_extra_info("cipher")[0] == suite
        writer.close()


async def test_open_is_no_proof() -> None:
    """A TLS 1.3 client without a certificate is done before the server has judged; the first read tells."""
    server_side, client = serving(mutual=True).ssl, security.client_context([authority().root])

    let_in: list[asyncio.StreamWriter] = []

    def arrive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        let_in.append(writer)

    async with await asyncio.start_server(arrive, "127.0.0.1", 0, ssl=server_side) as server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client)
        assert writer.get_extra_info("ssl_object").version() == "TLSv1.3"
        with suppress(OSError):  # an alert, or no more than the end
            assert await reader.read() == b""
        assert not let_in
        writer.close()
