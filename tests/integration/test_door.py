"""The central system's door: who knocks, with which key, in which protocol (J-spec 3, 6.2.2; J-errata 3.3)."""

from __future__ import annotations

import base64
import logging
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, InvalidStatus

from ocpp_lab import CentralSystem, ChargePoint
from tests.integration.wire import AT_ONCE, PlainServer, accept, facing, until

KEY = bytes.fromhex("0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF")
"""The key of the example in J-spec 6.2.2; no text in any encoding."""


def basic(user: str, password: str | bytes) -> str:
    raw = password if isinstance(password, bytes) else password.encode()
    return "Basic " + base64.b64encode(user.encode() + b":" + raw).decode()


def opened(central_system: CentralSystem, path: str, **options: Any) -> connect:
    """A plain connection to that very path."""
    options = {"subprotocols": ["ocpp1.6"], "compression": None, "proxy": None, "close_timeout": 1} | options
    return connect(f"{central_system.url}{path}", **options)


async def knock(central_system: CentralSystem, path: str, authorization: str | None = None, **options: Any) -> Any:
    """The HTTP status and headers of a handshake; after 101 the connection is closed again."""
    headers = {"Authorization": authorization} if authorization is not None else None
    try:
        async with opened(central_system, path, additional_headers=headers, **options) as websocket:
            assert websocket.response is not None
            return websocket.response.status_code, websocket.response.headers
    except InvalidStatus as refused:
        return refused.response.status_code, refused.response.headers


async def status(central_system: CentralSystem, path: str, authorization: str | None = None, **options: Any) -> int:
    code, _ = await knock(central_system, path, authorization, **options)
    return int(code)


# Who knocks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "identity"),
    [
        ("/CP_1", "CP_1"),
        ("/RDAM%20123", "RDAM 123"),
        ("/Halle%2FS%C3%A4ule%20%C3%9F", "Halle/Säule ß"),
        ("/100%25", "100%"),
        ("/ocpp/16/CP_1", "CP_1"),
        ("//CP_1", "CP_1"),
        ("/ocpp//CP_1", "CP_1"),
        ("/CP_1?token=a/b", "CP_1"),
    ],
)
async def test_identity_is_the_last_segment(path: str, identity: str) -> None:
    """J-spec 3.1.1: the identity is the last segment of the path, percent-encoded; before it is the endpoint."""
    async with CentralSystem(identities={identity}) as central_system:
        async with opened(central_system, path):
            await central_system.connected(identity)
            assert list(central_system.sessions) == [identity]


@pytest.mark.parametrize("identity", ["CP_1", "RDAM 123", "Halle/Säule ß", "100%", "a?b#c", "über=all&so", "漢"])
async def test_our_charge_point_is_known_by_its_identity(identity: str) -> None:
    """J-spec 3.1.1, both ends: whatever the identity, it arrives; with a password it is also the user."""
    async with CentralSystem(passwords={identity: KEY}) as central_system:
        async with ChargePoint(f"{central_system.url}/ocpp/16/", identity, password=KEY) as charge_point:
            await charge_point.wait_for("online")
            assert list(central_system.sessions) == [identity]


@pytest.mark.parametrize("path", ["/", "/CP_1/", "/%FF", "/a%3Ab", "/%0A", "/?CP_1"])
async def test_no_identity_is_nobody(path: str) -> None:
    """J-spec 3.1.1, 6.2.2: none, one that is not UTF-8, and one with a colon (the end of a user) get 404."""
    async with CentralSystem() as central_system:
        assert await status(central_system, path) == 404


async def test_unknown_identity_gets_404() -> None:
    """J-spec 3.2: the handshake of an unknown charge point is refused with 404."""
    async with CentralSystem(identities={"CP_1"}) as central_system:
        assert await status(central_system, "/CP_1") == 101
        assert await status(central_system, "/CP_2") == 404
        assert await status(central_system, "/cp_1") == 404
    async with CentralSystem(passwords={"CP_1": KEY}) as central_system:  # who has a key is known, and nobody else
        assert await status(central_system, "/CP_2", basic("CP_2", KEY)) == 404


async def test_an_identity_that_is_too_long_gets_414(caplog: pytest.LogCaptureFixture) -> None:
    """Ours: 255 characters, however many bytes they are. One line, that shows as much of it as is good for a line."""
    async with CentralSystem() as central_system:
        assert await status(central_system, "/" + "%C3%A4" * 255) == 101
        assert await status(central_system, "/" + "%C3%A4" * 256) == 414
        assert await status(central_system, "/" + "x" * 8000) == 414
        lines = [str(event) for event in central_system.trace if event.mark == "!"]
        assert ["expected an identity of at most 255 characters, came one of 8000" in line for line in lines] == [0, 1]
        assert max(map(len, lines)) < 250 and central_system.doorbell.kinds == {"HTTP 414": 2}
        assert not any("x" * 60 in record.getMessage() for record in caplog.records)


