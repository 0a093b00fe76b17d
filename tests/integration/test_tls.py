"""`wss://`: security profile 2, TLS with the central system's certificate and HTTP Basic inside (A00.FR.3xx)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import pytest
import trustme

from ocpp_lab import CentralSystem, ChargePoint
from ocpp_lab import messages as m
from tests.integration.wire import AT_ONCE, until

pytestmark = pytest.mark.sockets("TLS")

KEY = bytes.fromhex("0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF")


@cache
def authority(name: str) -> trustme.CA:
    return trustme.CA(organization_name=name)


def certified(host: str = "127.0.0.1") -> ssl.SSLContext:
    """A central system's context: a certificate of our authority for this host."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority("ours").issue_cert(host).configure_cert(context)
    return context


def trusting(name: str = "ours") -> ssl.SSLContext:
    """A charge point's context: it trusts this authority and no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority(name).configure_trust(context)
    return context


async def test_profile_2() -> None:
    """Whitepaper A00.FR.3xx: TLS at both ends, Basic inside; calls go both ways."""
    async with CentralSystem(ssl=certified(), passwords={"CP_1": KEY}) as central_system:
        assert central_system.url.startswith("wss://")
        async with ChargePoint(central_system.url, "CP_1", password=KEY, ssl=trusting()) as charge_point:
            await charge_point.wait_for("online")
            await charge_point.call(m.HeartbeatRequest())
            answer = await central_system["CP_1"].call(m.GetConfigurationRequest(key=["NumberOfConnectors"]))
            assert answer.configuration_key and answer.configuration_key[0].value == "1"


async def test_profile_2_with_the_wrong_password() -> None:
    """TLS opens no door by itself."""
    async with CentralSystem(ssl=certified(), passwords={"CP_1": KEY}) as central_system:
        async with failing(central_system.url, password=KEY[::-1], ssl=trusting()) as charge_point:
            await until(lambda: retries(charge_point) > 1)
            assert "refused with HTTP 401" in str(list(central_system.trace))


@asynccontextmanager
async def failing(url: str, **options: Any) -> AsyncIterator[ChargePoint]:
    """A charge point that must not come online, and must not give up either."""
    async with ChargePoint(url, "CP_1", delays=AT_ONCE, **options) as charge_point:
        yield charge_point
        assert "online" not in str(list(charge_point.trace))
        assert charge_point.state in ("connecting", "waiting")


def retries(charge_point: ChargePoint) -> int:
    return len([event for event in charge_point.trace if "(wait_over)" in event.text])


@pytest.mark.parametrize("trust", ["theirs", None], ids=["wrong authority", "the system's authorities"])
async def test_wrong_authority_is_retried(trust: str | None) -> None:
    """Whitepaper A00.FR.3xx: a certificate that cannot be verified is no connection; the charge point keeps trying.

    Without a context of its own it trusts what the operating system trusts, which is not us.
    """
    async with CentralSystem(ssl=certified()) as central_system:
        async with failing(central_system.url, ssl=trusting(trust) if trust else None) as charge_point:
            await until(lambda: retries(charge_point) > 1)
        assert not central_system.received


async def test_wrong_name_is_retried() -> None:
    """RFC 9110, 4.3.4: the certificate must be for the host that was dialled."""
    async with CentralSystem(ssl=certified("another.example")) as central_system:
        async with failing(central_system.url, ssl=trusting()) as charge_point:
            await until(lambda: retries(charge_point) > 1)


async def test_one_end_alone_with_tls_is_retried() -> None:
    """A plain charge point at a TLS port, and the other way round: neither crashes, both keep trying."""
    async with CentralSystem(ssl=certified()) as secure, CentralSystem() as plain:
        async with failing(secure.url.replace("wss", "ws")) as charge_point:
            await until(lambda: retries(charge_point) > 1)
        async with failing(plain.url.replace("ws", "wss"), ssl=trusting()) as charge_point:
            await until(lambda: retries(charge_point) > 1)


async def test_a_peer_that_does_not_shake_hands() -> None:
    """A TLS port where nobody speaks: stopping the charge point does not wait for it."""

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.set()
        await reader.read()
        writer.close()

    heard = asyncio.Event()
    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with ChargePoint(f"wss://127.0.0.1:{port}", "CP_1", ssl=trusting()) as charge_point:
            await heard.wait()
            assert charge_point.state == "connecting"
        assert charge_point.state == "stopped"
