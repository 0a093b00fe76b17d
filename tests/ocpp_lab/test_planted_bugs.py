"""Proof that the explorer finds bugs: each planted one breaks an invariant under a recorded seed."""

from __future__ import annotations

import pytest

from ocpp_lab.simulation import chaos, explore, simulate, storm
from tests.planted import BUGS, MOST_SEEDS, find
from tests.scenarios import CHAOS_SEEDS, CLOCK_SEEDS, STORM_SEEDS, wrong_clocks

# Bug -> the first seed that finds it, and what it breaks. Made by `python -m tests.planted --find`.
FOUND = {
    "in-flight call not cleared at disconnect": (1, "no call is left pending"),
    "disconnection consumes an attempt": (1, "only failures consume attempts"),
    "SecurityError consumes an attempt": (1, "only failures consume attempts"),
    "a hanging central system consumes attempts": (1, "only failures consume attempts"),
    "a swallowed message blocks the lane": (0, "everything settles"),
    "retry delay counted from creation": (1, "retries wait"),
    "same unique id on resend": (1, "a new unique id on every send"),
    "row deleted before the reply": (0, "ledger and drops are what was done"),
    "transactionId never patched": (0, "ledger and drops are what was done"),
    "ledger without de-duplication": (1, "ledger and drops are what was done"),
    "ledger that takes two different starts for one": (0, "ledger and drops are what was done"),
    "boot dropped on overflow": (17, "back online in time"),
    "pong timeout closes but nobody redials": (7, "back online in time"),
    "first message after reconnect lost": (1, "ledger and drops are what was done"),
    "reader awaits the handler": (0, "calls cross"),
    "a retry goes to the end of the queue": (0, "strict order"),
    "a message is never given up": (0, "everything settles"),
    "any reply resolves the pending call": (0, "one own call in flight"),
    "a transaction is stopped again after a power cut": (0, "ledger and drops are what was done"),
    "timestamps go back with the clock": (0, "no timestamp repeats or goes back"),
    "a restart forgets the newest timestamp": (0, "no timestamp repeats or goes back"),
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
