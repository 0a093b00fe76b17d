"""Keys that the central system changes and that act on the connection: AuthorizationKey, WebSocketPingInterval."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest

from ocpp_lab import CentralSystem, ChargePoint
from ocpp_lab import messages as m
from tests.fakes import power_cut
from tests.integration.wire import until
from tests.pair import central_system_alone, charge_point_alone, cut, heal, on, pair, simulated_now
from tests.simulated import simulated

OPTIONS: dict[str, Any] = {"now": simulated_now, "delays": lambda: itertools.repeat(10.0), "ping_interval": 30}
BEAT = m.HeartbeatRequest()
OLD, NEW = "0f" * 16, "1e" * 20
_files = itertools.count()  # one for each seed


@pytest.mark.parametrize("key", ["AuthorizationKey", "authorizationKEY"])
async def test_a_new_authorization_key_opens_the_door(key: str) -> None:
    """J-spec 6.2.2: the charge point dials again with the new key at once, and the central system expects it."""
    delays = {"delays": lambda: itertools.repeat(0.0)}
    async with CentralSystem(passwords={"CP_1": OLD}) as server:
        async with ChargePoint(server.url, "CP_1", password=OLD, **delays) as point:
            await point.wait_for("online")
            short = await server["CP_1"].call(m.ChangeConfigurationRequest(key=key, value="ab"))
            assert short.status == "Rejected"
            answer = await server["CP_1"].call(m.ChangeConfigurationRequest(key=key, value=NEW))
            assert answer.status == "Accepted"
            await until(lambda: point.uptime.dials["connected"] == 2 and point.state == "online")
            await point.call(BEAT)
            assert not server.refused
        async with ChargePoint(server.url, "CP_1", password=OLD, delays=lambda: itertools.repeat(30.0)) as point:
            await point.wait_for("waiting")
            assert server.refused == {401: 1}


@simulated
@pytest.mark.parametrize(("value", "seconds"), [("5", 5), ("0", None), ("300", 300)])
async def test_ping_interval_counts_at_once(value: str, seconds: float | None) -> None:
    """J-spec 7: WebSocketPingInterval; 0 switches pings off, a negative one is Rejected."""
    async with pair(**OPTIONS) as (server, point):
        await point.wait_for("online")
        assert point.configuration["WebSocketPingInterval"] == "30"
        for wrong in ("-1", "2.5", "x"):
            assert (await _set_ping(server, wrong)).status == "Rejected"
        assert _pings(point) == 30
        assert (await _set_ping(server, value)).status == "Accepted"
        assert _pings(point) == seconds
        await on("cs", server["CP_1"].close(1001))
        await point.wait_for("waiting")
        await point.wait_for("online")
        assert _pings(point) == seconds


@simulated
async def test_a_shorter_ping_interval_finds_a_dead_line_sooner() -> None:
    """It is the interval that acts, not only a number: 5 s to ask, 5 s to wait for the pong; at once."""
    async with pair(server={"ping_interval": None}, **OPTIONS) as (server, point):
        await point.wait_for("online")
        for shorter in ("20", "5"):
            await _set_ping(server, shorter)
        await asyncio.sleep(1)
        began = asyncio.get_running_loop().time()
        cut()
        await point.wait_for("waiting")
        assert asyncio.get_running_loop().time() - began < 20
        heal()
        await point.wait_for("online")


@simulated
async def test_without_pings_a_dead_line_is_not_found() -> None:
    """And with them again it is; a change while there is no connection counts at the next one."""
    async with pair(server={"ping_interval": None}, **{**OPTIONS, "ping_interval": 5}) as (server, point):
        await point.wait_for("online")
        await _set_ping(server, "0")
        await asyncio.sleep(1)
        point.configuration.change("HeartbeatInterval", "86400")
        cut()
        await asyncio.sleep(1000)
        assert point.state == "online" and _pings(point) is None
        point.configuration.change("WebSocketPingInterval", "7")
        await point.wait_for("waiting")
        point.configuration.change("WebSocketPingInterval", "9")
        heal()
        await point.wait_for("online")
        assert _pings(point) == 9


@pytest.mark.parametrize(("given", "shown"), [(None, "0"), (0, "0"), (0.05, "1"), (60, "60")])
async def test_ping_interval_of_the_constructor(given: float | None, shown: str) -> None:
    """What was given is what the key says, in whole seconds."""
    async with ChargePoint("ws://127.0.0.1:9", "CP_1", ping_interval=given) as point:
        assert point.configuration["WebSocketPingInterval"] == shown
        assert point.dialler.options["ping_interval"] == (given or None)


@pytest.mark.parametrize(
    ("endpoint", "password", "profile"),
    [("ws://cs", None, 0), ("ws://cs", OLD, 1), ("wss://cs", OLD, 2), ("wss://cs", None, 0)],
)
async def test_the_security_profile_in_use(endpoint: str, password: str | None, profile: int) -> None:
    """Whitepaper, profiles 1 and 2: a password, a password over TLS; less than that is no profile."""
    point = ChargePoint(endpoint, "CP_1", password=password)
    assert point.configuration["SecurityProfile"] == str(profile)
    await point.stop()


@simulated
async def test_the_security_profile_follows_the_key() -> None:
    """It is that of the newest connection: the key alone changes nothing, the dial with it does."""
    async with pair(**OPTIONS) as (server, point):
        await point.wait_for("online")

        async def profile() -> str | None:
            request = m.GetConfigurationRequest(key=["SecurityProfile"])
            [entry] = (await server["CP_1"].call(request)).configuration_key or []
            return entry.value

        assert await profile() == "0"
        request = m.ChangeConfigurationRequest(key="AuthorizationKey", value=NEW)
        assert (await server["CP_1"].call(request)).status == "Accepted"
        await point.wait_for("waiting")
        assert point.configuration["SecurityProfile"] == "0"
        await point.wait_for("online")
        await asyncio.sleep(1)
        assert await profile() == "1"


@simulated
async def test_changed_keys_survive_a_restart(tmp_path: Path) -> None:
    """Core 5.3: the new AuthorizationKey opens the door in the next life, and the other keys have their effect."""
    path = str(tmp_path / f"{next(_files)}.db")
    options = {**OPTIONS, "password": OLD}
    async with central_system_alone(passwords={"CP_1": OLD}) as server:
        async with charge_point_alone(path=path, **options) as point:
            await point.wait_for("online")
            for key, value in {"MessageTimeout": "7", "WebSocketPingInterval": "5", "AuthorizationKey": NEW}.items():
                request = m.ChangeConfigurationRequest(key=key, value=value)
                assert (await server["CP_1"].call(request)).status == "Accepted"
            path = power_cut(path)
        async with charge_point_alone(path=path, **options) as point:
            await point.wait_for("online")
            assert (point.dialler.password, point.gate.timeout, _pings(point)) == (NEW, 7.0, 5)
            assert not server.refused


async def _set_ping(server: CentralSystem, value: str) -> m.ChangeConfigurationResponse:
    return await server["CP_1"].call(m.ChangeConfigurationRequest(key="WebSocketPingInterval", value=value))


def _pings(point: Any) -> float | None:
    websocket = point.uplink.transport.pipe.websocket
    assert websocket.ping_timeout == (min(websocket.ping_interval, 5.0) if websocket.ping_interval else None)
    return websocket.ping_interval  # type: ignore[no-any-return]
