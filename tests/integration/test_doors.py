"""Who knocked and did not get in: one line each, with the address; counted; and no scanner fills the screen."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from ocpp_lab import CentralSystem, ChargePoint, watch_central_system
from tests.certificates import authority, certify, serving, trusting
from tests.integration.wire import facing, plain_client, until
from tests.program import listening, running

CLIENT_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500)
GET = b"GET /CP_1 HTTP/1.1\r\nHost: x\r\n\r\n"

type Row = tuple[bytes, str, str]
WS: list[Row] = [
    # what the guest says, the kind that is counted, what is told after its address
    (CLIENT_HELLO, "TLS on ws", r"speaks TLS \(wss://\), and this port does not: it is ws://"),
    (b"SSH-2.0-OpenSSH_9.9\r\n", "no HTTP", r"sent no WebSocket handshake, but b'SSH-2\.0-OpenSSH_9\.9\\r\\n'"),
    (b"\x00\xff\x1b[2J" * 100, "no HTTP", r"sent no WebSocket handshake, but b'\\x00\\xff\\x1b\[2J"),
    (b"G" * 9000, "no HTTP", r"sent no WebSocket handshake: read 9000 bytes, expected no more than 8192"),
    (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 300, "no HTTP", r"sent no WebSocket handshake: .* 128 headers"),
    (b"", "silent", r"said nothing, and was gone after \d+\.\d s"),
]
WSS: list[Row] = [
    (GET, "no TLS", r"speaks HTTP without TLS \(ws://\), and this port does not: it is wss://"),
    (b"\x00\xff" * 100, "no TLS", "failed at the TLS handshake: wrong version number"),
    (b"", "no TLS", "left in the TLS handshake; does it trust this certificate?"),
]
HTTP = [
    (GET, 426, "CP_1", "no WebSocket handshake: missing Connection header"),
    (GET.replace(b"GET", b"POST"), 405, "CP_1", "no WebSocket handshake: unsupported HTTP method: POST"),
    (GET.replace(b"GET", b"X" * 5_000), 405, "CP_1", "no WebSocket handshake: unsupported HTTP method: " + "X" * 75),
    (GET.replace(b"CP_1", b"CP_9"), 404, "CP_9", "no such charge point"),
]


async def say(port: int, data: bytes, tls: ssl.SSLContext | None = None) -> str:
    """Connect, say that, wait for the end (or leave, with nothing to say); the address that this was said from."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
    host, own_port = writer.get_extra_info("sockname")
    writer.write(data)
    with suppress(ConnectionError):
        if data:
            await reader.read()
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return f"{host}:{own_port}"


def trouble(central_system: CentralSystem) -> list[str]:
    return [f"{event.identity} {event.text}" for event in central_system.trace if event.mark == "!"]


async def told(central_system: CentralSystem) -> str:
    """The one line of trouble, once it is there."""
    await until(lambda: trouble(central_system))
    [line] = trouble(central_system)
    return line


@pytest.mark.parametrize(("data", "kind", "text"), WS, ids=[row[1] + row[0][:6].hex() for row in WS])
async def test_at_a_ws_port(data: bytes, kind: str, text: str) -> None:
    """Seen: not one line at the central system."""
    async with CentralSystem() as central_system, facing(central_system, "good") as good:
        address = await say(central_system.port, data)
        assert re.match(rf"\? {re.escape(address)} {text}", await told(central_system))
        assert central_system.doorbell.kinds == {kind: 1}
        await good.is_served()


@asynccontextmanager
async def secured(tmp_path: Path) -> AsyncIterator[CentralSystem]:
    context = serving(certify("server", authority()), tmp_path)
    async with CentralSystem(ssl=context) as central_system:
        yield central_system


@pytest.mark.sockets("TLS")
@pytest.mark.parametrize(("data", "kind", "text"), WSS, ids=["http", "garbage", "silent"])
async def test_at_a_wss_port(data: bytes, kind: str, text: str, tmp_path: Path) -> None:
    async with secured(tmp_path) as central_system:
        address = await say(central_system.port, data)
        assert re.match(rf"\? {re.escape(address)} {text}", await told(central_system))
        assert central_system.doorbell.kinds == {kind: 1}


@pytest.mark.sockets("TLS")
async def test_under_tls(tmp_path: Path) -> None:
    """After the TLS handshake it is told what came, as it is without."""
    async with secured(tmp_path) as central_system:
        address = await say(central_system.port, b"\x00garbage", trusting(authority()))
        assert (await told(central_system)) == f"? {address} sent no WebSocket handshake, but b'\\x00garbage'"