# With which key -------------------------------------------------------------------------------------------------------


async def test_the_example_of_the_specification() -> None:
    """J-spec 6.2.2: identity AL1000, 20 raw bytes, and the header that it prints."""
    async with CentralSystem(passwords={"AL1000": KEY}) as central_system:
        assert basic("AL1000", KEY) == "Basic QUwxMDAwOgABAgMEBQYH////////////////"
        assert await status(central_system, "/AL1000", "Basic QUwxMDAwOgABAgMEBQYH////////////////") == 101
        assert await status(central_system, "/AL1000", "Basic QUwxMDAwOgABAgMEBQYH///////////////+") == 401


@pytest.mark.parametrize("password", [KEY, KEY.hex(), KEY.hex().upper()], ids=["bytes", "hex", "HEX"])
@pytest.mark.parametrize(
    "header",
    [
        basic("CP_1", KEY),
        basic("CP_1", KEY.hex()),
        basic("CP_1", KEY.hex().upper()),
        basic("CP_1", KEY).replace("Basic", "bAsIc"),  # RFC 9110, 11.1: the scheme has no case
    ],
    ids=["raw", "hex", "HEX", "scheme"],
)
async def test_right_password(password: str | bytes, header: str) -> None:
    """J-spec 6.2.2: the key goes over the line as raw bytes. libocpp sends hex text instead."""
    async with CentralSystem(passwords={"CP_1": password}) as central_system:
        assert await status(central_system, "/CP_1", header) == 101


async def test_text_password_with_colon_and_blank() -> None:
    """RFC 7617, 2: only the first colon ends the user."""
    async with CentralSystem(passwords={"CP 1": "sesame: open up, now"}) as central_system:
        assert await status(central_system, "/CP%201", basic("CP 1", "sesame: open up, now")) == 101
        assert await status(central_system, "/CP%201", basic("CP 1", "sesame")) == 401


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic ",
        basic("CP_1", ""),
        basic("CP_1", KEY[:-1]),
        basic("CP_1", KEY + b"\0"),
        basic("CP_1", KEY.hex()[:-1]),
        basic("CP_2", KEY),
        basic("cp_1", KEY),
        basic("", KEY),
        "Basic " + base64.b64encode(KEY).decode(),
        "Basic !!!" + basic("CP_1", KEY)[6:],
        "Basic " + basic("CP_1", KEY)[6:].replace("/", "_"),
        basic("CP_1", KEY)[6:],
        basic("CP_1", KEY).replace("Basic", "Bearer"),
        basic("CP_1", KEY).replace("Basic ", "Basic"),
    ],
)
async def test_wrong_password_gets_401(header: str | None) -> None:
    """Whitepaper A00.FR.2xx: missing, wrong user, wrong password, no base64, wrong scheme: 401, and what is wanted."""
    async with CentralSystem(passwords={"CP_1": KEY}) as central_system:
        code, headers = await knock(central_system, "/CP_1", header)
        assert code == 401
        assert headers["WWW-Authenticate"].startswith("Basic")
        assert await status(central_system, "/CP_1", basic("CP_1", KEY)) == 101  # nobody was locked out by it


async def test_order_at_the_door() -> None:
    """First who (404), then the key (401), then the protocol (101 and closed): J-spec 3.2, 6.2.2."""
    async with CentralSystem(passwords={"CP_1": KEY}) as central_system:
        foreign = {"subprotocols": ["ocpp2.0.1"]}
        assert await status(central_system, "/CP_2", "Basic nonsense", **foreign) == 404
        assert await status(central_system, "/CP_1", "Basic nonsense", **foreign) == 401
        assert await status(central_system, "/CP_1", basic("CP_1", KEY), **foreign) == 101
        assert not central_system.sessions


# In which protocol ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offered", [None, ["ocpp2.0.1"], ["ocpp1.5", "ocpp2.0"], ["OCPP1.6"]])
async def test_no_common_subprotocol(offered: Any) -> None:
    """J-spec 3.2: the handshake is finished without the header, and then the connection is closed at once."""
    async with CentralSystem() as central_system:
        async with opened(central_system, "/CP_1", subprotocols=offered) as websocket:
            assert websocket.response is not None
            assert websocket.response.status_code == 101
            assert "Sec-WebSocket-Protocol" not in websocket.response.headers
            with pytest.raises(ConnectionClosed):
                await websocket.recv()
            assert websocket.close_code == 1002
        assert not [event for event in central_system.trace if "connected" in event.text.split()]


