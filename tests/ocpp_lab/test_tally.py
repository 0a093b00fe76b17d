"""Every call that starts has exactly one counted end, so the accounts balance: under every fault, over every line."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest

from ocpp_course import fit
from ocpp_lab import CallError, CentralSystem, ChargePoint, OcppError, PayloadError, Tally, encode
from ocpp_lab import messages as m
from ocpp_lab.frames import ERROR_CODES
from ocpp_lab.pipe import pipe_pair
from ocpp_lab.session import Session
from ocpp_lab.simulation import World, chaos, simulate
from ocpp_lab.tally import OUTCOMES
from ocpp_lab.transport import Transport
from tests.fakes import FakePipe, Peer, Silent, conversation, heartbeat_response
from tests.house import scaled
from tests.pair import charge_point_alone, cut, heal, on, serving
from tests.simulated import quiet, simulated

BEAT = m.HeartbeatRequest()
MISSPELT = "Not a code of the specification"


async def ends(session: Session, **options: Any) -> None:
    with suppress(OcppError):
        await session.call(BEAT, **options)


async def replies(peer: Peer, outcome: str) -> None:
    """Hear one call and do to it what leads to that outcome."""
    call = await peer.hears()
    match outcome:
        case "result":
            await peer.says(3, call[1], heartbeat_response())
        case "error":
            await peer.says(4, call[1], "InternalError", "", {})
        case "malformed":
            await peer.says(3, call[1], {"currentTime": "noon"})
        case "lost":
            peer.pipe.abort()


@simulated
@pytest.mark.parametrize(
    ("what", "outcome"),
    [
        ("result", "result"),
        ("error", "error"),
        ("malformed", "error"),  # the peer did answer
        ("timeout", "timeout"),
        ("lost", "lost"),
    ],
)
async def test_one_call_one_end(what: str, outcome: str) -> None:
    """J-spec 4.1: one start, one end, told once with its seconds."""
    told: list[tuple[str, float]] = []
    tally = Tally(lambda how, seconds: told.append((how, seconds)))
    async with conversation(tally=tally) as (session, peer):
        calling = asyncio.create_task(ends(session, timeout=7))
        await replies(peer, what)
        await calling
    assert tally.started == {"Heartbeat": 1}
    assert tally.ended == {("Heartbeat", outcome): 1}
    assert [how for how, _ in told] == [outcome] and told[0][1] == pytest.approx(7 if what == "timeout" else 0, abs=0.1)
    assert tally.imbalance() == {} and tally.pending() == 0


@simulated
async def test_a_cancelled_call_has_an_end_too() -> None:
    """Whoever stopped waiting: in flight until then, cancelled after."""
    async with conversation() as (session, peer):
        calling = asyncio.create_task(ends(session))
        await peer.hears()
        await asyncio.sleep(0.001)  # a call may leave before the reader had its first turn, and is counted from then on
        assert session.tally.imbalance() == {"Heartbeat": 1} and session.tally.pending() == 1
        calling.cancel()
        await asyncio.wait([calling])
        assert session.tally.ended == {("Heartbeat", "cancelled"): 1}
        assert session.tally.imbalance() == {} and session.tally.pending() == 0


@simulated
async def test_what_never_left_is_no_call() -> None:
    """Our own mistake, and a session that is over: nothing was sent, nothing is counted, no frame either."""
    async with conversation() as (session, _):
        with pytest.raises(PayloadError):
            await session.call(m.AuthorizeRequest(id_tag="x" * 21))
        await session.close()
        await ends(session)
        assert (session.tally.started, session.tally.ended, session.tally.frames) == ({}, {}, {})


@simulated
async def test_a_full_queue_that_stays_full() -> None:
    """A timeout, and no frame: the text never reached the line."""
    pipe = FakePipe()
    pipe.stall()
    session = Session(Transport(pipe, limit=1), Silent(), timeout=5)
    running = asyncio.create_task(session.run())
    for text in ("on its way", "in the queue"):
        await session.transport.send(text)
    await ends(session)
    assert session.tally.ended == {("Heartbeat", "timeout"): 1} and session.tally.frames == {}
    pipe.flow()
    await session.close()
    await running


@simulated
async def test_codes_of_a_hostile_peer() -> None:
    """J-spec 4.2.3: the ten codes of the specification, and one name for whatever else a peer comes up with."""
    async with conversation() as (session, peer):
        for code in [*sorted(ERROR_CODES), *(f"{MISSPELT} {n}" for n in range(50))]:
            calling = asyncio.create_task(ends(session))
            call = await peer.hears()
            await peer.says(4, call[1], code, "", {})
            await calling
        assert session.tally.errors == {**dict.fromkeys(ERROR_CODES, 1), "other": 50}
        assert session.tally.ended == {("Heartbeat", "error"): 60}


@simulated
async def test_frames_bytes_and_strays() -> None:
    """Frames by direction and type; bytes as UTF-8; a reply for nobody by its fate. All outlive the session."""
    tally = Tally()
    sent, came = 0, 0
    async with conversation(tally=tally, timeout=3) as (session, peer):
        call = asyncio.create_task(ends(session))
        late = await peer.hears()
        await call  # timed out
        for reply in (
            CallError(late[1], "GenericError", "zu spät: 30 €"),
            CallError(late[1], "GenericError"),
            CallError("nobody", "GenericError"),
        ):
            await peer.pipe.send(encode(reply))
            came += len(encode(reply).encode())
        await peer.pipe.send("kein Rahmen: ß")
        came += len("kein Rahmen: ß".encode())
        await quiet()
        sent = len(f'[2,"{late[1]}","Heartbeat",{{}}]')
        live = tally.totals()
    assert tally.frames == {("out", "call"): 1, ("in", "error"): 3}
    kept = tally.totals()
    assert kept == live
    assert (kept["bytes out"], kept["bytes in"]) == (sent, came)
    assert (kept["late"], kept["orphan"], kept["bad frame"]) == (2, 1, 1)


@simulated
async def test_a_repeated_and_a_malformed_reply() -> None:
    async with conversation() as (session, peer):
        for what in ("result", "malformed"):
            calling = asyncio.create_task(ends(session))
            await replies(peer, what)
            await calling
        await peer.says(3, "1", heartbeat_response())
        await quiet()
        totals = session.tally.totals()
        assert (totals["repeated"], totals["malformed"], totals["orphan"]) == (1, 1, 0)


@simulated
async def test_the_highest_of_all_sessions() -> None:
    """A queue that was long an hour ago, on a line that is gone, is still the longest."""
    tally = Tally()
    for depth in (5, 2):
        pipe = FakePipe()
        pipe.stall()
        session = Session(Transport(pipe), Silent(), tally=tally)
        running = asyncio.create_task(session.run())
        for _ in range(1 + depth):  # one is in flight
            await session.transport.send("text")
        await quiet()
        assert tally.peaks() == {"queue depth": 5, "writes in flight": 1}
        pipe.flow()
        await session.close()
        await running
    assert tally.peaks() == {"queue depth": 5, "writes in flight": 1} and not tally.sessions


def test_an_imbalance_has_a_sign() -> None:
    """A leak is positive, a double end negative; one action does not hide another."""
    tally = Tally()
    tally.started.update({"Heartbeat": 3, "Authorize": 1, "Reset": 1})
    tally.ended.update({("Heartbeat", "result"): 1, ("Heartbeat", "lost"): 1, ("Authorize", "result"): 2})
    tally.ended["Reset", "cancelled"] += 1
    assert tally.imbalance() == {"Heartbeat": 1, "Authorize": -1}


async def test_a_learners_pending_that_counts_nothing() -> None:
    """The one built in the exercises has no counters: the session ends all the same."""

    class Bare:
        def __len__(self) -> int:
            return 0

        def fail_all(self, error: Exception) -> int:
            return 0

    near, far = pipe_pair()
    session = Session(Transport(near), Silent(), fit(pending=Bare)["pending"]())
    running = asyncio.create_task(session.run())
    await asyncio.sleep(0)
    far.abort()
    await running
    assert session.tally.totals()["late"] == 0 and not session.tally.sessions


# Under chaos ----------------------------------------------------------------------------------------------------------


def balanced(tally: Tally) -> bool:
    """Started = ended + in flight, where the last is counted by somebody else: the sessions' maps of pending calls."""
    return sum(tally.imbalance().values()) == tally.pending() and all(n > 0 for n in tally.imbalance().values())


