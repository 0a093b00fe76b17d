"""The command line as a person meets it: two programs, their output, Ctrl-C; and what bad input gets.

The runs are real processes on free ports of the loopback interface. A test waits for a line, never for a time.
"""

from __future__ import annotations

import re
import signal
import socket
from pathlib import Path

import pytest
import trustme
from typer.testing import CliRunner

from ocpp_lab import messages as m
from ocpp_lab.__main__ import app
from ocpp_lab.cli.console import parse
from ocpp_lab.cli.inputs import BadInput, endpoint, read_password, read_passwords
from ocpp_lab.credentials import basic_auth
from tests.program import listening, running

KEY, WRONG_KEY = "00112233445566778899AABBCCDDEEFF", "FFEEDDCCBBAA99887766554433221100"
NEW_KEY = "A0A1A2A3A4A5A6A7A8A9AAABACADAEAF"


# --- two programs -------------------------------------------------------------------------------------------------


async def test_boot_heartbeats_a_typed_call_and_ctrl_c() -> None:
    """Core 4.2, 4.6: boot, statuses, heartbeats at the interval of the answer; both ends tell the same story."""
    async with running("central-system", "--port", "0", "--interval", "1") as central_system:
        url = await listening(central_system)
        async with running("charge-point", url, "--identity", "CP_1", "--connectors", "2") as charge_point:
            await charge_point.until(r"> CP_1 +BootNotification +chargePointModel=One chargePointVendor=\"OCPP Lab\"")
            await charge_point.until(r"< CP_1 +BootNotification +CallResult after \d+ ms .*interval=1 status=Accepted")
            await charge_point.until(r"> CP_1 +StatusNotification +connectorId=2")
            await charge_point.until(r"< CP_1 +Heartbeat +CallResult", times=2)
            await central_system.until(r"> CP_1 +Heartbeat +CallResult", times=2)
            await central_system.type('CP_1 TriggerMessage {"requestedMessage": "Heartbeat"}')
            await central_system.until(r"> CP_1 +TriggerMessage +requestedMessage=Heartbeat")
            await central_system.until(r"< CP_1 +TriggerMessage +CallResult after \d+ ms status=Accepted")
            await central_system.type("CP_9 ClearCache")
            await central_system.until(r"! ClearCache was not sent: 'CP_9' is not connected; connected now: CP_1")
            assert await charge_point.stop() == 0
            assert charge_point.said.endswith("online → stopped (stop)\n")
        await central_system.until(r"= CP_1 +disconnected: .* 1000")
        assert await central_system.stop() == 0
        assert central_system.said.endswith("central system stopped\n")
    assert "Traceback" not in central_system.said + charge_point.said


async def test_a_fixed_cable() -> None:
    """Core 5.18, 7.46: there is no lock that could be opened, and what charges goes on."""
    async with running("central-system", "--port", "0") as central_system:
        url = await listening(central_system)
        async with running("charge-point", url, "--fixed-cable") as charge_point:
            await central_system.until(r"< CP_1 +StatusNotification +connectorId=1")
            await charge_point.type("plug 1")
            await charge_point.type("tag 1 TAG_A")
            await central_system.until(r"< CP_1 +StatusNotification .*status=Charging")
            await central_system.type('CP_1 UnlockConnector {"connectorId": 1}')
            await central_system.until(r"< CP_1 +UnlockConnector +CallResult after \d+ ms status=NotSupported")
            await charge_point.type("status")
            await charge_point.until(r"= 1: Charging .* TAG_A since")


async def test_a_central_system_that_ends_says_goodbye_and_the_charge_point_waits() -> None:
    """RFC 6455 7.4.1: 1001 is going away. SIGTERM ends as politely as Ctrl-C does, in any state."""
    async with running("central-system", "--port", "0", "--trace") as central_system:
        url = await listening(central_system)
        async with running("charge-point", url, "--trace") as charge_point:
            await charge_point.until(r'> CP_1 +\[2,".{36}","BootNotification",\{.*\}\]$')
            await charge_point.until(r'< CP_1 +\[3,".{36}",\{.*"status":"Accepted"\}\]$')
            assert await central_system.stop(signal.SIGTERM) == 0
            await charge_point.until(r"ConnectionLost: the connection was closed with 1001 'central system stops'")
            await charge_point.until(r"= dials again in \d+\.\d s")
            assert await charge_point.stop(signal.SIGTERM) == 0
            assert charge_point.said.endswith("waiting → stopped (stop)\n")
    assert "Traceback" not in central_system.said + charge_point.said