@pytest.mark.sockets("TLS")
async def test_a_guest_that_refuses_our_certificate(tmp_path: Path) -> None:
    """It says why, in a TLS alert, if its library lets it (asyncio's does not)."""

    def dial(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as line, pytest.raises(ssl.SSLCertVerificationError):
            trusting(certify("another authority", authority=True)).wrap_socket(line, server_hostname="127.0.0.1")

    async with secured(tmp_path) as central_system:
        await asyncio.to_thread(dial, central_system.port)
        assert "broke off the TLS handshake, saying: tlsv1 alert unknown ca" in await told(central_system)


@pytest.mark.parametrize(("data", "status", "identity", "why"), HTTP, ids=["GET", "POST", "long", "unknown"])
async def test_http_that_is_refused(data: bytes, status: int, identity: str, why: str) -> None:
    """By `websockets`, in silence, or by us: told alike."""
    async with CentralSystem(identities={"CP_1"}) as central_system:
        metrics = watch_central_system(central_system)
        address = await say(central_system.port, data)
        assert await told(central_system) == f"{identity} refused with HTTP {status}: {why}, from {address}"
        assert central_system.refused == {status: 1}
        assert central_system.doorbell.kinds == {f"HTTP {status}": 1}
        assert metrics.value("ocpp_turned_away_total", reason=f"HTTP {status}") == 1


async def test_a_page_is_no_trouble() -> None:
    """Prometheus comes every 15 s."""
    async with CentralSystem() as central_system:
        watch_central_system(central_system)
        await say(central_system.port, GET.replace(b"CP_1", b"metrics"))
        assert not trouble(central_system) and not central_system.refused


async def test_no_common_subprotocol() -> None:
    async with CentralSystem() as central_system:
        url = f"{central_system.url}/CP_1"
        async with connect(url, subprotocols=[Subprotocol("ocpp2.0.1")], proxy=None) as websocket:
            host, port, *_ = websocket.local_address
            await websocket.wait_closed()
        assert await told(central_system) == f"CP_1 no common subprotocol, closed, from {host}:{port}"


@pytest.mark.sockets("TLS")
async def test_who_gets_in_is_told_with_its_address_too(tmp_path: Path) -> None:
    async with secured(tmp_path) as secure, CentralSystem() as plain:
        for central_system in (secure, plain):
            tls = trusting(authority()) if central_system is secure else None
            async with plain_client(central_system.url, "CP_1", ssl=tls) as websocket:
                host, port, *_ = websocket.local_address
                await central_system.connected("CP_1")
                assert f"CP_1 connected from {host}:{port}" in [
                    f"{event.identity} {event.text}" for event in central_system.trace
                ]


# Many of them ---------------------------------------------------------------------------------------------------------


async def test_a_port_scanner_fills_neither_the_screen_nor_the_memory() -> None:
    """All are counted, few are told of, and who means well is told of beside them."""
    async with CentralSystem() as central_system, facing(central_system, "good") as good:
        for _ in range(300):
            await say(central_system.port, b"\x00")
        await until(lambda: central_system.doorbell.kinds["no HTTP"] == 300)
        assert 20 <= len(trouble(central_system)) < 40
        await say(central_system.port, GET)
        assert "refused with HTTP 426" in trouble(central_system)[-1]
        await good.is_served()
    assert "more were turned away: no HTTP" in trouble(central_system)[-1]


async def test_silent_guests_hold_up_nobody(tmp_path: Path) -> None:
    """They would have ten seconds for their handshakes; the central system stops at once, and leaves nothing behind."""
    async with secured(tmp_path) as secure, CentralSystem() as plain:
        lines = [await asyncio.open_connection("127.0.0.1", each.port) for each in (secure, plain) for _ in range(20)]
        for central_system in (secure, plain):
            began = asyncio.get_running_loop().time()
            await central_system.stop()
            assert asyncio.get_running_loop().time() - began < 2
        for reader, writer in lines:
            with suppress(ConnectionError):
                assert await reader.read() == b""
            writer.close()
        assert not trouble(secure) and not trouble(plain)


@pytest.mark.sockets("TLS")
async def test_a_request_that_comes_in_the_same_breath_as_the_end_of_tls(tmp_path: Path) -> None:
    """TLS 1.3: a client need not wait after its last handshake message, and none of its words is lost."""
    async with secured(tmp_path) as central_system:
        for _ in range(20):
            async with ChargePoint(central_system.url, "CP_1", ssl=trusting(authority())) as charge_point:
                await charge_point.wait_for("online")


@pytest.mark.sockets("another process")
async def test_the_operator_sees_it() -> None:
    async with running("central-system", "--port", "0", "--identity", "CP_1") as central_system:
        port = int((await listening(central_system)).rpartition(":")[2])
        for data, seen in [
            (CLIENT_HELLO, r"! \? +{} speaks TLS"),
            (GET, r"! CP_1 +refused with HTTP 426: .* from {}"),
            (GET.replace(b"CP_1", b"CP_9"), r"! CP_9 +refused with HTTP 404: no such charge point, from {}"),
        ]:
            address = await say(port, data)
            await central_system.until(seen.format(re.escape(address)))
        assert await central_system.stop() == 0
    assert "Traceback" not in central_system.said
