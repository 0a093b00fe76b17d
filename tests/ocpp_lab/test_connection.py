"""`CONNECTION` and `keep_connected`: the states of a connection, and the loop that never gives up."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ocpp_lab.connection import CONNECTION, keep_connected
from ocpp_lab.errors import ConnectionLost, HandshakeRefused, IllegalTransition
from ocpp_lab.states import Machine
from tests.fakes import FakePipe
from tests.simulated import clock, quiet, simulated

STATES = {
    "disconnected",
    "connecting",
    "booting",
    "pending",
    "rejected",
    "online",
    "forgotten",
    "closing",
    "failed",
    "waiting",
    "stopped",
}
CONNECTED = ("booting", "pending", "rejected", "online", "forgotten")


# The table ------------------------------------------------------------------------------------------------------------


def _after(*events: str, start: str = "disconnected") -> str:
    machine = Machine(CONNECTION, start)
    for event in events:
        machine.fire(event)
    return machine.state


@pytest.mark.parametrize(
    ("events", "state"),
    [
        (["connect", "opened", "accepted"], "online"),
        # accepted before and unchanged: no boot after a reconnect (J-spec 5.4)
        (["connect", "opened", "accepted", "lost", "wait_over", "resumed"], "online"),
        # Pending and Rejected wait, then boot again (core 4.2)
        (["connect", "opened", "pending"], "pending"),
        (["connect", "opened", "pending", "interval_over"], "booting"),
        (["connect", "opened", "pending", "interval_over", "accepted"], "online"),
        (["connect", "opened", "rejected"], "rejected"),
        (["connect", "opened", "rejected", "interval_over", "rejected", "interval_over"], "booting"),
        # SecurityError to a later call: the central system does not know us (J-errata 3.8)
        (["connect", "opened", "accepted", "forgotten"], "forgotten"),
        (["connect", "opened", "accepted", "forgotten", "interval_over"], "booting"),
        # lost meanwhile: what is left of the wait is waited out on the next connection
        (["connect", "opened", "accepted", "forgotten", "lost", "wait_over", "forgotten"], "forgotten"),
        # given up by this end, before its loss has come through
        (["connect", "opened", "accepted", "closed"], "closing"),
        (["connect", "opened", "accepted", "closed", "lost"], "waiting"),
        # a bug of ours: the connection is lost with it, and the wait is the same
        (["connect", "failed"], "failed"),
        (["connect", "opened", "accepted", "failed", "lost"], "failed"),
        (["connect", "opened", "accepted", "closed", "failed", "lost", "wait_over"], "connecting"),
        # nobody there, again and again
        (["connect", "lost", "wait_over", "lost", "wait_over"], "connecting"),
    ],
)
def test_lives(events: list[str], state: str) -> None:
    assert _after(*events) == state


def test_the_states_are_these() -> None:
    assert set(CONNECTION) == STATES
    assert {target for edges in CONNECTION.values() for target in edges.values()} == STATES - {"disconnected"}


@pytest.mark.parametrize("state", ["connecting", *CONNECTED])
def test_a_line_can_die_anywhere(state: str) -> None:
    """Before the boot is answered, too; or it would stay in booting for ever."""
    assert _after("lost", start=state) == "waiting"


@pytest.mark.parametrize("state", sorted(STATES - {"stopped"}))
def test_stop_is_possible_anywhere(state: str) -> None:
    assert _after("stop", start=state) == "stopped"


@pytest.mark.parametrize("event", ["connect", "opened", "stop", "lost"])
def test_stopped_is_final(event: str) -> None:
    """A new start is a new machine."""
    with pytest.raises(IllegalTransition):
        _after(event, start="stopped")


@pytest.mark.parametrize(
    ("state", "event"),
    [
        ("disconnected", "opened"),
        ("connecting", "accepted"),
        ("booting", "resumed"),
        ("booting", "forgotten"),
        ("forgotten", "accepted"),  # only a new boot can accept
        ("forgotten", "forgotten"),  # nothing is sent that could be refused
        ("pending", "accepted"),  # only a new boot can accept
        ("rejected", "accepted"),
        ("online", "accepted"),
        ("online", "opened"),
        ("waiting", "opened"),
        ("waiting", "lost"),
        ("closing", "accepted"),  # the answer came too late
        ("closing", "forgotten"),
        ("connecting", "closed"),  # there is nothing to close
        ("failed", "resumed"),
    ],
)
def test_what_cannot_happen(state: str, event: str) -> None:
    machine = Machine(CONNECTION, state)
    with pytest.raises(IllegalTransition) as illegal:
        machine.fire(event)
    assert machine.state == state
    assert illegal.value.allowed == sorted(CONNECTION[state])


# The loop -------------------------------------------------------------------------------------------------------------

Outcome = Exception | Callable[[Callable[[], None]], Any] | None


class World:
    """Dials and serves by a script: an exception out of the dial, or what a connection lives through.

    The last outcome is repeated for ever. Records when it dialled, its pipes, and which of them was open at a dial.
    """

    def __init__(self, *script: Outcome, dial_time: float = 0.0) -> None:
        self.script = itertools.chain(script, itertools.repeat(script[-1]))
        self.dial_time = dial_time
        self.dials: list[float] = []
        self.pipes: list[FakePipe] = []
        self.events: list[str] = []
        self.iterators = 0

    async def dial(self) -> FakePipe:
        assert not self.pipes or self.pipes[-1].closes, "the old connection is still open"
        self.dials.append(clock())
        assert len(self.dials) < 3000, "it dials without end"
        await asyncio.sleep(self.dial_time)
        self.outcome = next(self.script)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        self.pipes.append(FakePipe())
        return self.pipes[-1]

    async def serve(self, pipe: Any, proved: Callable[[], None]) -> None:
        assert pipe is self.pipes[-1]
        if callable(self.outcome):
            await self.outcome(proved)

    def delays(self) -> Iterator[float]:
        self.iterators += 1
        return iter([1.0, 2.0, 4.0, *itertools.repeat(8.0, 3000)])

    async def run(self, seconds: float) -> None:
        """Live for so long, then be cancelled."""
        life = asyncio.create_task(keep_connected(self.dial, self.serve, self.delays, fire=self.events.append))
        done, _ = await asyncio.wait([life], timeout=seconds)
        life.cancel()
        await asyncio.wait([life])
        if done:
            life.result()
        assert life.cancelled()
        assert all(len(pipe.closes) == 1 for pipe in self.pipes), "each pipe is closed once"


async def _lost_after(seconds: float, proved: bool, told: Callable[[], None]) -> None:
    if proved:
        told()
    await asyncio.sleep(seconds)
    raise ConnectionLost()


def lives(seconds: float, *, proved: bool = False) -> Outcome:
    return lambda told: _lost_after(seconds, proved, told)


REFUSALS = [
    ConnectionRefusedError("nobody there"),
    TimeoutError("no answer"),
    ConnectionLost(),
    *map(HandshakeRefused, (101, 401, 404, 503)),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=repr)
@simulated
async def test_it_never_gives_up(refusal: Exception) -> None:
    """J-errata 3.3 for 404: unknown today, provisioned tomorrow. Whatever the status: our choice."""
    world = World(refusal)
    await world.run(30)
    assert world.dials == [0, 1, 3, 7, 15, 23]
    assert world.events[:4] == ["lost", "wait_over"] * 2


@pytest.mark.parametrize("end", [lives(0), None], ids=["lost", "returned"])
@simulated
async def test_a_connection_that_proved_nothing_resets_nothing(end: Outcome) -> None:
    """A central system that accepts and drops, politely or not, must not be hammered: the waits still grow."""
    world = World(end)
    await world.run(30)
    assert world.dials == [0, 1, 3, 7, 15, 23]
    assert world.iterators == 1


@simulated
async def test_a_proof_starts_the_waits_afresh() -> None:
    """From the next loss on; several proofs on one connection are one."""
    world = World(OSError(), OSError(), lives(100, proved=True), lives(100, proved=True), OSError())
    await world.run(220)
    assert world.dials == [0, 1, 3, 104, 205, 207, 211, 219]


@simulated
async def test_a_late_proof_is_none_for_the_next_connection() -> None:
    """An answer may be handled when its connection is over: it says nothing about the one that is up then."""
    kept: list[Callable[[], None]] = []

    async def keep(told: Callable[[], None]) -> None:
        kept.append(told)
        raise ConnectionLost

    async def prove_the_first(told: Callable[[], None]) -> None:
        kept[0]()
        raise ConnectionLost

    world = World(keep, lives(0), prove_the_first, OSError())
    await world.run(14)
    assert world.dials == [0, 1, 3, 7]
    assert world.iterators == 1


@simulated(seeds=1)
async def test_a_thousand_cuts() -> None:
    """No recursion, no growing stack."""
    world = World(lives(1))
    await world.run(9 * 1500)
    assert len(world.dials) > 1400


@pytest.mark.parametrize("where", ["dial", "serve"])
@simulated
async def test_bugs_leave(where: str) -> None:
    """A programming error must not become an endless reconnect loop; the pipe is closed all the same."""

    async def bug(proved: Callable[[], None]) -> None:
        raise TypeError("a bug")

    world = World(TypeError("a bug") if where == "dial" else bug)
    with pytest.raises(TypeError, match="a bug"):
        await world.run(30)
    assert world.events == [] and len(world.dials) == 1


@pytest.mark.parametrize(("moment", "where"), [(0.5, "dialling"), (5, "serving"), (11.5, "waiting")])
@simulated
async def test_it_stops_at_once(moment: float, where: str) -> None:
    """Cancelled while it dials, serves or waits: over at that instant, the pipe closed."""
    world = World(lives(10), dial_time=1)
    life = asyncio.create_task(keep_connected(world.dial, world.serve, world.delays, fire=world.events.append))
    await asyncio.sleep(moment)
    life.cancel()
    await quiet()
    assert life.cancelled() and clock() == moment
    assert [len(pipe.closes) for pipe in world.pipes] == ([] if where == "dialling" else [1])
    assert world.events == (["lost"] if where == "waiting" else [])


@simulated
async def test_a_pipe_that_cannot_be_closed_hinders_nobody() -> None:
    """Closing a dead connection may fail as the connection did."""

    class DeadPipe(FakePipe):
        async def close(self, code: int = 1000, reason: str = "") -> None:
            raise ConnectionLost("dead already")

    dials: list[float] = []

    async def dial() -> FakePipe:
        dials.append(clock())
        return DeadPipe()

    async def serve(pipe: Any, proved: Callable[[], None]) -> None:
        return None

    life = asyncio.create_task(keep_connected(dial, serve, lambda: itertools.repeat(5.0)))
    await asyncio.sleep(12)
    life.cancel()
    await asyncio.wait([life])
    assert dials == [0, 5, 10]