async def test_tls_and_passwords_that_nobody_sees(tmp_path: Path) -> None:
    """Security profile 2 (whitepaper A00.FR.3xx), and A01.FR.12: no key in any output, also not a new one."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    server = authority.issue_cert("127.0.0.1")
    server.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    server.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    (tmp_path / "keys").write_text(f"# who: what\n\nCP_1:{KEY}\n")
    (tmp_path / "right").write_text(f"{KEY}\n")
    (tmp_path / "wrong").write_text(WRONG_KEY)
    tls = ["--cert", tmp_path / "cert.pem", "--key", tmp_path / "key.pem", "--password-file", tmp_path / "keys"]
    client = ["--identity", "CP_1", "--ca", tmp_path / "ca.pem", "--trace", "--password-file"]
    async with running("central-system", "--port", "0", "--trace", *tls) as central_system:
        url = await listening(central_system)
        assert url.startswith("wss://")
        async with running("charge-point", url, *client, tmp_path / "wrong") as stranger:
            await stranger.until("HTTP 401.*check the key in --password-file")
            await central_system.until("! CP_1 +refused with HTTP 401")
            assert await stranger.stop() == 0
        async with running("charge-point", url, *client, tmp_path / "right") as charge_point:
            await charge_point.until("→ online")
            await central_system.until("= CP_1 +connected")
            change = f'{{"key": "AuthorizationKey", "value": "{NEW_KEY}"}}'
            await central_system.type(f"CP_1 ChangeConfiguration {change}")
            await charge_point.until("< CP_1 .*ChangeConfiguration")
            assert await charge_point.stop() == 0
        assert await central_system.stop() == 0
    said = central_system.said + stranger.said + charge_point.said
    keys = [KEY, WRONG_KEY, NEW_KEY]
    headers = [basic_auth("CP_1", key).removeprefix("Basic ") for key in keys]
    assert not [secret for secret in keys + headers if secret.lower() in said.lower()]
    assert "Traceback" not in said


async def test_a_reader_who_has_seen_enough_ends_the_program() -> None:
    """`ocpp-lab … | head`: nobody reads any more, so the next line ends the program without a traceback."""
    async with running("central-system", "--port", "0") as central_system:
        url = await listening(central_system)
        await central_system.until("stop with Ctrl-C")
        transport = central_system.process._transport  # type: ignore[attr-defined]
        transport.get_pipe_transport(1).close()
        async with running("charge-point", url) as charge_point:
            await charge_point.until("closed with 1001")
            assert await charge_point.stop() == 0
        assert await central_system.process.wait() == 0


# --- bad input ----------------------------------------------------------------------------------------------------


def refused(*arguments: str | Path) -> str:
    """The one line that bad input gets."""
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    [line] = [line for line in result.output.splitlines() if line.startswith("error: ")]
    return line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("central-system --port 65536", "--port: expected a whole number from 0 to 65535, came 65536"),
        ("central-system --interval -1", "--interval: expected a whole number from 0 to 86400, came -1"),
        ("central-system --max-size 10", "--max-size: expected a whole number from 1000 to 1073741824, came 10"),
        ("charge-point ws://h --max-size 1073741825", "--max-size: expected a whole number from 1000 to 1073741824"),
        ("central-system --timeout 0", "--timeout: expected seconds above 0, came 0"),
        (
            "central-system --registration Yes",
            "--registration: expected one of Accepted, Pending, Rejected, came 'Yes'",
        ),
        ("central-system --unknown-tag No", "--unknown-tag: expected one of Accepted, Blocked, Expired, Invalid"),
        ("central-system --cert c.pem", "expected --cert and --key together, came --cert alone; add --key FILE"),
        ("central-system --key k.pem", "expected --cert and --key together, came --key alone; add --cert FILE"),
        (
            "central-system --cert no.pem --key no.pem",
            "expected a certificate and its private key (PEM), came: No such",
        ),
        ("central-system --password-file no", "--password-file no: expected a file that can be read, came: No such"),
        (
            "central-system --ledger no/no.db",
            "--ledger no/no.db: expected an sqlite file, or a new one in a folder that exists",
        ),
        ("charge-point http://h", "URL: expected ws://HOST:PORT/PATH or wss://…, came 'http://h'"),
        ("charge-point ws://", "URL: expected ws://HOST:PORT/PATH"),
        ("charge-point ws://h:port", "URL: expected a port number after the colon, came 'ws://h:port'"),
        ("charge-point ws://h/p?q=1", "URL: expected ws://HOST:PORT/PATH"),
        ("charge-point ws://h --identity A:B", "expected an identity without a colon"),
        ("charge-point ws://h --identity=", "expected an identity, came an empty one"),
        ("central-system --identity CP_1 --identity A:B", "--identity: expected an identity without a colon"),
        ("charge-point ws://h --connectors 0", "--connectors: expected a whole number from 1 to 1000, came 0"),
        ("charge-point ws://h --timeout -3", "--timeout: expected seconds above 0, came -3"),
        (f"charge-point ws://h --vendor {'v' * 21}", "chargePointVendor: expected a string of at most 20 characters"),
        ("charge-point ws://h --ca ca.pem", "--ca: expected a wss:// URL with it, came ws://h"),
        ("charge-point wss://h --ca no.pem", "--ca no.pem: expected certificates (PEM), came: No such"),
        ("charge-point ws://h --password-file no", "--password-file no: expected a file that can be read"),
    ],
)
def test_bad_input_gets_one_line(arguments: str, said: str) -> None:
    """DESIGN.md, Taste: an error says what was expected, what came, what to do."""
    assert said in refused(*arguments.split())


def test_a_port_in_use_is_no_traceback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refused("central-system", "--port", str(port))
    assert f"expected a free port, but 127.0.0.1:{port} is in use; choose another with --port" in line


def test_listening_to_all_without_a_password_is_warned_about() -> None:
    """192.0.2.1 is nobody's (RFC 5737): the warning comes, then the error, and nothing listens."""
    result = CliRunner().invoke(app, ["central-system", "--host", "192.0.2.1", "--port", "0"])
    warning, error = result.output.splitlines()
    assert re.search(r" ! listening on '?192\.0\.2\.1\b.* without password", warning)
    assert error.startswith("error: expected an address of this machine, came 192.0.2.1:0")


