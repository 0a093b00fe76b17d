"""Why a ``wss://`` endpoint is not connected to: the true reason, what to do; in the error, the trace and the log."""

from __future__ import annotations

import asyncio
import logging
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ocpp_lab import CentralSystem, ChargePoint
from ocpp_lab.charge_point.dial import dial
from ocpp_lab.charge_point.dial_failed import DialFailed
from ocpp_lab.connection import retryable
from tests.certificates import Certified, authority, certify, serving, trusting
from tests.integration.wire import AT_ONCE, until
from tests.program import running

pytestmark = pytest.mark.sockets("TLS")

NO_KEY_USAGE = certify("an authority from an old recipe", authority=True, key_usage=False)
ANOTHER = certify("another authority", authority=True)
EXPIRED = certify("an authority of last year", authority=True, days=(-400, -1))

type Row = tuple[Certified, list[Certified], str]
ROWS: dict[str, Row] = {
    # what the central system shows, whom the charge point trusts, the reason
    "no key usage": (
        certify("server", NO_KEY_USAGE),
        [NO_KEY_USAGE],
        "its certificate is signed by an authority whose own certificate lacks the key usage (RFC 5280 4.2.1.3; Python "
        "checks it from 3.13 on); make that one anew, with: openssl req -x509 … -addext keyUsage=critical,keyCertSign",
    ),
    "another strict rule": (
        certify("server", authority(), key_identifiers=False),
        [authority()],
        "its certificate or that of its authority breaks a rule of RFC 5280 (Missing Authority Key Identifier); have "
        "it issued anew, without that fault",
    ),
    "expired": (
        certify("server", authority(), days=(-9, -2)),
        [authority()],
        "its certificate or that of its authority has expired, or this computer's clock is wrong; have it renewed",
    ),
    "authority expired": (
        certify("server", EXPIRED),
        [EXPIRED],
        "its certificate or that of its authority has expired, or this computer's clock is wrong; have it renewed",
    ),
    "not yet valid": (
        certify("server", authority(), days=(2, 9)),
        [authority()],
        "its certificate is not valid yet, or this computer's clock is slow; check both clocks",
    ),
    "wrong host": (
        certify("server", authority(), host="csms.example"),
        [authority()],
        "its certificate is for another name (IP address mismatch, certificate is not valid for '127.0.0.1'); dial a "
        "name that stands in it, or have it issued for this one",
    ),
    "unknown authority": (
        certify("server", authority()),
        [ANOTHER],
        "its certificate is signed by an authority that is not trusted here; pass the certificate of that authority "
        "with --ca FILE (ssl=). If you did: it is another one, or the central system does not send those in between",
    ),
    "self-signed": (
        certify("server"),
        [ANOTHER],
        "its certificate is signed by itself, and not trusted here; pass that very certificate with --ca FILE (ssl=)",
    ),
}


async def why(url: str, context: ssl.SSLContext | None = None) -> str:
    """The reason why a dial failed, without the address."""
    with pytest.raises(DialFailed) as failed:
        await dial(f"{url}/CP_1", ssl=context, open_timeout=5)
    assert retryable(failed.value)
    host, said = str(failed.value).split(": ", 1)
    assert host.endswith(url.partition("://")[2]), "the address that was dialled, and not what is in the URL besides"
    return said


@pytest.mark.parametrize("row", ROWS)
async def test_the_certificate(row: str, tmp_path: Path) -> None:
    """Seen for all of them: "pass --ca FILE", which was passed."""
    shown, trusted, reason = ROWS[row]
    async with CentralSystem(ssl=serving(shown, tmp_path)) as central_system:
        assert await why(central_system.url, trusting(*trusted)) == reason
        assert not central_system.received, "what is not verified gets no word of ours"


async def test_an_authority_that_the_system_does_not_know(tmp_path: Path) -> None:
    """Without a context of its own a charge point trusts what the operating system trusts."""
    async with CentralSystem(ssl=serving(certify("server", authority()), tmp_path)) as central_system:
        assert (await why(central_system.url)).startswith(
            "its certificate is signed by an authority that is not trusted"
        )


@pytest.mark.parametrize("trusted", ["its authority", "itself"])
async def test_what_is_right_is_let_in(trusted: str, tmp_path: Path) -> None:
    """The same checks, and nothing wrong: a chain, and a certificate that is trusted by itself."""
    shown = certify("server", authority()) if trusted == "its authority" else certify("server")
    trust = trusting(authority() if trusted == "its authority" else shown)
    async with CentralSystem(ssl=serving(shown, tmp_path)) as central_system:
        pipe = await dial(f"{central_system.url}/CP_1", ssl=trust)
        await pipe.close()


# Somebody else speaks there -------------------------------------------------------------------------------------------

