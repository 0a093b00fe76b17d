"""`Keyring`: old key, new key, and the time between in which nobody knows which (J-spec 6.2.2; whitepaper A01)."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from ocpp_lab import CallFailed, ChargePoint, ConnectionLost, Event, Trace
from ocpp_lab import messages as m
from ocpp_lab.central_system.keyring import Keyring
from ocpp_lab.credentials import basic_auth
from tests.pair import action_of, central_system_alone, charge_point_alone, pair, simulated

OLD, NEW, NEWER = "0f" * 16, "1e" * 20, "2d" * 18
ENDLESS = {"delays": lambda: itertools.repeat(10.0), "password": OLD}


def opens(keyring: Keyring, key: str | None, identity: str = "CP_1") -> bool:
    return keyring.opens(basic_auth("CP_1", key) if key else None, identity)


def test_without_a_change_one_key_opens() -> None:
    keyring = Keyring({"CP_1": OLD})
    assert opens(keyring, OLD) and not opens(keyring, NEW) and not opens(keyring, None)
    assert opens(keyring, None, "CP_2")  # of whom no key is known


@pytest.mark.parametrize(("used", "other"), [(OLD, NEW), (NEW, OLD)])
def test_either_key_opens_until_one_is_used(used: str, other: str) -> None:
    """The one that is used is the one that the charge point has; a wrong one in between settles nothing."""
    keyring = Keyring({"CP_1": OLD})
    keyring.offer("CP_1", NEW)
    assert not opens(keyring, NEWER) and not opens(keyring, None)
    assert opens(keyring, used)
    assert opens(keyring, used) and not opens(keyring, other)
    assert keyring.keys == {"CP_1": used}


def test_of_two_lost_changes_either_may_have_arrived() -> None:
    keyring = Keyring({"CP_1": OLD})
    keyring.offer("CP_1", NEW)
    keyring.offer("CP_1", NEWER)
    keyring.refused("CP_1", NEWER)
    assert not opens(keyring, NEWER)
    assert opens(keyring, NEW) and not opens(keyring, OLD)


def test_an_offer_is_for_one_charge_point() -> None:
    keyring = Keyring({"CP_1": OLD, "CP_2": OLD})
    keyring.offer("CP_1", NEW)
    assert not keyring.opens(basic_auth("CP_2", NEW), "CP_2")


def test_the_first_key_shuts_the_door() -> None:
    """Who had none, and uses the one that was offered, needs it from now on."""
    keyring = Keyring({})
    keyring.offer("CP_1", NEW)
    assert opens(keyring, NEW) and not opens(keyring, None)


@simulated
@pytest.mark.parametrize("lost", ["request", "reply"])
async def test_a_lost_change_locks_nobody_out(lost: str) -> None:
    """The line dies under the request, or under the reply: it comes back with the key it has, which counts alone."""

    def listen(event: Event) -> None:
        if action_of(event) == "ChangeConfiguration" and event.mark == (">" if lost == "request" else "<"):
            server.sessions["CP_1"].transport.pipe.abort()  # type: ignore[attr-defined]

    traces: dict[str, Any] = {lost: Trace(listener=listen)}
    async with central_system_alone(passwords={"CP_1": OLD}, trace=traces.get("request")) as server:
        async with charge_point_alone(trace=traces.get("reply"), **ENDLESS) as point:
            await point.wait_for("online")
            with pytest.raises(ConnectionLost):
                await _change(server, NEW)
            await _back(point)
            assert point.dialler.password == (OLD if lost == "request" else NEW)
            assert server.passwords == {"CP_1": point.dialler.password}
            assert not server.refused


@simulated
async def test_a_change_that_was_refused_opens_nothing() -> None:
    """A CallError is definite, and so is Rejected: the charge point did not take it."""
    async with pair(server={"passwords": {"CP_1": OLD}}, **ENDLESS) as (server, point):
        await point.wait_for("online")
        assert (await _change(server, "too short")).status == "Rejected"
        point.configuration.change = _fail  # type: ignore[method-assign]
        with pytest.raises(CallFailed):
            await _change(server, NEW)
        for key in ("too short", NEW):
            assert not server._keyring.opens(basic_auth("CP_1", key), "CP_1")
        assert server.passwords == {"CP_1": OLD}


async def _change(server: Any, key: str) -> m.ChangeConfigurationResponse:
    request = m.ChangeConfigurationRequest(key="AuthorizationKey", value=key)
    response: m.ChangeConfigurationResponse = await server["CP_1"].call(request)
    return response


async def _back(point: ChargePoint) -> None:
    await point.wait_for("waiting")
    await point.wait_for("online")


def _fail(name: str, value: str) -> Any:
    raise CallFailed("InternalError", "the flash is full")
