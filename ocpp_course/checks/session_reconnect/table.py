"""3.2: the states of a connection as a table, and the machine that obeys any table."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ocpp_lab.connection import CONNECTION
from ocpp_lab.errors import IllegalTransition
from ocpp_lab.states import Machine

from ..kit import Kit
from ..step import Step

step = Step(
    "3.2",
    "`CONNECTION` and `Machine`: the state table",
    ("CONNECTION", "Machine"),
    points=2,
    minutes=7,
    reference=lambda: (CONNECTION, Machine),
)

STATES = ("disconnected", "connecting", "booting", "pending", "rejected", "online", "waiting", "stopped")
EVENTS = (
    "connect",
    "opened",
    "resumed",
    "accepted",
    "pending",
    "rejected",
    "interval_over",
    "lost",
    "wait_over",
    "stop",
)
TO = {
    "disconnected": (),
    "connecting": ("connect",),
    "booting": ("connect", "opened"),
    "pending": ("connect", "opened", "pending"),
    "rejected": ("connect", "opened", "rejected"),
    "online": ("connect", "opened", "accepted"),
    "waiting": ("connect", "lost"),
    "stopped": ("stop",),
}
"""How to get into each state from the first one."""
NEEDED = {(state, event) for state, edges in CONNECTION.items() for event in edges if event in EVENTS}


def fire(kit: Kit, machine: Any, event: str, diagnosis: str | None = None) -> str:
    """Let an event happen that the contract allows; returns the state after it."""
    state = machine.state
    try:
        machine.fire(event)
    except IllegalTransition:
        kit.require(False, f"{state} + {event}: no edge", diagnosis)
    return str(machine.state)


def at(my: Any, kit: Kit, state: str, diagnosis: str | None = None) -> Any:
    """A machine in a state, by the events that lead there."""
    machine = my.Machine(my.CONNECTION, "disconnected")
    for event in TO[state]:
        fire(kit, machine, event, diagnosis)
    return machine


def expect(kit: Kit, machine: Any, event: str, wanted: str, diagnosis: str | None = None) -> None:
    """An edge of the table."""
    state = machine.state
    came = fire(kit, machine, event, diagnosis)
    kit.require(came == wanted, f"{state} + {event} → {came}", diagnosis)


@step.check("connect, opened, accepted → online")
def happy_path(my: Any, kit: Kit) -> str:
    """After the handshake a charge point boots, and talks once it is accepted (core 4.2)."""
    absent = [state for state in STATES if state not in my.CONNECTION]
    kit.require(not absent, f"no state {', '.join(absent)}", f"the table lacks {', '.join(absent)}.")
    machine = my.Machine(my.CONNECTION, "disconnected")
    kit.equal(machine.state, "disconnected")
    passed = []
    for event, wanted in (("connect", "connecting"), ("opened", "booting"), ("accepted", "online")):
        expect(kit, machine, event, wanted)
        passed.append(machine.state)
    return " → ".join(passed)


@step.check("a charge point that was accepted goes from connecting to online")
def resume(my: Any, kit: Kit) -> str:
    """No BootNotification after a reconnect, unless what it says has changed (J-spec 5.4)."""
    machine = at(my, kit, "waiting")
    expect(kit, machine, "wait_over", "connecting")
    said = "an accepted charge point that only lost its line does not boot again."
    expect(kit, machine, "resumed", "online", said)
    return "waiting → connecting → online"


@step.check("pending and rejected wait, then boot again")
def not_accepted(my: Any, kit: Kit) -> str:
    """Pending and Rejected both mean: wait for the interval, then send BootNotification again (core 4.2)."""
    said = {
        "pending": "Pending may answer, not talk (core 4.2).",
        "rejected": "Rejected must be silent until the interval is over (core 4.2).",
    }
    for status, diagnosis in said.items():
        machine = at(my, kit, "booting")
        expect(kit, machine, status, status, diagnosis)
        expect(kit, machine, "interval_over", "booting")
        expect(kit, machine, "accepted", "online")
    return "pending, rejected → booting"


@step.check("connecting, booting, pending, rejected, online + lost → waiting")
def lost_anywhere(my: Any, kit: Kit) -> str:
    """A line can die at any moment; then the charge point waits and dials again (RFC 6455 7.2.3)."""
    said = {"booting": "a line can die before the boot is answered; you would stay in booting for ever."}
    for state in ("connecting", "booting", "pending", "rejected", "online"):
        machine = at(my, kit, state)
        other = f"a line can die in {state} too; then wait, and dial again."
        expect(kit, machine, "lost", "waiting", said.get(state, other))
        expect(kit, machine, "wait_over", "connecting")
    return "from five states"


@step.check("every state + stop → stopped, and no way out")
def stop_anywhere(my: Any, kit: Kit) -> str:
    """Whoever stops a charge point means it, in whatever state it is."""
    for state in STATES[:-1]:
        machine = at(my, kit, state)
        expect(kit, machine, "stop", "stopped", f"{state} cannot be stopped; every state but stopped has that edge.")
    for event in EVENTS:
        machine = at(my, kit, "stopped")
        try:
            machine.fire(event)
        except Exception:
            continue  # whether it is the right error is said below
        said = "stopped is final; a new start is a new machine."
        kit.require(machine.state == "stopped", f"stopped + {event} → {machine.state}", said)
    return "from seven states"


@step.check("IllegalTransition with state, event, allowed; the state stays")
def illegal_raises(my: Any, kit: Kit) -> str:
    """What is not in the table cannot happen; if it does, that is a bug, and hiding it makes two."""
    for state, event in (
        ("disconnected", "accepted"),
        ("waiting", "opened"),
        ("online", "connect"),
        ("stopped", "lost"),
    ):
        _refuse(kit, at(my, kit, state), event, my.CONNECTION)
    for _ in range(10):
        table = drawn(kit)
        state = kit.rng.choice(list(table))
        _refuse(kit, my.Machine(table, state), "no such event", table)
    return "IllegalTransition"


def _refuse(kit: Kit, machine: Any, event: str, table: Any) -> None:
    state = machine.state
    try:
        machine.fire(event)
    except IllegalTransition as error:
        kit.require(machine.state == state, f"{state} became {machine.state}", "the state had moved before the error.")
        named = (error.state, error.event, list(error.allowed))
        said = f"the error says {named}; expected {(state, event, sorted(table[state]))}."
        kit.require(named == (state, event, sorted(table[state])), "another state, event or list", said)
        return
    except Exception as error:
        came = type(error).__name__
        said = f"`fire` raises IllegalTransition(state, event, allowed) then; this raised {came}."
        kit.require(False, f"{came}: {error}", said)
    kit.require(False, f"{state} + {event}: no error", "an event that cannot happen happened, and you hid it.")


def drawn(kit: Kit) -> dict[str, dict[str, str]]:
    """A table that nobody has seen."""
    states = [f"s{number}" for number in kit.rng.sample(range(100), 5)]
    events = [f"e{number}" for number in range(4)]
    return {
        state: {event: kit.rng.choice(states) for event in kit.rng.sample(events, kit.rng.randint(1, 4))}
        for state in states
    }


ARGUABLE = {
    ("stopped", "stop"),
    ("booting", "interval_over"),
    *((state, answer) for state in ("pending", "rejected") for answer in ("accepted", "pending", "rejected")),
}
"""Edges that somebody may have: a second stop, a boot that nobody answers, a BootNotification that was triggered."""


@step.check("an event that makes no sense in a state has no edge there")
def no_extra_edges(my: Any, kit: Kit) -> str:
    """A table shows what cannot happen. With an edge too many a bug walks on as if nothing were wrong."""
    for state in STATES:
        for event in EVENTS:
            if (state, event) in NEEDED or (state, event) in ARGUABLE:
                continue
            said = f"{event} makes no sense in {state}; with that edge a bug walks on unseen."
            kit.require(event not in my.CONNECTION[state], f"{state} + {event} has an edge", said)
    return f"{len(NEEDED)} edges"


@step.check("`on_change(old, event, new)` at every transition, of any table")
def observed(my: Any, kit: Kit) -> str:
    """One engine serves all tables, and whoever draws or counts is told of each transition once."""
    for _ in range(10):
        _walk(my, kit, drawn(kit))
    _walk_in_turn(my, kit)
    return "each once, in order"


def _walk_in_turn(my: Any, kit: Kit) -> None:
    """Two machines of one table: a machine has a state and a listener of its own."""
    table = {"a": {"go": "b"}, "b": {"go": "c"}, "c": {"go": "a"}}
    heard: list[list[str]] = [[], []]
    one, two = (my.Machine(table, "a", lambda old, event, new, mine=mine: mine.append(new)) for mine in heard)
    silent = my.Machine(table, "a")
    for machine in (one, one, two, silent):
        machine.fire("go")
    came = (one.state, two.state, silent.state)
    kit.require(came == ("c", "b", "b"), f"{came}, not ('c', 'b', 'b')", "two machines share their state.")
    kit.require(heard == [["b", "c"], ["b"]], "told of another machine", "two machines share their `on_change`.")


def _walk(my: Any, kit: Kit, table: dict[str, dict[str, str]]) -> None:
    heard: list[tuple[str, str, str]] = []
    state = kit.rng.choice(list(table))
    machine = my.Machine(table, state, lambda old, event, new: heard.append((old, event, new)))
    wanted = []
    for _ in range(8):
        event, new = kit.rng.choice(list(table[state].items()))
        returned = machine.fire(event)
        wanted.append((state, event, new))
        kit.require(machine.state == new, "another state", "the machine does not obey the table that it was given.")
        kit.require(returned == new, f"`fire` returned {returned!r}", "`fire` returns the new state.")
        state = new
    kit.require(heard == wanted, f"told of {len(heard)} of 8", "`on_change` was not told of each transition once.")
    with suppress(IllegalTransition):
        machine.fire("no such event")
    kit.require(len(heard) == 8, "told of what did not happen", "`on_change` heard of a transition that was refused.")