WS_AND_NOT_WSS = "perhaps that port speaks ws:// and not wss://"
WSS_AND_NOT_WS = "the connection was closed without an answer; perhaps that port speaks wss:// (TLS) and not ws://"


@asynccontextmanager
async def answering(data: bytes) -> AsyncIterator[str]:
    """``host:port`` of somebody who answers the first words with these bytes and hangs up."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(data)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", f"what it answers is no TLS; {WS_AND_NOT_WSS}"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", f"what it answers is no TLS; {WS_AND_NOT_WSS}"),
        (b"", f"it closed the connection during the handshake; {WS_AND_NOT_WSS}"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "it refused the handshake, saying: tlsv1 alert protocol version"),
    ],
    ids=["HTTP", "SSH", "nothing", "a TLS alert"],
)
async def test_wss_where_something_else_is_spoken(data: bytes, reason: str) -> None:
    async with answering(data) as address:
        assert await why(f"wss://{address}", trusting(authority())) == reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"", WSS_AND_NOT_WS), (b"SSH-2.0-OpenSSH_9.9\r\n", "did not receive a valid HTTP response")],
    ids=["nothing", "SSH"],
)
async def test_ws_where_something_else_is_spoken(data: bytes, reason: str) -> None:
    async with answering(data) as address:
        assert await why(f"ws://{address}") == reason


async def test_one_end_alone_with_tls(tmp_path: Path) -> None:
    """Our own central systems, both ways round; the trace tells it, and the log, once for each dial."""
    context = serving(certify("server", authority()), tmp_path)
    async with CentralSystem(ssl=context) as secure, CentralSystem() as plain:
        assert await why(secure.url.replace("wss", "ws")) == WSS_AND_NOT_WS
        assert (await why(plain.url.replace("ws", "wss"), trusting(authority()))).endswith(WS_AND_NOT_WSS)


async def test_a_certificate_of_ours_is_wanted(tmp_path: Path) -> None:
    """Security profile 3, which this charge point cannot do: TLS 1.3 lets it find out only after the handshake."""
    context = serving(certify("server", authority()), tmp_path)
    context.verify_mode = ssl.CERT_REQUIRED
    async with CentralSystem(ssl=context) as central_system:
        said = await why(central_system.url, trusting(authority()))
        assert said.endswith("perhaps it wants a certificate of ours (security profile 3)")


async def test_a_password_in_the_url_is_not_told() -> None:
    """Whitepaper A01.FR.12: of the URL only the host and the port are repeated."""
    async with answering(b"") as address:
        with pytest.raises(DialFailed) as failed:
            await dial(f"ws://CP_1:secret@{address}/CP_1")
        assert "secret" not in str(failed.value)


# Where it is told -----------------------------------------------------------------------------------------------------


async def test_trace_and_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    shown, trusted, reason = ROWS["expired"]
    caplog.set_level(logging.INFO)
    async with CentralSystem(ssl=serving(shown, tmp_path)) as central_system:
        async with ChargePoint(central_system.url, "CP_1", ssl=trusting(*trusted), delays=AT_ONCE) as charge_point:
            await until(lambda: charge_point.uptime.dials["unreachable"] > 1)
        told = [event.text for event in charge_point.trace if event.mark == "!"]
    assert told and set(told) == {f"no TLS with {central_system.url.partition('://')[2]}: {reason}"}
    assert f"not connected: DialFailed: {told[0]}" in caplog.text


COMMAND_LINE = [
    *([] if sys.version_info < (3, 13) else ["no key usage"]),  # only Python 3.13 and later are strict by themselves
    "expired",
    "wrong host",
    "unknown authority",
    "self-signed",
]


@pytest.mark.parametrize("row", COMMAND_LINE)
async def test_the_command_line(row: str, tmp_path: Path) -> None:
    """One line for each dial, with the reason; and never the advice to pass what was passed."""
    shown, [trusted], reason = ROWS[row]
    ca, _ = trusted.write(tmp_path, "ca")
    async with CentralSystem(ssl=serving(shown, tmp_path)) as central_system:
        async with running("charge-point", central_system.url, "--ca", ca) as charge_point:
            await charge_point.until("dials again in")
            assert await charge_point.stop() == 0
    assert len([line for line in charge_point.said.splitlines() if reason in line]) == 1, charge_point.said
    assert "not connected" not in charge_point.said and "Traceback" not in charge_point.said


async def test_the_command_line_at_the_wrong_port() -> None:
    async with CentralSystem() as central_system:
        async with running("charge-point", central_system.url.replace("ws", "wss")) as charge_point:
            await charge_point.until(f"! CP_1 +no TLS with .*{WS_AND_NOT_WSS}")
            assert await charge_point.stop() == 0
