"""Proof like that of the graders: each planted bug that shows in frames is found in its logs, and healthy ones are not
blamed."""

from __future__ import annotations

from collections import Counter

import pytest

from ocpp_lab.simulation import Profile
from tests.house import SOAK, scaled
from tests.ocpp_lab.logs.nights import (
    CLOCKS,
    CRASH,
    DEAF,
    FULL_DISK,
    HEALTHY,
    LATE,
    NOT_YET,
    POISON,
    SOUR,
    findings,
    seeds_that_show,
    side_of,
)
from tests.planted import BUGS

HEALTHY_NIGHTS = scaled(20, 300)

# Bug -> the night in which it shows, the rule that finds it, its first seed: `python -m tests.ocpp_lab.logs.nights`.
SHOWN: dict[str, tuple[Profile, str, int]] = {
    "row deleted before the reply": (DEAF, "stop-without-its-id", 0),
    "transactionId never patched": (SOUR, "stop-without-its-id", 0),
    "same unique id on resend": (SOUR, "id-used-again", 0),
    "retry delay counted from creation": (SOUR, "retry-too-early", 20),
    "a retry goes to the end of the queue": (SOUR, "overtaken", 0),
    "any reply resolves the pending call": (SOUR, "second-call-too-early", 1),
    "a handler that fails says nothing": (SOUR, "never-answered", 10),
    "disconnection consumes an attempt": (DEAF, "thrown-away", 3),
    "first message after reconnect lost": (DEAF, "thrown-away", 3),
    "a transaction is stopped again after a power cut": (CRASH, "stopped-twice", 0),
    "ledger that takes two different starts for one": (CRASH, "one-id-for-two-starts", 1),
    "ledger without de-duplication": (LATE, "two-ids-for-one-start", 1),
    "a late result is ignored": (LATE, "sent-again-after-its-answer", 1),
    "a late result strikes out the head, whatever it is": (LATE, "left-open", 8),
    "a message is never given up": (POISON, "never-given-up", 1),
    "the interval of Pending is forgotten at reconnect": (NOT_YET, "boot-too-early", 14),
    "a message that was answered while the file failed is sent again": (FULL_DISK, "sent-again-after-its-answer", 3),
    "timestamps go back with the clock": (CLOCKS, "time-goes-back", 0),
}
NOT_IN_FRAMES = {
    "in-flight call not cleared at disconnect": "a caller waits longer, and sends nothing",
    "SecurityError consumes an attempt": "after a refusal that was reported, which the specification allows",
    "a hanging central system consumes attempts": "after silence, of which the specification says nothing",
    "a swallowed message blocks the lane": "the same message comes again, as it may",
    "boot dropped on overflow": "a connection without frames",
    "pong timeout closes but nobody redials": "no connection at all",
    "reader awaits the handler": "the answer comes, 30 s later",
    "the meter's task dies unheard": "readings that are missing are proved by the configured interval only",
    "a start acts before it is written": "what was done before a power cut and what was shown is not told",
    "a stop acts before it is written": "what was done before a power cut and what was shown is not told",
    "an end that could not be written is forgotten": "seldom: a transaction without end, at the end of the log",
    "a remote start is accepted before it is written": "found as remote-start-and-nothing if the car stays plugged in",
    "online after a bug below the connection": "silence",
    "InternalError on a full ledger": "one refusal of a start is no proof of a fault",
    "a full ledger answers all the same": "what is in the ledger is in no frame",
    "answered before the group is committed": "what is in the ledger is in no frame",
    "one statement fails, the rest of its group is answered": "what is in the ledger is in no frame",
    "reservations are forgotten at a power cut": "the status says Available, as after an expiry",
    "nobody looks whose place it is": "which group a tag is in is seldom told",
    "a reservation serves twice": "an id that comes twice may be one that was given twice",
    "a differential update is taken for a full one": "what is in a list is in no frame",
    "the local list is forgotten at a power cut": "nobody has to ask for its version",
    "a new limit is obeyed by the next transaction": "seldom: as profile-without-effect, from readings of minutes",
    "nobody reads the limits after a power cut": "seldom, as above; and a power cut is in no frame",
    "a limit is accepted and not written": "seldom, as above; and a power cut is in no frame",
    "the limit of all is that of each": "it takes the readings of all connectors at one instant",
    "a new key is not written": "keys are in no log",
    "the old key is shut when a new one is sent": "keys are in no log",
    "nobody may come after an update": "found as statuses that stay Unavailable, which may be meant",
    "a file job ends with the power": "a job whose end is not told may still go on",
    "a security event is struck out before its answer": "an event that never comes leaves no frame",
    "a restart forgets the newest timestamp": "found as time-goes-back where a clock is set back across a power cut",
}
"""Why a log cannot show them, or not by itself."""


def test_every_planted_bug_is_spoken_of() -> None:
    assert SHOWN.keys() | NOT_IN_FRAMES.keys() == BUGS.keys()
    assert not SHOWN.keys() & NOT_IN_FRAMES.keys()


@pytest.mark.parametrize("bug", SHOWN)
def test_the_bug_is_found_in_the_log(bug: str) -> None:
    """Under its first seed; in the long run under three. It is blamed on the side that has it."""
    profile, rule, first = SHOWN[bug]
    found = [finding for finding in findings(profile, first, bug) if finding.rule == rule]
    assert found, f"{bug}: seed {first} does not show it; `python -m tests.ocpp_lab.logs.nights`"
    assert side_of(bug) in {finding.side for finding in found}
    if SOAK:
        assert len(seeds_that_show(profile, bug, rule, range(first, first + 200), 3)) == 3


def test_without_the_bug_the_rule_finds_nothing() -> None:
    """Or the seed would prove nothing."""
    for profile, rule, first in dict.fromkeys(SHOWN.values()):
        found = [finding for finding in findings(profile, first) if finding.rule == rule]
        assert [finding for finding in found if finding.side == "charge point"] == [], (
            f"{profile.name}, {first}: {rule}"
        )


@pytest.mark.parametrize("batch", range(10))
def test_healthy_nights_have_no_finding(batch: int) -> None:
    """Cuts, deaf links and power cuts are nobody's fault. A storm of connections is the link's, and told as such."""
    found: Counter[str] = Counter()
    for seed in range(batch, HEALTHY_NIGHTS, 10):
        for finding in findings(HEALTHY, seed):
            if finding.rule != "connection-storm":
                found[f"seed {seed}: {finding.rule}: {finding.what}"] += 1
    assert not found, "\n".join(found)


@pytest.mark.parametrize("seed", range(scaled(4, 100)))
def test_who_is_right_beside_a_wrong_peer_is_not_blamed(seed: int) -> None:
    """The central system answers wrongly, twice, late, or not at all: the charge point has no part in it."""
    found = findings(SOUR, seed)
    assert [f"{each.rule}: {each.what}" for each in found if each.side == "charge point"] == []
    assert seed >= 4 or any(each.side == "central system" for each in found)  # later ones may be wrong without proof