@simulated
async def test_a_faulted_cut_and_restarted_pair() -> None:
    """Counted once each, whatever became of it; the central system's calls too; over all lines together."""
    server = await serving(timeout=5, ping_interval=10)
    options: dict[str, Any] = {"delays": lambda: itertools.repeat(3.0), "timeout": 5, "ping_interval": 10}
    async with charge_point_alone(**options) as point:
        point.configuration["HeartbeatInterval"] = "1"
        await point.wait_for("online")
        assert await trouble(server, point) == []
        await on("cs", server.stop())
        second = await serving(timeout=5, ping_interval=10)
        await point.wait_for("online")
        assert await trouble(second, point) == []
        for tally in (point.tally, server.tally):
            assert tally.imbalance() == {} or balanced(tally)
        outcomes = Counter(dict.fromkeys(OUTCOMES, 0))
        for (_, how), count in point.tally.ended.items():
            outcomes[how] += count
        assert min(outcomes.values()) > 0, outcomes
        await on("cs", second.stop())
    assert point.tally.imbalance() == {} == second.tally.imbalance()
    assert point.tally.pending() == 0


async def trouble(server: CentralSystem, point: ChargePoint) -> list[float]:
    """A hundred rounds of it; returns when the accounts did not balance."""
    wrong: list[float] = []
    faults = server.faults
    faults.ignore("Heartbeat", probability=0.1)
    faults.call_error("Heartbeat", probability=0.1)
    faults.wrong_payload("Heartbeat", probability=0.1)
    faults.wrong_id("Heartbeat", probability=0.1)
    faults.abort("Heartbeat", probability=0.05)
    for second in range(100):
        if second % 50 == 20:
            cut()
        if second % 50 == 30:
            heal()
        with suppress(TimeoutError):
            async with asyncio.timeout(20 if second % 3 else 0.9):  # some lose patience: cancelled
                await asyncio.gather(point.call(BEAT), on("cs", reset_nothing(server)), return_exceptions=True)
        await asyncio.sleep(0.377)
        if not (balanced(point.tally) and balanced(server.tally)):
            wrong.append(asyncio.get_running_loop().time())
    faults.clear()
    heal()
    await point.wait_for("online")
    return wrong


async def reset_nothing(server: CentralSystem) -> None:
    await server["CP_1"].call(m.GetConfigurationRequest(key=["HeartbeatInterval"]))


@pytest.mark.parametrize("seed", range(scaled(3, 30)))
def test_the_accounts_of_a_chaotic_world(seed: int) -> None:
    """Every life of every machine: cut, silenced, restarted, misled, power gone in the middle of a call."""
    lives: list[Any] = []

    def kept(make: Any) -> Any:
        def born(*args: Any, **options: Any) -> Any:
            lives.append(make(*args, **options))
            return lives[-1]

        return born

    async def scenario(world: World) -> None:
        world.begin(watched(world), "accountant")
        await chaos(world, charge_point=kept(ChargePoint), central_system=kept(CentralSystem))

    async def watched(world: World) -> None:
        while True:
            await asyncio.sleep(1.377)
            for life in lives:
                world.expect(balanced(life.tally), "the accounts balance", f"{life.tally.imbalance()}")

    simulate(scenario, seed)
    assert len(lives) >= 3 and sum(sum(life.tally.started.values()) for life in lives) > 100
    for life in lives:
        assert life.tally.imbalance() == {} and life.tally.pending() == 0 and not life.tally.sessions
