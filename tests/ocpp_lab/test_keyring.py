"""`Keyring`: old key, new key, and the time between in which nobody knows which (J-spec 6.2.2; whitepaper A01)."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from ocpp_lab import CallFailed, ConnectionLost, Event, Ledger, StoreFailed, Trace
from ocpp_lab import messages as m
from ocpp_lab.central_system.keyring import MOST_OFFERS, Keyring
from ocpp_lab.credentials import basic_auth
from tests.fakes import Failing
from tests.pair import action_of, actions, central_system_alone, charge_point_alone, pair, simulated

OLD, NEW, NEWER = "0f" * 16, "1e" * 20, "2d" * 18
ENDLESS = {"delays": lambda: itertools.repeat(10.0), "password": OLD}


def ring(**configured: str) -> Keyring:
    return Keyring(configured, Ledger())


def opens(keyring: Keyring, key: str | None, identity: str = "CP_1") -> bool:
    return keyring.opens(basic_auth(identity, key) if key else None, identity)


def test_without_a_change_one_key_opens() -> None:
    keyring = ring(CP_1=OLD)
    assert opens(keyring, OLD) and not opens(keyring, NEW) and not opens(keyring, None)
    assert opens(keyring, None, "CP_2")  # of whom no key is known


def test_a_dial_with_the_old_key_withdraws_no_newer_offer() -> None:
    """Seen before: the request was still on its way, the charge point took it after the dial, and was locked out."""
    keyring = ring(CP_1=OLD)
    keyring.offer("CP_1", NEW)
    assert not opens(keyring, NEWER) and not opens(keyring, None)
    for _ in range(2):
        assert opens(keyring, OLD)
    assert opens(keyring, NEW)


def test_a_dial_with_the_new_key_ends_the_older() -> None:
    keyring = ring(CP_1=OLD)
    keyring.offer("CP_1", NEW)
    assert opens(keyring, NEW) and opens(keyring, NEW)
    assert not opens(keyring, OLD)


def test_an_answer_ends_the_older_keys_and_no_newer_one() -> None:
    """Whitepaper A01: Accepted says that the old key is not used any more; it says nothing of the next offer."""
    keyring = ring(CP_1=OLD)
    first, _ = keyring.offer("CP_1", NEW), keyring.offer("CP_1", NEWER)
    keyring.accepted("CP_1", first)
    assert not opens(keyring, OLD)
    assert opens(keyring, NEW) and opens(keyring, NEWER)
    assert not opens(keyring, NEW)


def test_of_two_lost_changes_either_may_have_arrived() -> None:
    keyring = ring(CP_1=OLD)
    keyring.offer("CP_1", NEW)
    keyring.refused("CP_1", keyring.offer("CP_1", NEWER))
    assert not opens(keyring, NEWER)
    assert opens(keyring, NEW) and not opens(keyring, OLD)


def test_offers_without_an_answer_are_bounded() -> None:
    """Sixteen of them open the door; beside the configured key, and later beside the one that was proved last."""
    ledger = Ledger()
    keyring, keys = Keyring({"CP_1": OLD}, ledger), [f"{n:032x}" for n in range(100)]
    for key in keys[:40]:
        keyring.offer("CP_1", key)
    assert len(ledger.keys()["CP_1"]) == 1 + MOST_OFFERS and opens(keyring, OLD)
    assert not opens(keyring, keys[0]) and not opens(keyring, keys[23])
    assert opens(keyring, keys[24])  # and so it is proved
    assert not opens(keyring, OLD)
    for key in keys[40:]:
        keyring.offer("CP_1", key)
    assert len(ledger.keys()["CP_1"]) == 2 + MOST_OFFERS
    assert opens(keyring, keys[24]) and not opens(keyring, keys[83]) and not opens(keyring, OLD)
    assert opens(keyring, keys[84]) and opens(keyring, keys[99])


def test_what_it_proved_to_have_is_not_refused() -> None:
    """It dialled with the key; whatever it answers then on an older connection, it has it."""
    keyring = ring(CP_1=OLD)
    offer = keyring.offer("CP_1", NEW)
    assert opens(keyring, NEW)
    keyring.refused("CP_1", offer)
    assert opens(keyring, NEW)


def test_an_offer_is_for_one_charge_point() -> None:
    keyring = ring(CP_1=OLD, CP_2=OLD)
    keyring.offer("CP_1", NEW)
    assert not opens(keyring, NEW, "CP_2")
    assert not keyring.opens(basic_auth("CP_1", OLD), "CP_2") and not keyring.opens(basic_auth("CP_2", NEW), "CP_1")


def test_the_first_key_shuts_the_door() -> None:
    """Who had none, and uses the one that was offered, needs it from now on, also after a restart."""
    ledger = Ledger()
    keyring = Keyring({}, ledger)
    keyring.offer("CP_1", NEW)
    assert opens(keyring, None) and opens(keyring, OLD)
    for each in (keyring, Keyring({}, ledger)):
        assert opens(each, NEW) and not opens(each, None) and not opens(each, OLD)


@pytest.mark.parametrize("presented", [NEW, bytes.fromhex(NEW), NEW.upper().encode(), NEW.encode()], ids=repr)
def test_raw_or_as_hex(presented: Any) -> None:
    """A key that was offered is known by the same two readings as a configured one; libocpp sends hex."""
    keyring = ring(CP_1=OLD)
    keyring.offer("CP_1", NEW)
    assert opens(keyring, presented) and not opens(keyring, OLD)


# In the ledger --------------------------------------------------------------------------------------------------------


def test_keys_survive_a_restart_and_nobody_can_read_them(tmp_path: Path) -> None:
    """What is in the file tells whether a password is right, and no password. Salted: twice the
    same key is not twice the same row."""
    path = str(tmp_path / "ledger.db")
    ledger = Ledger(path)
    keyring = Keyring({"CP_1": OLD, "CP_2": OLD}, ledger)
    for identity in ("CP_1", "CP_2"):
        keyring.accepted(identity, keyring.offer(identity, NEW))
        keyring.offer(identity, NEWER)
    assert len({row["digest"] for row in ledger.query("SELECT digest FROM keys")}) == 6
    ledger.close()
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    for key in (OLD, NEW, NEWER):
        assert key.encode() not in kept and bytes.fromhex(key) not in kept
    again = Keyring({"CP_1": OLD, "CP_2": OLD}, ledger := Ledger(path))
    assert not opens(again, OLD)
    assert opens(again, NEW)
    assert opens(again, NEWER) and not opens(again, NEW)
    ledger.close()


def test_a_configured_key_that_changes_counts_alone() -> None:
    """At a restart or while it runs: it is what the operator says, and he may be shutting somebody out."""
    configured, ledger = {"CP_1": OLD}, Ledger()
    keyring = Keyring(configured, ledger)
    keyring.accepted("CP_1", keyring.offer("CP_1", NEW))
    keyring.offer("CP_1", "3c" * 16)
    restarted = Keyring({"CP_1": NEWER}, ledger)
    configured["CP_1"] = NEWER
    for each in (keyring, restarted, Keyring({"CP_1": NEWER}, ledger)):
        assert not opens(each, NEW) and not opens(each, OLD) and not opens(each, "3c" * 16)
        assert opens(each, NEWER)
    assert ledger.keys() == {}


def test_who_forgets_the_passwords_opens_no_door() -> None:
    """Started once without them, it knows the key that it changed, and does not take that for a change."""
    ledger = Ledger()
    keyring = Keyring({"CP_1": OLD}, ledger)
    keyring.accepted("CP_1", keyring.offer("CP_1", NEW))
    for configured in ({}, {"CP_1": OLD}):
        again = Keyring(configured, ledger)
        assert opens(again, NEW) and not opens(again, None) and not opens(again, OLD)


def test_an_offer_is_kept_before_it_is_sent() -> None:
    """If it cannot be, it is none: the next life would not know it."""
    ledger = Ledger()
    keyring = Keyring({"CP_1": OLD}, ledger)
    for nth in range(1, 6):  # BEGIN, DELETE, two INSERTs, COMMIT
        ledger.before = Failing(nth)
        with pytest.raises(StoreFailed):
            keyring.offer("CP_1", NEW)
        assert ledger.keys() == {} and not opens(keyring, NEW) and opens(keyring, OLD)
    keyring.offer("CP_1", NEW)
    assert opens(Keyring({"CP_1": OLD}, ledger), NEW)


def test_a_proof_that_cannot_be_kept_is_a_proof(caplog: pytest.LogCaptureFixture) -> None:
    """The right key opens, whatever the file does; what the file still has opens again after a restart."""
    ledger = Ledger()
    keyring = Keyring({"CP_1": OLD}, ledger)
    keyring.offer("CP_1", NEW)
    ledger.before = Failing(1, once=False)
    assert opens(keyring, NEW) and not opens(keyring, OLD)
    assert "could not be taken out of the ledger" in caplog.text and "StoreFailed" in caplog.text
    ledger.before = lambda sql: None
    again = Keyring({"CP_1": OLD}, ledger)
    assert opens(again, OLD) and opens(again, NEW) and not opens(again, OLD)


# With both ends -------------------------------------------------------------------------------------------------------


@simulated
@pytest.mark.parametrize("lost", ["request", "reply"])
async def test_a_lost_change_locks_nobody_out(lost: str) -> None:
    """The line dies under the request, or under the reply: it comes back with the key it has, at a central system that
    has restarted meanwhile."""

    def listen(event: Event) -> None:
        if action_of(event) == "ChangeConfiguration" and event.mark == (">" if lost == "request" else "<"):
            server.sessions["CP_1"].transport.pipe.abort()  # type: ignore[attr-defined]

    traces: dict[str, Any] = {lost: Trace(listener=listen)}
    life: dict[str, Any] = {"passwords": {"CP_1": OLD}, "ledger": Ledger()}
    async with charge_point_alone(trace=traces.get("reply"), **ENDLESS) as point:
        async with central_system_alone(trace=traces.get("request"), **life) as server:
            await point.wait_for("online")
            with pytest.raises(ConnectionLost):
                await _change(server, NEW)
        async with central_system_alone(**life) as server:
            await point.wait_for("online")
            assert point.dialler.password == (OLD if lost == "request" else NEW)
            assert opens(server._keyring, point.dialler.password)
            assert opens(server._keyring, OLD) is (lost == "request")
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
            assert not opens(server._keyring, key)
        assert opens(server._keyring, OLD) and server.ledger.keys() == {}


@simulated
async def test_a_change_that_cannot_be_kept_is_not_sent() -> None:
    """`StoreFailed` is definite: the operator may try again."""
    ledger = Ledger()
    async with pair(server={"passwords": {"CP_1": OLD}, "ledger": ledger}, **ENDLESS) as (server, point):
        await point.wait_for("online")
        ledger.before = Failing(1)
        with pytest.raises(StoreFailed):
            await _change(server, NEW)
        assert "ChangeConfiguration" not in actions(server) and point.dialler.password == OLD
        assert not any(action_of(event) == "ChangeConfiguration" for event in server.trace)
        assert (await _change(server, NEW)).status == "Accepted"


async def _change(server: Any, key: str) -> m.ChangeConfigurationResponse:
    request = m.ChangeConfigurationRequest(key="AuthorizationKey", value=key)
    response: m.ChangeConfigurationResponse = await server["CP_1"].call(request)
    return response


def _fail(name: str, value: str) -> Any:
    raise CallFailed("InternalError", "the flash is full")
