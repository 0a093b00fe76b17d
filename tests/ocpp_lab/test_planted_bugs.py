"""Proof that the explorer finds bugs: each planted one breaks an invariant under a recorded seed."""

from __future__ import annotations

import pytest

from ocpp_lab.simulation import chaos, explore, simulate, storm
from tests.planted import BUGS, MOST_SEEDS, find
from tests.scenarios import CHAOS_SEEDS, CLOCK_SEEDS, STORM_SEEDS, wrong_clocks

# Bug -> the first seed that finds it, and what it breaks. Made by `python -m tests.planted --find`.
FOUND = {
    "in-flight call not cleared at disconnect": (0, "a lost connection ends its calls at once"),
    "disconnection consumes an attempt": (0, "only failures consume attempts"),
    "SecurityError consumes an attempt": (0, "only failures consume attempts"),
    "a hanging central system consumes attempts": (2, "only failures consume attempts"),
    "a swallowed message blocks the lane": (0, "everything settles"),
    "retry delay counted from creation": (0, "retries wait"),
    "same unique id on resend": (0, "a new unique id on every send"),
    "row deleted before the reply": (0, "a start that was answered has its real id in its stop"),
    "transactionId never patched": (0, "a start that was answered has its real id in its stop"),
    "ledger without de-duplication": (1, "ledger and drops are what was done"),
    "ledger that takes two different starts for one": (8, "ledger and drops are what was done"),
    "boot dropped on overflow": (1, "back online in time"),
    "pong timeout closes but nobody redials": (0, "the state never lies"),
    "first message after reconnect lost": (0, "ledger and drops are what was done"),
    "reader awaits the handler": (0, "calls cross"),
    "a retry goes to the end of the queue": (0, "strict order"),
    "a message is never given up": (0, "everything settles"),
    "any reply resolves the pending call": (1, "one own call in flight"),
    "a transaction is stopped again after a power cut": (0, "what is shown is what is written down"),
    "a late result is ignored": (1, "no second copy without need"),
    "a late result strikes out the head, whatever it is": (1, "a start that was answered has its real id in its stop"),
    "a message that was answered while the file failed is sent again": (1, "no second copy without need"),
    "the meter's task dies unheard": (113, "meters are read as long as a transaction runs"),
    "a start acts before it is written": (16, "the status follows from what is known"),
    "a stop acts before it is written": (3, "what is shown is what is written down"),
    "an end that could not be written is forgotten": (44, "what is shown is what is written down"),
    "a remote start is accepted before it is written": (0, "accepted is written down"),
    "online after a bug below the connection": (1, "the state never lies"),
    "the interval of Pending is forgotten at reconnect": (3, "boots wait"),
    "a handler that fails says nothing": (11, "no call without an end"),
    "InternalError on a full ledger": (102, "a ledger that fails is no failure of a message"),
    "a full ledger answers all the same": (92, "what was answered is in the ledger"),
    "timestamps go back with the clock": (0, "no timestamp repeats or goes back"),
    "answered before the group is committed": (0, "what was answered is in the ledger"),
    "one statement fails, the rest of its group is answered": (6, "what was answered is in the ledger"),
    "a restart forgets the newest timestamp": (0, "no timestamp repeats or goes back"),
    "reservations are forgotten at a power cut": (0, "a reserved connector serves its owner"),
    "nobody looks whose place it is": (0, "a reserved connector serves its owner"),
    "a reservation serves twice": (6, "a reserved connector serves its owner"),
    "a differential update is taken for a full one": (3, "a local list is one that the operator sent"),
    "the local list is forgotten at a power cut": (5, "a local list is one that the operator sent"),
    "a new limit is obeyed by the next transaction": (12, "no limit is exceeded"),
    "nobody reads the limits after a power cut": (29, "no limit is exceeded"),
    "a limit is accepted and not written": (4, "nobody is limited without a reason"),
    "the limit of all is that of each": (12, "no limit is exceeded"),
    "nobody may come after an update": (4, "after an update everybody may come again"),
    "a new key is not written": (12, "a key change locks nobody out"),
    "the old key is shut when a new one is sent": (7, "a key change locks nobody out"),
    "a file job ends with the power": (28, "a file job ends, and its end is told"),
    "a security event is struck out before its answer": (1, "a security event that was noted arrives"),
}

NEARBY = 20
"""Any change to the stack makes every run another one: the recorded seed may hold, and one of the next finds it."""


def test_every_bug_has_its_seed() -> None:
    assert FOUND.keys() == BUGS.keys()
    assert all(seed < MOST_SEEDS for seed, _ in FOUND.values())


@pytest.mark.parametrize("name", FOUND)
def test_the_seed_finds_it(name: str) -> None:
    """Replayed, it breaks the same invariant; and the report says what to look at."""
    seed, invariant = FOUND[name]
    failure = find(name, range(seed, seed + NEARBY)).failure
    assert failure is not None, f"{name}: no seed near {seed} finds it; `python -m tests.planted --find`"
    assert (failure.seed, failure.invariant) == (seed, invariant) or failure.seed != seed, str(failure)
    assert failure.ladder.count("\n") > 5


def test_without_the_bug_the_seed_holds() -> None:
    """Or the seed would prove nothing. What `tests.test_simulation` runs anyway is not run again."""
    covered = {chaos: CHAOS_SEEDS, storm: STORM_SEEDS, wrong_clocks: CLOCK_SEEDS}
    for name, bug in BUGS.items():
        seed, _ = FOUND[name]
        if seed >= covered[bug.func]:
            simulate(bug.func, seed)


def test_the_first_failing_seed_is_told_and_repeats() -> None:
    name = "transactionId never patched"
    failure = explore(BUGS[name], range(500, 520)).failure
    assert failure is not None and find(name, [failure.seed]).failure == failure
    assert find(name, range(500, failure.seed)).ok
