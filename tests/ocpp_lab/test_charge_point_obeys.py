"""What a charge point does when it is told to: the Core and RemoteTrigger profiles (core 5), on simulated time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ocpp_lab import CallFailed, CallTimeout, CentralSystem, ChargePoint, Policy, Router
from ocpp_lab import messages as m
from tests.pair import actions, calls, connections, exchange, on, pair, payloads, simulated
from tests.simulated import clock

OLD, NEW = "00" * 16, "ff" * 20


@asynccontextmanager
async def online(**options: Any) -> AsyncIterator[tuple[CentralSystem, ChargePoint]]:
    """Both, a second after the boot: everything that follows from it has been said."""
    async with pair(**options) as (central_system, charge_point):
        await charge_point.wait_for("online")
        await asyncio.sleep(1)
        yield central_system, charge_point


async def change(central_system: CentralSystem, key: str, value: str) -> m.ConfigurationStatus:
    answer = await central_system["CP_1"].call(m.ChangeConfigurationRequest(key=key, value=value))
    return answer.status


async def read(central_system: CentralSystem, *keys: str) -> m.GetConfigurationResponse:
    return await central_system["CP_1"].call(m.GetConfigurationRequest(key=list(keys) or None))


# ChangeConfiguration --------------------------------------------------------------------------------------------------


@simulated(seed=1)
@pytest.mark.parametrize(
    ("key", "value", "status"),
    [
        ("HeartbeatInterval", "60", "Accepted"),
        ("heartbeatinterval", "60", "Accepted"),  # core 7.17: CiString50Type
        ("HeartbeatInterval", "0", "Rejected"),
        ("HeartbeatInterval", "-1", "Rejected"),
        ("HeartbeatInterval", "1.5", "Rejected"),
        ("HeartbeatInterval", "soon", "Rejected"),
        ("HeartbeatInterval", "", "Rejected"),
        ("HeartbeatInterval", "٦", "Rejected"),  # a digit, for Unicode
        ("MeterValueSampleInterval", "0", "Accepted"),
        ("LocalPreAuthorize", "TRUE", "Accepted"),
        ("LocalPreAuthorize", "yes", "Rejected"),
        ("NumberOfConnectors", "9", "Rejected"),
        ("AuthorizationKey", "short", "Rejected"),
        ("AuthorizationKey", "xy" * 20, "Rejected"),
        ("NoSuchKey", "1", "NotSupported"),
    ],
)
async def test_change_configuration(key: str, value: str, status: str) -> None:
    """Core 5.3: unknown key, NotSupported; read-only or a bad value, Rejected, and the old value stays."""
    async with online() as (central_system, charge_point):
        before = {name: each.value for name, each in charge_point.configuration.keys.items()}
        assert await change(central_system, key, value) == status
        after = {name: each.value for name, each in charge_point.configuration.keys.items()}
        if status == "Accepted":
            found = charge_point.configuration.find(key)
            assert found and found.value == value
        else:
            assert after == before


@simulated
@pytest.mark.parametrize("interval", [30, 500])
async def test_heartbeat_interval_is_live(interval: int) -> None:
    """Core 9.1: a shorter interval and a longer one both hold for the wait that has begun; and after a reconnect."""
    async with online(policy=Policy(interval=100), delays=lambda: itertools.repeat(1.0)) as (central_system, _):
        assert await change(central_system, "HeartbeatInterval", str(interval)) == "Accepted"
        await asyncio.sleep(2 * interval)
        beats = [at for at, action in calls(central_system) if action == "Heartbeat"]
        assert beats == [interval, 2 * interval]
        await on("cs", central_system["CP_1"].close(1001))
        await asyncio.sleep(1.5)
        back = clock() - 0.5
        await asyncio.sleep(interval)
        assert calls(central_system)[-1] == (back + interval, "Heartbeat")


@simulated
async def test_message_timeout_is_live() -> None:
    """Core errata 3.82: MessageTimeout is how long a call waits for its answer."""
    async with online() as (central_system, charge_point):
        assert await change(central_system, "MessageTimeout", "5") == "Accepted"
        central_system.faults.ignore("Heartbeat")
        began = clock()
        with pytest.raises(CallTimeout):
            await charge_point.call(m.HeartbeatRequest())
        assert clock() - began == 5


@simulated
async def test_new_authorization_key_is_used_at_the_next_dial() -> None:
    """Whitepaper A01: first the answer, then the connection is closed, and dialled again with the new key."""
    options: dict[str, Any] = {"password": OLD, "delays": lambda: itertools.repeat(1.0)}
    async with online(server={"passwords": {"CP_1": OLD}}, **options) as (central_system, charge_point):
        central_system.passwords["CP_1"] = NEW
        before = len(exchange(central_system))
        assert await change(central_system, "AuthorizationKey", NEW) == "Accepted"
        await charge_point.wait_for("waiting")
        await charge_point.wait_for("online")
        await asyncio.sleep(1)
        assert connections(central_system) == 2
        assert exchange(central_system)[before:] == ["> ChangeConfiguration", "< result"]  # no boot: J-spec 5.4
        assert not [event for event in central_system.trace if "HTTP 401" in event.text]


@simulated
async def test_key_changed_behind_its_back() -> None:
    """Read at each dial: a technician sets the right key, and the charge point that was refused gets in."""
    async with pair(server={"passwords": {"CP_1": NEW}}, password=OLD) as (central_system, charge_point):
        await asyncio.sleep(100)
        assert not calls(central_system)
        charge_point.dialler.password = NEW
        await charge_point.wait_for("online")


# GetConfiguration -----------------------------------------------------------------------------------------------------


@simulated
async def test_get_all_configuration() -> None:
    """Core 5.8: no key named means all of them, but never the AuthorizationKey (J-spec 6.2.2)."""
    async with online(connectors=3, password=OLD) as (central_system, charge_point):
        answer = await read(central_system)
        found = {entry.key: (entry.value, entry.readonly) for entry in answer.configuration_key or []}
        assert set(found) == set(charge_point.configuration.keys) - {"AuthorizationKey"}
        assert found["NumberOfConnectors"] == ("3", True)
        assert found["HeartbeatInterval"] == ("300", False)
        assert answer.unknown_key is None
        none_named = await central_system["CP_1"].call(m.GetConfigurationRequest(key=[]))
        assert none_named == answer


@simulated
async def test_get_some_configuration() -> None:
    """Core 5.8: what is asked for, what is unknown apart; a write-only key exists and says nothing."""
    async with online(password=OLD) as (central_system, _):
        answer = await read(central_system, "NoSuchKey", "heartbeatInterval", "AuthorizationKey")
        assert answer.configuration_key == [
            m.KeyValue(key="HeartbeatInterval", readonly=False, value="300"),
            m.KeyValue(key="AuthorizationKey", readonly=False),
        ]
        assert answer.unknown_key == ["NoSuchKey"]


@simulated
async def test_get_too_much_configuration() -> None:
    """Core 9.1: more keys than GetConfigurationMaxKeys get a CallError; the limit itself is fine."""
    async with online() as (central_system, charge_point):
        limit = int(charge_point.configuration["GetConfigurationMaxKeys"])
        answer = await read(central_system, *[f"key {n}" for n in range(limit)])
        assert len(answer.unknown_key or []) == limit
        with pytest.raises(CallFailed, match=rf"PropertyConstraintViolation.*at most {limit}"):
            await read(central_system, *[f"key {n}" for n in range(limit + 1)])


# The rest of the Core profile -----------------------------------------------------------------------------------------


@simulated
@pytest.mark.parametrize(("connector", "affected"), [(0, [0, 1, 2]), (2, [2])])
async def test_change_availability(connector: int, affected: list[int]) -> None:
    """Core 5.2: the answer, then a StatusNotification for each; connector 0 is the charge point and all connectors."""
    async with online(connectors=2) as (central_system, charge_point):
        for kind, status in (("Inoperative", "Unavailable"), ("Operative", "Available")):
            before = len(exchange(central_system)), len(payloads(central_system, "StatusNotification"))
            request = m.ChangeAvailabilityRequest(connector_id=connector, type=kind)  # type: ignore[arg-type]
            assert (await central_system["CP_1"].call(request)).status == "Accepted"
            await asyncio.sleep(1)
            assert exchange(central_system)[before[0] :][:2] == ["> ChangeAvailability", "< result"]
            told = payloads(central_system, "StatusNotification")[before[1] :]
            assert [(each["connectorId"], each["status"]) for each in told] == [(each, status) for each in affected]
            assert {charge_point.connectors[each].status for each in affected} == {status}


@simulated
async def test_change_availability_of_no_connector() -> None:
    """Core 5.2: Rejected, and nothing is sent."""
    async with online(connectors=2) as (central_system, _):
        before = len(calls(central_system))
        request = m.ChangeAvailabilityRequest(connector_id=3, type="Inoperative")
        assert (await central_system["CP_1"].call(request)).status == "Rejected"
        await asyncio.sleep(1)
        assert len(calls(central_system)) == before


SIMPLE: list[tuple[Any, str]] = [
    (m.UnlockConnectorRequest(connector_id=2), "Unlocked"),
    (m.UnlockConnectorRequest(connector_id=3), "NotSupported"),  # core errata 3.85
    (m.ClearCacheRequest(), "Rejected"),  # core errata 3.23: there is no cache
    (m.DataTransferRequest(vendor_id="nobody"), "UnknownVendorId"),  # core 5.6
]


@simulated(seed=1)
@pytest.mark.parametrize(("request_", "status"), SIMPLE, ids=lambda value: getattr(value, "action", value))
async def test_answers(request_: Any, status: str) -> None:
    """Core 5.4, 5.6, 5.18."""
    async with online(connectors=2) as (central_system, _):
        assert (await central_system["CP_1"].call(request_)).status == status


@simulated
async def test_what_it_does_not_do_it_says() -> None:
    """J-spec 4.2.3: an operation without a handler is NotSupported."""
    async with online() as (central_system, charge_point):
        charge_point.router = Router("ChargePoint")  # of somebody who does nothing
        with pytest.raises(CallFailed) as refused:
            await central_system["CP_1"].call(m.GetLocalListVersionRequest())
        assert refused.value.code == "NotSupported"


# TriggerMessage -------------------------------------------------------------------------------------------------------


@simulated
@pytest.mark.parametrize(
    ("message", "connector", "status", "sent"),
    [
        ("Heartbeat", None, "Accepted", ["Heartbeat"]),
        ("StatusNotification", None, "Accepted", ["StatusNotification"] * 3),
        ("StatusNotification", 1, "Accepted", ["StatusNotification"]),
        ("StatusNotification", 9, "Rejected", []),
        ("BootNotification", None, "Rejected", []),  # core errata 3.35: not once it is accepted
        ("FirmwareStatusNotification", None, "Accepted", ["FirmwareStatusNotification"]),
        ("DiagnosticsStatusNotification", None, "Accepted", ["DiagnosticsStatusNotification"]),
    ],
)
async def test_trigger_message(message: Any, connector: int | None, status: str, sent: list[str]) -> None:
    """Core 5.17: the answer first, then what was asked for, then silence again."""
    async with online(connectors=2) as (central_system, _):
        before = len(exchange(central_system)), len(actions(central_system))
        request = m.TriggerMessageRequest(requested_message=message, connector_id=connector)
        assert (await central_system["CP_1"].call(request)).status == status
        await asyncio.sleep(10)
        assert exchange(central_system)[before[0] :][:2] == ["> TriggerMessage", "< result"]
        assert actions(central_system)[before[1] :] == sent
