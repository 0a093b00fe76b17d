"""The security of a charge point on the command line: what fits together, and a connection with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trustme

from ocpp_lab.cli.inputs import BadInput
from ocpp_lab.cli.secure import security_options
from tests.program import listening, running

WS, WSS, KEY = "ws://127.0.0.1:9000", "wss://127.0.0.1:9001", "00112233445566778899AABBCCDDEEFF"


def options(url: str = WS, **given: Any) -> dict[str, Any]:
    usual = {"profile": None, "endpoints": (), "password": None, "ca": None, "cert": None, "key": None}
    return security_options(url, **{**usual, **given})


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """ca.pem, server.pem with its key, and own.pem with its own."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    for name in ("server", "own"):
        made = authority.issue_cert("127.0.0.1")
        made.private_key_pem.write_to_path(str(tmp_path / f"{name}.key"))
        made.cert_chain_pems[0].write_to_path(str(tmp_path / f"{name}.pem"))
    return tmp_path


def test_nothing_said_is_nothing_given() -> None:
    assert {name: value for name, value in options().items() if value} == {}


def test_what_fits_together(files: Path) -> None:
    given = options(
        WSS,
        profile=3,
        endpoints=["1=ws://127.0.0.1:9000"],
        ca=files / "ca.pem",
        cert=files / "own.pem",
        key=files / "own.key",
    )
    assert given["security_profile"] == 3 and given["endpoints"] == {1: WS}
    assert given["roots"] == ((files / "ca.pem").read_text(),) and given["ssl"] is None
    assert given["own_certificate"] == ((files / "own.key").read_bytes(), (files / "own.pem").read_text())


@pytest.mark.parametrize(
    ("url", "given", "line"),
    [
        (WS, {"profile": 4}, "--security-profile: expected a whole number from 0 to 3, came 4"),
        (WS, {"profile": 1}, "--security-profile 1: expected --password-file, came none; add it"),
        (WS, {"profile": 2, "password": KEY}, "--security-profile 2: expected a URL with wss://, came ws://"),
        (WSS, {"profile": 1, "password": KEY}, "--security-profile 1: expected a URL with ws://, came wss://"),
        (WSS, {"profile": 3, "password": KEY}, "--security-profile 3: expected --cert and --key, came none"),
        (WSS, {"cert": Path("own.pem")}, "--cert and --key: expected both or none, came one"),
        (WS, {"endpoints": ["wss://127.0.0.1:1"]}, "--endpoint: expected PROFILE=URL such as 2=wss://127.0.0.1:9001"),
        (WS, {"endpoints": ["2=http://127.0.0.1"]}, "URL: expected ws://HOST:PORT/PATH or wss://"),
        (WS, {"endpoints": ["2=wss://127.0.0.1:1"], "ca": Path("no.pem")}, "--ca no.pem: expected a PEM file"),
        ("http://127.0.0.1", {}, "URL: expected ws://HOST:PORT/PATH or wss://"),
    ],
)
def test_what_does_not_gets_one_line(url: str, given: dict[str, Any], line: str) -> None:
    with pytest.raises(BadInput) as problem:
        options(url, **given)
    assert str(problem.value).startswith(line) and "\n" not in str(problem.value)


@pytest.mark.sockets("another process, and TLS")
async def test_a_charge_point_with_profile_2(files: Path) -> None:
    """Whitepaper 2.1: password and TLS; it says so of itself."""
    (files / "keys").write_text(f"CP_1:{KEY}\n")
    (files / "key").write_text(KEY)
    server = ["--cert", files / "server.pem", "--key", files / "server.key", "--password-file", files / "keys"]
    async with running("central-system", "--port", "0", *server) as central_system:
        url = await listening(central_system)
        client = ["--security-profile", "2", "--ca", files / "ca.pem", "--password-file", files / "key"]
        async with running("charge-point", url, *client) as charge_point:
            await charge_point.until("→ online")
            await central_system.type('CP_1 GetConfiguration {"key": ["SecurityProfile"]}')
            await central_system.until(r'"key":"SecurityProfile","readonly":false,"value":"2"')
            assert await charge_point.stop() == 0
        assert await central_system.stop() == 0
