"""An AuthorizationKey is never written down: not in the trace, not in a log (whitepaper A01.FR.12)."""

from __future__ import annotations

import asyncio
import base64
import logging

import pytest

from ocpp_lab import CentralSystem, ChargePoint
from ocpp_lab import messages as m
from ocpp_lab.credentials import basic_auth
from tests.integration.wire import AT_ONCE, until

OLD = bytes(range(200, 220))
NEW = "a1" * 20
WRONG = b"this is not the key!"


def disguises(key: bytes) -> list[str]:
    """A key in every form in which it passes through our hands: hex, Python, base64 with the identity before it."""
    header = basic_auth("CP_1", key).removeprefix("Basic ")
    return [key.hex(), key.hex().upper(), repr(key)[2:-1], header, base64.b64encode(key).decode()[:-1]]


def assert_secret(told: str) -> None:
    for key in (OLD, bytes.fromhex(NEW), NEW.encode(), WRONG):
        for disguise in disguises(key):
            assert disguise not in told


async def live_a_little(central_system: CentralSystem) -> list[str]:
    """Every passage of a key: dialling, a wrong one, a change, the reconnect with the new one, being asked for it."""
    async with ChargePoint(central_system.url, "CP_1", password=OLD, delays=AT_ONCE) as charge_point:
        await charge_point.wait_for("online")
        for key in ("AuthorizationKey", "authorizationKEY"):
            asked = m.GetConfigurationRequest(key=[key])
            assert NEW not in str(await central_system["CP_1"].call(asked))
        central_system.passwords["CP_1"] = NEW
        change = m.ChangeConfigurationRequest(key="AuthorizationKey", value=NEW)
        assert (await central_system["CP_1"].call(change)).status == "Accepted"
        await charge_point.wait_for("waiting")
        await charge_point.wait_for("online")
        await until(lambda: "CP_1" in central_system)
        odd = m.ChangeConfigurationRequest(
            key="authorizationKEY", value=f'}}"{NEW}'
        )  # no key at all, nor JSON's friend
        assert (await central_system["CP_1"].call(odd)).status == "Rejected"
        return [str(event) for event in charge_point.trace]


async def knock_with_the_wrong_key(central_system: CentralSystem) -> None:
    async with ChargePoint(central_system.url, "CP_1", password=WRONG) as charge_point:
        await charge_point.wait_for("waiting")


async def test_no_key_is_written_down(caplog: pytest.LogCaptureFixture) -> None:
    """Everything that logs, at DEBUG: ours, asyncio, and `websockets`, which would log headers and frames."""
    for name in (None, "ocpp_lab", "websockets", "websockets.client", "websockets.server", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name)
    asyncio.get_running_loop().set_debug(True)
    async with CentralSystem(passwords={"CP_1": OLD}) as central_system:
        trace = await live_a_little(central_system)
        await knock_with_the_wrong_key(central_system)
        trace += [str(event) for event in central_system.trace]
    assert "ChangeConfiguration" in caplog.text and "ChangeConfiguration" in str(trace)
    assert '"value":"***"' in caplog.text and '"value":"***"' in str(trace)
    assert "HTTP 401" in caplog.text
    assert_secret(caplog.text)
    assert_secret("\n".join(trace))


async def test_the_wire_log_is_what_must_stay_shut(caplog: pytest.LogCaptureFixture) -> None:
    """Proof that the test above can fail: `websockets` at DEBUG writes headers down. Our logger for it is at INFO."""
    assert logging.getLogger("ocpp_lab.websockets").level == logging.INFO
    caplog.set_level(logging.DEBUG, logger="ocpp_lab.websockets")
    async with CentralSystem(passwords={"CP_1": OLD}) as central_system:
        await knock_with_the_wrong_key(central_system)
    with pytest.raises(AssertionError):
        assert_secret(caplog.text)
