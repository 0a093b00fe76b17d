"""`station.facts` and `station.status`: all combinations and thousands of random evenings, against other reasoning."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from random import Random
from typing import get_args

import pytest

from ocpp_lab.messages import ChargePointStatus
from ocpp_lab.station.facts import Facts, Happening, SessionPhase, follow, happens, status_of
from ocpp_lab.station.status import CONNECTOR, told
from tests.house import scaled

BOTH = (False, True)
PHASES: list[SessionPhase] = list(get_args(SessionPhase))
EVENTS: list[Happening] = list(get_args(Happening))
STATUSES: list[ChargePointStatus] = list(get_args(ChargePointStatus))
FREE = Facts()
TAGS = ["TAG_A", "tag_a", "TAG_B"]


def combinations() -> list[Facts]:
    """Every combination that matters."""
    made = itertools.product(PHASES, BOTH, (None, "TAG_A"), (None, "TAG_A"), BOTH, BOTH, BOTH, BOTH, BOTH)
    return [Facts(*each) for each in made]


def test_the_status_of_every_combination() -> None:
    """Core 4.9, as a list of statuses and when each is told; the first that fits."""
    rows: list[tuple[str, Callable[[Facts], bool]]] = [
        ("Faulted", lambda f: f.fault),
        ("Preparing", lambda f: f.phase == "begun"),
        ("Finishing", lambda f: f.phase == "over"),
        ("SuspendedEVSE", lambda f: f.phase == "running" and not f.offers),
        ("SuspendedEV", lambda f: f.phase == "running" and not (f.takes and f.cable)),
        ("Charging", lambda f: f.phase == "running"),
        ("Unavailable", lambda f: not f.operative),
        ("Reserved", lambda f: f.reserved),
        ("Available", lambda f: True),
    ]
    for facts in combinations():
        assert status_of(facts) == next(status for status, fits in rows if fits(facts)), facts


@pytest.mark.parametrize("old", STATUSES)
@pytest.mark.parametrize("new", STATUSES)
def test_the_way_is_along_edges(old: ChargePointStatus, new: ChargePointStatus) -> None:
    """Core 4.9: directly if there is an edge, else by Available; nothing leads to Finishing that never does."""
    way = told(old, new)
    assert (way == []) == (old == new) and (not way or way[-1] == new) and len(way) <= 2
    if new == "Finishing" and old in ("Available", "Reserved", "Unavailable"):
        return
    assert all(after in CONNECTOR[before] for before, after in itertools.pairwise([old, *way]))
    assert len(way) == 1 or old == new or new not in CONNECTOR[old]


def test_where_every_combination_leads() -> None:
    """Asked of the end: who is here, and is all there that a transaction needs? And one change a link."""
    allowed = {("free", "begun"), ("begun", "running"), ("begun", "free"), ("over", "free")}
    for facts in combinations():
        if facts.phase == "over" and facts.tag:
            continue  # whoever is over waits for nothing
        chain = follow(facts)
        assert chain[0] == facts and follow(chain[-1]) == chain[-1:]
        assert {(a.phase, b.phase) for a, b in itertools.pairwise(chain)} <= allowed
        phase = "free" if facts.phase == "over" and not facts.cable else facts.phase
        somebody = facts.tag is not None or (facts.cable and not facts.reserved)
        if phase == "free" and facts.operative and not facts.fault and somebody:
            phase = "begun"
        if phase == "begun" and facts.tag and facts.cable and not facts.fault:
            phase = "running"
        if phase == "begun" and not facts.tag and not facts.cable:
            phase = "free"
        assert chain[-1].phase == phase, facts
        started = chain[-1].phase == "running" and facts.phase != "running"
        assert chain[-1].reserved == (facts.reserved and not started)
        same = chain[-1]._replace(phase=facts.phase, reserved=facts.reserved)
        assert same == facts, "nothing else changes"


def reachable() -> set[Facts]:
    """All facts that any events lead to."""
    found, new = {Facts()}, [Facts()]
    while new:
        facts = new.pop()
        for event, stops in itertools.product(EVENTS, BOTH):
            end = happens(facts, event, "TAG_A", stop_on_unplug=stops)[-1]
            if end not in found:
                found.add(end)
                new.append(end)
    return found


REACHABLE = reachable()


def test_what_can_be() -> None:
    """In every state that can be reached: a transaction has a tag and no reservation, nobody waits who cannot begin."""
    assert len(REACHABLE) > 50 and {status_of(facts) for facts in REACHABLE} == set(STATUSES)
    for facts in REACHABLE:
        assert (facts.tag is not None) == (facts.phase == "running") or facts.phase in ("begun", "free")
        assert not (facts.phase == "running" and (facts.tag is None or facts.reserved))
        assert not (facts.phase == "over" and (facts.tag or facts.reserved))
        assert facts.phase == "running" or (facts.offers and facts.takes)


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("stops", BOTH)
def test_every_event_in_every_state_is_told_along_the_table(event: Happening, stops: bool) -> None:
    """Core 4.9 with core errata 3.20, over all reachable states: the table is the check, and nothing is told twice."""
    for facts in REACHABLE:
        status = status_of(facts)
        for link in happens(facts, event, "TAG_A", stop_on_unplug=stops):
            for new in told(status, status_of(link)):
                assert new in CONNECTOR[status], (facts, event, status, new)
                status = new
        assert status == status_of(link)


def last(*events: str | tuple[str, str], facts: Facts = FREE) -> Facts:
    for each in events:
        name, tag = (each, None) if isinstance(each, str) else each
        facts = happens(facts, name, tag)[-1]  # type: ignore[arg-type]
    return facts


ASK, YES, NO = ("ask", "TAG_A"), ("yes", "TAG_A"), ("no", "TAG_A")


def test_any_order() -> None:
    """Cable, question and yes: whichever comes first, the same transaction runs (core 4.9, A2)."""
    ends = {last(*order) for order in (("plug", ASK, YES), (ASK, "plug", YES), (ASK, YES, "plug"))}
    assert len(ends) == 1 and ends.pop().phase == "running"


@pytest.mark.parametrize(
    ("events", "phase", "tag"),
    [
        (("plug", "timeout"), "over", None),  # core errata 3.20
        (("plug", "timeout", ASK, YES), "over", None),
        (("plug", "timeout", "unplug", "plug", ASK, YES), "running", "TAG_A"),
        ((ASK, YES, "timeout"), "free", None),  # core 4.9, B1
        ((ASK, YES, "timeout", "plug"), "begun", None),
        (("plug", ASK, "timeout"), "begun", None),  # who is being asked about came in time
        (("plug", ASK, "timeout", YES), "running", "TAG_A"),
        (("plug", ASK, ("ask", "TAG_B"), ("yes", "TAG_B")), "begun", None),  # one question at a time
        (("plug", ASK, NO, YES), "begun", None),
        (("plug", ASK, "unplug", YES), "begun", "TAG_A"),  # the question stays
        (("plug", ASK, "inoperative", "unplug", YES), "free", None),  # withdrawn meanwhile, and nobody is here
        (("plug", "inoperative", ASK, YES), "running", "TAG_A"),  # whoever has begun goes on (core 5.2)
        (("inoperative", ASK, YES, "plug"), "free", None),
        (("plug", ASK, YES, "stop", ASK, YES), "over", None),
        (("plug", ASK, YES, "stop", ("again", "TAG_A")), "running", "TAG_A"),  # F2
        (("plug", ASK, YES, "stop", "inoperative", ("again", "TAG_A")), "over", None),
        (("plug", ASK, YES, "stop", "unplug", ("again", "TAG_A")), "free", None),
        (("plug", ASK, YES, "stop", "unplug", "plug"), "begun", None),
        ((ASK, YES, "fault", "repaired", "plug"), "begun", None),  # a fault ends who waits
        (("plug", ASK, YES, "fault", "repaired"), "running", "TAG_A"),  # and no transaction
        (("reserve", "plug"), "free", None),  # a stranger's cable ends no reservation
        (("reserve", "plug", ASK, YES), "running", "TAG_A"),
        (("plug", "stop"), "begun", None),
        (("fault", "plug", "repaired"), "begun", None),
    ],
)
def test_evenings(events: tuple[str, ...], phase: str, tag: str | None) -> None:
    facts = last(*events)
    assert (facts.phase, facts.tag) == (phase, tag)


def test_a_pulled_cable_ends_or_pauses() -> None:
    """StopTransactionOnEVSideDisconnect."""
    running = last("plug", ASK, YES)
    assert [link.phase for link in happens(running, "unplug")][-1] == "free"
    paused = happens(running, "unplug", stop_on_unplug=False)[-1]
    assert (paused.phase, status_of(paused)) == ("running", "SuspendedEV")
    assert status_of(last("plug", facts=paused)) == "Charging"


def test_the_next_session_begins_afresh() -> None:
    facts = last("plug", ASK, YES, "we pause", "car pauses", "stop", "unplug", "plug", ASK, YES)
    assert facts.offers and facts.takes and status_of(facts) == "Charging"


@pytest.mark.parametrize("stops", BOTH)
def test_random_nights(stops: bool) -> None:
    """Kept beside it: the cable, and the yes that each start needs. Each start has both, its own yes, and one stop."""
    for seed in range(scaled(300, 10_000)):
        rng, facts, cable, consent = Random(seed), Facts(), False, 0
        starts = ends = 0
        for _ in range(60):
            event = rng.choice(EVENTS)
            tag = facts.asked if event in ("yes", "no") and facts.asked and rng.random() < 0.8 else rng.choice(TAGS)
            cable = (cable or event == "plug") and event != "unplug"
            if event == "yes" and facts.asked and facts.asked.casefold() == tag.casefold():
                consent += 1
            chain = [facts, *happens(facts, event, tag, stop_on_unplug=stops)]
            for before, after in itertools.pairwise(chain):
                if after.phase == "running" and before.phase != "running":
                    starts += 1
                    assert before.phase == "begun" and after.cable and after.tag and not after.fault, (seed, before)
                    assert consent or event == "again", seed
                    consent = 0
                if before.phase == "running" and after.phase != "running":
                    ends += 1
                    assert after.phase == "over", (seed, before)
            facts = chain[-1]
            assert facts.cable == cable and follow(facts) == [facts], (seed, facts)
            assert starts - ends == (facts.phase == "running"), seed
            if facts.phase != "running" and facts.tag is None:
                consent = 0