async def test_common_subprotocol_among_others() -> None:
    """J-spec 3.2: of several on offer ours is chosen."""
    async with CentralSystem() as central_system:
        async with opened(central_system, "/CP_1", subprotocols=["ocpp2.0.1", "ocpp1.6"]) as websocket:
            assert websocket.subprotocol == "ocpp1.6"
            await central_system.connected("CP_1")


EXTENSIONS = "Sec-WebSocket-Extensions"


@pytest.mark.parametrize("compression", [False, True])
async def test_central_system_compresses_only_if_told_to(compression: bool) -> None:
    """J-spec 5.1 allows permessage-deflate. It costs 32 KB for each idle connection: off unless asked for."""
    async with CentralSystem(compression=compression) as central_system:
        async with facing(central_system, compression="deflate") as peer:
            headers: Headers = peer.websocket.response.headers  # type: ignore[union-attr]
            assert ("permessage-deflate" in headers.get(EXTENSIONS, "")) is compression
            await peer.is_served()


@pytest.mark.parametrize("compression", [False, True])
async def test_charge_point_compresses_only_if_told_to(compression: bool) -> None:
    """The same at the other end; and what is compressed arrives whole."""
    async with PlainServer().listening(compression="deflate") as server:
        async with ChargePoint(server.url, "CP_1", compression=compression) as charge_point:
            peer = await server.meets(charge_point)
            headers: Headers = peer.websocket.request.headers  # type: ignore[union-attr]
            assert ("permessage-deflate" in headers.get(EXTENSIONS, "")) is compression
            await accept(peer)
            await peer.is_served()


# What the charge point makes of a shut door ---------------------------------------------------------------------------


async def test_unknown_today_known_tomorrow() -> None:
    """J-errata 3.3: after a 404 a charge point tries again, with back-off; ours after a 401 too."""
    known: set[str] = set()
    async with CentralSystem(identities=known) as central_system:
        async with ChargePoint(central_system.url, "CP_1", password=KEY, delays=AT_ONCE) as charge_point:
            await until(lambda: refusals(charge_point, central_system, 404) >= 2)
            central_system.passwords["CP_1"] = b"another key of twenty"
            known.add("CP_1")
            await until(lambda: refusals(charge_point, central_system, 401) >= 2)
            central_system.passwords["CP_1"] = KEY
            await charge_point.wait_for("online")


def refusals(charge_point: ChargePoint, central_system: CentralSystem, code: int) -> int:
    assert charge_point.state in ("connecting", "waiting")
    return len([event for event in central_system.trace if f"refused with HTTP {code}" in event.text])


# What the operator is told --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["fifteen letters", b"fifteen letters"])
async def test_short_key_is_warned_about(key: str | bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Whitepaper A00.FR.205: an AuthorizationKey has at least 16 bytes. The warning does not print it (A01.FR.12)."""
    CentralSystem(passwords={"CP_1": key, "CP_2": KEY})
    (warning,) = caplog.records
    assert warning.levelno == logging.WARNING
    assert "CP_1" in warning.getMessage() and "16 bytes" in warning.getMessage()
    assert "fifteen" not in caplog.text


async def test_empty_key_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a password for 'CP_1'"):
        CentralSystem(passwords={"CP_1": ""})


@pytest.mark.parametrize(
    ("options", "warned"),
    [
        ({"host": "0.0.0.0"}, True),
        ({"host": "::"}, True),
        ({"host": ""}, True),
        ({"host": "192.0.2.7", "identities": {"CP_1"}}, True),
        ({"host": "192.0.2.7", "identities": {"CP_1", "CP_2"}, "passwords": {"CP_1": KEY}}, True),
        ({"host": "192.0.2.7", "passwords": {"CP_1": KEY}}, False),
        ({"host": "127.0.0.1"}, False),
        ({"host": "127.0.0.2"}, False),
        ({"host": "::1"}, False),
        ({"host": "localhost"}, False),
    ],
)
async def test_open_to_everybody_is_warned_about(
    options: dict[str, Any], warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Beyond the loopback interface a charge point without a password is whoever says so (security profile 0)."""
    CentralSystem(**options)
    assert ("without password" in caplog.text) is warned
    assert len(caplog.records) == warned
