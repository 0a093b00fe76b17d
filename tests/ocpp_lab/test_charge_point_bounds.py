"""What a central system can make a charge point remember, by asking for more than it ever answers: not much."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from ocpp_lab import Call, CallResult, CentralSystem, ChargePoint, Event, Outbox, Store, TransactionIds, encode
from ocpp_lab import messages as m
from ocpp_lab import transaction_ids as ids_room
from ocpp_lab.charge_point import authorization, statuses
from ocpp_lab.charge_point.authorization import AuthorizationCache
from ocpp_lab.charge_point.transactions import Transactions
from tests.fakes import NOON
from tests.own_side import online
from tests.pair import actions, on, payloads
from tests.simulated import simulated

STATUS, START, AUTHORIZE = "StatusNotification", "StartTransaction", "Authorize"


async def flood(central_system: CentralSystem, action: str, *asked: dict[str, Any]) -> None:
    """These calls, without waiting for any answer: what no central system of ours does."""
    transport = central_system["CP_1"].transport

    async def send() -> None:
        for number, payload in enumerate(asked):
            await transport.send(encode(Call(f"{action} {number}", action, payload)))

    await on("cs", send())
    await asyncio.sleep(1)


def answers(central_system: CentralSystem, action: str) -> list[str]:
    """How such a flood was answered, in order."""
    frames = [event.frame for event in central_system.received]
    replies = [each for each in frames if isinstance(each, CallResult) and each.unique_id.startswith(f"{action} ")]
    return [each.payload["status"] for each in replies]


def told(central_system: CentralSystem) -> list[tuple[int, str]]:
    return [(each["connectorId"], each["status"]) for each in payloads(central_system, STATUS)]


@simulated(seed=1)
async def test_changes_that_nobody_answers_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each change of availability is one to be told. Too many, and only what is true in the end is told."""
    monkeypatch.setattr(statuses, "MOST_CHANGES", 20)
    async with online(connectors=2, timeout=1000) as (central_system, charge_point):
        central_system.faults.ignore(STATUS)
        kinds = [{"connectorId": 0, "type": kind} for kind in ("Inoperative", "Operative") * 500]
        await flood(central_system, "ChangeAvailability", *kinds, kinds[0])
        assert answers(central_system, "ChangeAvailability") == ["Accepted"] * 1001
        changes = charge_point.statuses._changes
        assert changes is not None and changes.qsize() <= 20 + len(charge_point.connectors)
        central_system.faults.clear()
        charge_point.connectors[0].become("Available")
        await asyncio.sleep(2000)  # the one on the wire has had its time
        newest = dict(told(central_system))
        assert newest == {number: place.status for number, place in charge_point.connectors.items()}
        assert newest[1] == "Unavailable" and len(told(central_system)) <= 3 + 1 + 20 + 3 + 3


@simulated(seed=1)
async def test_a_status_that_is_never_answered_waits_once_for_each_connector() -> None:
    """However often it changes meanwhile: there is one wait before it is told again, and not one for each silence."""
    async with online(connectors=2, timeout=1.0, retry_interval=10_000.0) as (central_system, _):
        central_system.faults.ignore(STATUS)
        for _ in range(20):
            for kind in ("Inoperative", "Operative"):
                await flood(central_system, "ChangeAvailability", {"connectorId": 1, "type": kind})
        await asyncio.sleep(200)
        waiting = [task for task in asyncio.all_tasks() if task.get_name() == "CP_1 StatusNotification again"]
        assert len(waiting) == 1


@simulated(seed=1)
async def test_remote_starts_that_are_to_be_asked_for_do_not_pile_up() -> None:
    """Core 5.11, AuthorizeRemoteTxRequests: one asks, one waits to ask, the others hear no."""
    async with online({"AuthorizeRemoteTxRequests": "true"}, timeout=1000) as (central_system, charge_point):
        charge_point.charging.plug_in(1)
        await asyncio.sleep(1)
        central_system.faults.ignore(AUTHORIZE)
        tasks = len(asyncio.all_tasks())
        await flood(central_system, "RemoteStartTransaction", *({"idTag": f"TAG_{n}"} for n in range(1000)))
        said = answers(central_system, "RemoteStartTransaction")
        assert len(said) == 1000 and 1 <= said.count("Accepted") <= 2 and said[0] == "Accepted"
        assert len(asyncio.all_tasks()) - tasks <= 5


