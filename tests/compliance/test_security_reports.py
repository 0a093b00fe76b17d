"""What a charge point tells of its security: events of a handshake, triggered messages, logs (whitepaper A00, N01)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.compliance.files import URL, web_server
from tests.compliance.script import Script, at_charge_point, now_text
from tests.compliance.test_security import AUTHORITY, KEY, TLS, change, event, trigger
from tests.pair import on, simulated

LOG = "LogStatusNotification"
ALERTS = {"InvalidTLSVersion": b"\x46", "InvalidTLSCipherSuite": b"\x28"}
"""The alerts of TLS with which a server says so: protocol_version and handshake_failure."""


@asynccontextmanager
async def refusing(alert: bytes) -> AsyncIterator[None]:
    """Whoever wants TLS at the port of profile 2 gets this fatal alert."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(b"\x15\x03\x03\x00\x02\x02" + alert)
        writer.close()

    server = await on("cs", asyncio.start_server(refuse, "cs", 9002))
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


@simulated(seed=1)
@pytest.mark.sockets("TLS")
@pytest.mark.parametrize("type", ALERTS)
async def test_a_handshake_that_is_too_old_or_too_weak_is_told(type: str) -> None:
    """Whitepaper A00.FR.315, A00.FR.322, A05.FR.08: once, when it is back with the profile before."""
    made = {"password": KEY, "endpoints": TLS, "roots": [AUTHORITY.root], "security_events": True}
    async with refusing(ALERTS[type]), at_charge_point(**made) as (script, charge_point):
        assert await change(script, "SecurityProfile", "2") == "Accepted"
        await script._until(lambda: script.connections == 2, "another connection", 300)
        assert type in [each.type for each in charge_point.guard.events.log()]
        await event(script, type)
        await script.hears_no("SecurityEventNotification", seconds=600)


@simulated(seed=1)
@pytest.mark.parametrize("what", ["Heartbeat", "StatusNotification", "MeterValues", "BootNotification"])
async def test_the_messages_of_the_core_are_triggered_too(what: str) -> None:
    """Whitepaper 5.5, 6.14; core errata 3.35: after an accepted boot another is Rejected."""
    async with at_charge_point() as (script, _):
        script.forgets()
        more = {} if what in ("Heartbeat", "BootNotification") else {"connectorId": 1}
        wanted = "Rejected" if what == "BootNotification" else "Accepted"
        assert await trigger(script, what, **more) == wanted
        await asyncio.sleep(1)
        came = [action for action, _ in script.calls]
        came += [action for action, queue in script.apart.items() if queue]
        assert came == ([what] if wanted == "Accepted" else [])


@simulated(seed=1)
async def test_a_triggered_log_status_while_it_is_uploaded() -> None:
    """Whitepaper N01.FR.12: with the requestId of that upload."""
    async with web_server() as web, at_charge_point() as (script, _):
        web.refuses = 1
        await get_log(script, 5, retries=1, retryInterval=60)
        assert (await script.hears(LOG))["status"] == "Uploading"
        assert await trigger(script, LOG) == "Accepted"
        assert await script.hears(LOG) == {"status": "Uploading", "requestId": 5}
        assert (await script.hears(LOG))["status"] == "Uploaded"
        assert await trigger(script, LOG) == "Accepted"
        assert await script.hears(LOG) == {"status": "Idle"}


async def get_log(script: Script, number: int, kind: str = "SecurityLog", **more: Any) -> dict[str, Any]:
    where = {"remoteLocation": f"{URL}/up/", **more.pop("log", {})}
    return await script.says("GetLog", logType=kind, requestId=number, log=where, **more)


@simulated(seed=1)
async def test_the_security_log_has_all_events() -> None:
    """Whitepaper N01.FR.03, N01.FR.05, A04.FR.04: also those that are not critical, each with its time."""
    async with web_server() as web, at_charge_point(password=KEY) as (script, _):
        assert await change(script, "AuthorizationKey", "1e" * 20) == "Accepted"
        await script._until(lambda: script.connections == 2, "another connection", 60)
        await asyncio.sleep(5)
        script.forgets()
        assert (await get_log(script, 1))["status"] == "Accepted"
        while (await script.hears(LOG))["status"] != "Uploaded":
            pass
        [body] = web.taken.values()
        for type in (b"StartupOfTheDevice", b"ReconfigurationOfSecurityParameters"):
            [line] = [line for line in body.splitlines() if type in line]
            assert line.startswith(b"2030-06-01T12:00")


@simulated(seed=1)
async def test_a_log_of_a_time_in_which_nothing_was() -> None:
    """Whitepaper N01.FR.01: what is not there cannot be brought, and nothing is told."""
    async with web_server() as web, at_charge_point(password=KEY) as (script, _):
        script.forgets()
        span = {"oldestTimestamp": now_text(-7200), "latestTimestamp": now_text(-3600)}
        assert (await get_log(script, 1, log=span))["status"] == "Rejected"
        await script.hears_no(LOG, seconds=60)
        assert web.taken == {}


@simulated(seed=1)
async def test_a_refused_certificate_leaves_the_request_open() -> None:
    """Whitepaper A02.FR.06, A02.FR.07: whoever sends a bad one may send the right one after it."""
    from tests.compliance.test_security import OWNER, requested

    async with at_charge_point(roots=[AUTHORITY.root]) as (script, charge_point):
        await change(script, "CpoName", OWNER)
        request = await requested(script)
        assert await script.says("CertificateSigned", certificateChain="nothing") == {"status": "Rejected"}
        await event(script, "InvalidChargePointCertificate")
        chain = AUTHORITY.sign(request)
        assert await script.says("CertificateSigned", certificateChain=chain) == {"status": "Accepted"}
        assert [own[1] for own in charge_point.guard.wallet.own()] == [chain]