def test_a_password_in_the_url_is_refused_and_not_repeated() -> None:
    line = refused("charge-point", "ws://CP_1:secret@h")
    assert "put the key into a file" in line
    assert "secret" not in line


def test_an_encrypted_key_is_refused_and_nobody_is_asked(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization as pem

    server = trustme.CA().issue_cert("127.0.0.1")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    server.cert_chain_pems[0].write_to_path(str(cert))
    private = pem.load_pem_private_key(server.private_key_pem.bytes(), None)
    locked = pem.BestAvailableEncryption(b"passphrase")
    key.write_bytes(private.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, locked))
    assert "expected a private key without passphrase" in refused("central-system", "--cert", cert, "--key", key)


@pytest.mark.parametrize("arguments", [["--help"], ["central-system", "--help"], ["charge-point", "-h"]])
def test_help_has_an_example(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0
    assert re.search(r"^ +ocpp-lab (central-system|charge-point) ", result.output, re.MULTILINE)


def test_version() -> None:
    assert re.fullmatch(r"ocpp-lab \d+\.\d+\.\d+, OCPP 1\.6-J\n", CliRunner().invoke(app, ["--version"]).output)


# --- files --------------------------------------------------------------------------------------------------------


def test_a_password_file_has_comments_and_keys_with_colons(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_bytes(f"\ufeff# comment\r\n\r\n CP_1 : {KEY} \r\nCP_2:a:b#c\r\n".encode())
    assert read_passwords(path, None) == {"CP_1": KEY, "CP_2": "a:b#c"}
    path.write_text(f"# mine\n{KEY}\n")
    assert read_password(path, "CP_1") == KEY


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "expected lines of NAME:KEY, came an empty file"),
        (b"# only\n\n", "expected lines of NAME:KEY, came an empty file"),
        (b"CP_1:secret\nsecret\n", "expected NAME:KEY, came something else in line 2"),
        (b"CP_1:\n", "expected NAME:KEY, came something else in line 1"),
        (b"CP_1:secret\nCP_1:secret\n", "expected one key for CP_1, came a second in line 2"),
        (b"CP_1:secret\n", "expected a key for every --identity, came none for CP_2"),
        (b"CP_1:\xff\xfe\n", "expected text (UTF-8), came other bytes"),
    ],
)
def test_a_bad_password_file_is_named_and_not_shown(content: bytes, said: str, tmp_path: Path) -> None:
    """Whitepaper A01.FR.12. An identity without a key would be a door that stands open: refused."""
    path = tmp_path / "keys"
    path.write_bytes(content)
    with pytest.raises(BadInput) as error:
        read_passwords(path, ["CP_1", "CP_2"])
    assert said in str(error.value)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [("", "came an empty file"), ("secret\nsecret\n", "came 2 lines"), ("CP_1:secret", "the key alone, came CP_1:")],
)
def test_a_charge_point_has_one_key(content: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(content)
    with pytest.raises(BadInput) as error:
        read_password(path, "CP_1")
    assert said in str(error.value)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("url", ["ws://h", "ws://127.0.0.1:9000/", "wss://[::1]:1/ocpp/1.6"])
def test_an_endpoint(url: str) -> None:
    assert endpoint(url) == url


# --- the operator's lines -----------------------------------------------------------------------------------------


def test_a_typed_line_is_a_typed_request() -> None:
    assert parse('CP_1 Reset {"type": "Soft"}') == ("CP_1", m.ResetRequest(type="Soft"))
    assert parse("CP_1 ClearCache") == ("CP_1", m.ClearCacheRequest())


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("CP_1", 'expected an identity, an action and its payload, such as: CP_1 Reset {"type": "Soft"}'),
        ("CP_1 Restart", "expected an action that a central system may send, came Restart; there are: Change"),
        ("CP_1 Heartbeat", "expected an action that a central system may send, came Heartbeat"),
        ("CP_1 Reset {type: Soft}", "Reset: expected a JSON object as payload"),
        ("CP_1 Reset", "Reset: OccurenceConstraintViolation: type: expected one of Hard, Soft, came nothing"),
        ("CP_1 Reset []", "Reset: FormationViolation: payload: expected an object, came an array"),
    ],
)
def test_a_bad_line_is_answered_with_what_to_type(line: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        parse(line)
