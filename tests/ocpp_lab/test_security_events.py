"""`SecurityEvents`: a log that no flood washes out, and a queue that loses nothing (whitepaper A04, 8)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ocpp_lab import CallFailed, ConnectionLost, StoreFailed
from ocpp_lab import messages as m
from ocpp_lab.security import events
from ocpp_lab.security.events import CRITICAL, PUSHED, SecurityEvents
from ocpp_lab.store import Store
from tests.chains import NIGHT
from tests.fakes import Failing, power_cut
from tests.simulated import clock, fresh_path, simulated

ALARM, KNOCK = "TamperDetectionActivated", "FailedToAuthenticateAtCentralSystem"


class Peer:
    """Hears events; ``answers`` are what becomes of the first ones, None is a good end."""

    def __init__(self, *answers: Exception | None) -> None:
        self.answers = list(answers)
        self.heard: list[tuple[float, str]] = []
        self.requests: list[m.SecurityEventNotificationRequest] = []

    async def __call__(self, request: m.SecurityEventNotificationRequest) -> m.SecurityEventNotificationResponse:
        self.heard.append((clock(), request.tech_info or request.type))
        self.requests.append(request)
        await asyncio.sleep(1)
        if self.answers and (error := self.answers.pop(0)):
            raise error
        return m.SecurityEventNotificationResponse()


def test_the_lists_are_those_of_the_whitepaper() -> None:
    """Section 8; and what the text orders to be told."""
    assert len(CRITICAL) == 7 and len(PUSHED) == 13 and KNOCK not in PUSHED


@simulated
async def test_told_in_order_with_their_own_time() -> None:
    """It happened at 03:10, whenever it is told; what is not critical is not told at all."""
    kept, peer = SecurityEvents(), Peer()
    for n in range(3):
        kept.note(ALARM, NIGHT + timedelta(seconds=n), f"door {n}")
        kept.note(KNOCK, NIGHT)
    await kept.drain(peer)
    assert [request.tech_info for request in peer.requests] == ["door 0", "door 1", "door 2"]
    assert [request.timestamp for request in peer.requests] == [NIGHT + timedelta(seconds=n) for n in range(3)]
    assert kept.waiting() == 0 and len(kept.log()) == 6


@simulated
@pytest.mark.parametrize("error", [ConnectionLost("x"), CallFailed("NotImplemented", "", {})], ids=repr)
async def test_a_no_is_no_delivery(error: Exception) -> None:
    """A04.FR.02: it stays, and the next connection brings it again."""
    kept, peer = SecurityEvents(), Peer(None, error)
    for n in range(3):
        kept.note(ALARM, NIGHT, f"door {n}")
    with pytest.raises(type(error)):
        await kept.drain(peer)
    assert kept.waiting() == 2
    await kept.drain(peer)
    assert [info for _, info in peer.heard] == ["door 0", "door 1", "door 1", "door 2"]


@simulated
async def test_two_drains_send_nothing_twice() -> None:
    kept, peer = SecurityEvents(), Peer()
    for n in range(3):
        kept.note(ALARM, NIGHT, f"door {n}")
    await asyncio.gather(kept.drain(peer), kept.drain(peer))
    assert [info for _, info in peer.heard] == ["door 0", "door 1", "door 2"]


@simulated
async def test_it_survives_a_power_cut_at_any_write(tmp_path: Path) -> None:
    """Noted: it is told. Told but not struck out: told twice. Struck out only when it was answered."""
    for nth in range(1, 30):
        path = fresh_path(tmp_path, "cp.db")
        kept, peer = SecurityEvents(store := Store(path)), Peer()
        noted: list[str] = []
        store.before = failing = Failing(nth)
        try:
            for n in range(2):
                kept.note(ALARM, NIGHT, f"door {n}")
                noted.append(f"door {n}")
            await kept.drain(peer)
        except StoreFailed:
            pass
        copy = power_cut(path)
        store.close()
        again = SecurityEvents(other := Store(copy))
        await again.drain(peer)
        told = [info for _, info in peer.heard]
        assert set(noted) <= set(told) and again.waiting() == 0
        assert [event.info for event in again.log()][: len(noted)] == noted
        other.close()
        if not failing.failed:
            break
    else:
        pytest.fail("the disk failed every time")


def test_a_flood_washes_no_alarm_out() -> None:
    """A thousand knocks at the door, and whoever makes them wants the alarm to go."""
    kept = SecurityEvents(keep=10, push=frozenset())
    kept.note(ALARM, NIGHT, "the door")
    for n in range(1000):
        kept.note(KNOCK, NIGHT + timedelta(seconds=n), str(n))
    log = kept.log()
    assert [event.info for event in log] == ["the door", *map(str, range(990, 1000))]
    for n in range(50):
        kept.note(ALARM, NIGHT, f"door {n}")
    assert len(kept.log()) == 20


def test_what_waits_stays_but_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_WAITING", 30)
    kept = SecurityEvents(keep=10)
    for n in range(50):
        kept.note(ALARM, NIGHT, str(n))
    assert kept.waiting() == 30 and kept.log()[0].info == "20"


def test_limits_of_the_payload() -> None:
    """Whitepaper 5.15: 50 and 255 characters."""
    kept = SecurityEvents()
    kept.note("x" * 60, NIGHT, "y" * 300)
    [event] = kept.log()
    assert (len(event.type), len(event.info or "")) == (50, 255)


@simulated
async def test_while_online_it_is_told_at_once_and_a_refusal_waits() -> None:
    """Whoever does not know the operation is not asked for it without end: after 60 s, 120 s, …"""
    kept, peer = SecurityEvents(), Peer(*[CallFailed("NotImplemented", "", {})] * 2)
    running = asyncio.create_task(kept.run(peer))
    await asyncio.sleep(100)
    kept.note(ALARM, NIGHT, "door")
    await asyncio.sleep(1000)
    kept.note(ALARM, NIGHT, "again")
    await asyncio.sleep(10)
    assert peer.heard == [(100, "door"), (161, "door"), (282, "door"), (1100, "again")]
    peer.answers = [ConnectionLost("x")]
    kept.note(ALARM, NIGHT, "lost")
    with pytest.raises(ConnectionLost):
        await running
    running = asyncio.create_task(kept.run(peer))
    await asyncio.sleep(5)
    assert [info for _, info in peer.heard[-2:]] == ["lost", "lost"] and kept.waiting() == 0
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@simulated
async def test_the_end_of_a_connection_loses_nothing() -> None:
    """It cancels whoever waits for an answer; on the next connection the event is told, though nothing new happened."""
    kept, silent = SecurityEvents(), asyncio.Event()

    async def say_nothing(request: Any) -> None:
        await silent.wait()

    kept.note(ALARM, NIGHT, "door")
    running = asyncio.create_task(kept.run(say_nothing))
    await asyncio.sleep(5)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    running = asyncio.create_task(kept.run(peer := Peer()))
    await asyncio.sleep(5)
    assert peer.heard == [(5, "door")] and kept.waiting() == 0
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("keep", [1, 5])
def test_an_event_that_cannot_be_noted(keep: int) -> None:
    store = Store()
    kept: Any = SecurityEvents(store, keep=keep)
    store.before = Failing(2)
    with pytest.raises(StoreFailed):
        kept.note(ALARM, NIGHT)
    assert kept.log() == []