@simulated(seed=1)
async def test_remote_starts_do_not_fill_an_outbox_that_is_never_emptied() -> None:
    """Start and stop are never thinned out, so what a peer may begin ends at the limit; a driver is still served."""
    async with online(timeout=1000) as (central_system, charge_point):
        charge_point.outbox.limit = 10
        central_system.faults.ignore(START)
        charge_point.charging.plug_in(1)
        for _ in range(20):
            await flood(central_system, "RemoteStartTransaction", {"idTag": "TAG_A"})
            charge_point.charging.stop(1, "Remote")
            charge_point.charging.unplug(1)
            charge_point.charging.plug_in(1)
        assert answers(central_system, "RemoteStartTransaction") == ["Accepted"] * 5 + ["Rejected"] * 15
        assert len(charge_point.outbox) == 10
        charge_point.charging.start(1, "TAG_A")
        assert len(charge_point.outbox) == 11


@simulated(seed=1)
async def test_resets_do_not_pile_up() -> None:
    """A thousand in one breath are one goodbye: while it is said, nothing more is begun."""
    async with online() as (central_system, charge_point):
        central_system.faults.ignore(START)  # the goodbye waits a second for the answer to it
        charge_point.charging.plug_in(1)
        charge_point.charging.start(1, "TAG_A")
        await asyncio.sleep(0.5)
        tasks, most = len(asyncio.all_tasks()), 0

        def count(event: Event) -> None:
            nonlocal most
            most = max(most, len(asyncio.all_tasks()) - tasks)

        central_system.trace.listener = count
        await flood(central_system, "Reset", *[{"type": "Hard"}] * 1000)
        assert most < 100
        central_system.faults.clear()
        await charge_point.wait_for("online")
        assert actions(central_system).count("BootNotification") == 2


# In the file ----------------------------------------------------------------------------------------------------------


def test_the_cache_keeps_the_newest_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    """A central system may invent tags. One that it goes on speaking of is not the one to forget."""
    monkeypatch.setattr(authorization, "MOST_TAGS", 10)
    cache = AuthorizationCache()
    for number in range(100):
        cache.learn(f"TAG_{number}", m.IdTagInfo(status="Accepted"))
        cache.learn("Faithful", m.IdTagInfo(status="Accepted"))
    [(count,)] = cache._store.execute("SELECT count(*) FROM tags")
    assert count == 10 and cache.status("FAITHFUL", NOON) == "Accepted"
    assert cache.status("TAG_99", NOON) == "Accepted" and cache.status("TAG_90", NOON) is None
    cache.close()


def test_ids_of_what_is_over_are_forgotten_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction that runs, and one whose stop is still to be sent, has its id, however many came after it."""
    monkeypatch.setattr(ids_room, "MOST_IDS", 10)
    store = Store()
    ids, transactions, outbox = TransactionIds(store), Transactions(store), Outbox(store)
    transactions.open("runs", 1, "TAG_A", NOON, 0)
    ids.learn("runs", 1)
    stop = m.StopTransactionRequest(transaction_id=-1, meter_stop=1, timestamp=NOON + timedelta(hours=1))
    key = outbox.put(stop, "has a stop")
    ids.learn("has a stop", 2)
    for number in range(100):
        ids.learn(f"learnt {number}", number) if number % 2 else ids.give_up(f"given up {number}")
    [(count,)] = store.execute("SELECT count(*) FROM transaction_ids")
    assert count == 12 and (ids.get("runs"), ids.get("has a stop")) == (1, 2)
    assert (ids.get("learnt 99"), ids.get("given up 98"), ids.get("learnt 1")) == (99, -1, None)
    outbox.delete(key)
    transactions.strike_out("runs")
    ids.learn("one more", 3)
    assert ids.get("runs") is None and ids.get("has a stop") is None
    store.close()


def test_a_message_that_was_thinned_out_leaves_nothing_behind() -> None:
    """It had failed, and its next attempt had an instant."""
    outbox = Outbox(limit=4)
    value = m.MeterValue(timestamp=NOON, sampled_value=[m.SampledValue(value="1")])
    reading = m.MeterValuesRequest(connector_id=1, meter_value=[value])
    keys = [outbox.put(reading) for _ in range(4)]
    outbox._not_before |= dict.fromkeys(keys, 1.0)
    outbox.put(reading)
    assert set(outbox._not_before) == {entry.key for entry in outbox.entries()} & set(keys)
    outbox.close()


async def test_a_charge_point_knows_its_own_identity() -> None:
    """255 characters are an identity, and 256 are none: what was expected, and what came."""
    assert ChargePoint("ws://cs", "x" * 255).identity == "x" * 255
    with pytest.raises(ValueError, match="expected an identity of at most 255 characters, came one of 256: xxx"):
        ChargePoint("ws://cs", "x" * 256)
