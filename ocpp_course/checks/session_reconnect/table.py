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
    minutes=20,
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
_BOOTING = (("connect", "connecting"), ("opened", "booting"))
TO: dict[str, tuple[tuple[str, str], ...]] = {
    "disconnected": (),
    "connecting": _BOOTING[:1],
    "booting": _BOOTING,
    "pending": (*_BOOTING, ("pending", "pending")),
    "rejected": (*_BOOTING, ("rejected", "rejected")),
    "online": (*_BOOTING, ("accepted", "online")),
    "waiting": (_BOOTING[0], ("lost", "waiting")),
    "stopped": (("stop", "stopped"),),
}
"""How to get into each state from the first one."""
NEEDED = {(state, event) for state, edges in CONNECTION.items() for event in edges if event in EVENTS}


def at(my: Any, kit: Kit, state: str) -> Any:
    """A machine in a state, by the events that lead there."""
    machine = my.Machine(my.CONNECTION, "disconnected")
    for event, then in TO[state]:
        expect(my, kit, machine, event, then)
    return machine


def expect(my: Any, kit: Kit, machine: Any, event: str, wanted: str, **known: str) -> None:
    """An edge of the table, and a machine that obeys it. ``known``: what to say if the edge leads to that state
    instead, or, as ``missing``, if there is none."""
    state = machine.state
    leads = my.CONNECTION.get(state, {}).get(event)
    lacks = known.get("missing", f"the table lacks the edge {state} + {event} → {wanted}.")
    kit.require(leads is not None, f"{state} + {event}: no edge", lacks)
    other = known.get(str(leads), f"in {state}, the event {event} leads to {wanted}, and not to {leads}.")
    kit.require(leads == wanted, f"{state} + {event} → {leads}", other)
    try:
        machine.fire(event)
    except IllegalTransition:
        kit.require(False, f"{state} + {event}: refused", f"the table has {state} + {event}, and `fire` refuses it.")
    obeys = f"the table leads from {state} to {wanted}; after `fire` the machine's `state` is another."
    kit.require(machine.state == wanted, f"{state} + {event} → {machine.state}", obeys)


@step.check("connect, opened, accepted → online")
def happy_path(my: Any, kit: Kit) -> str:
    """After the handshake a charge point boots, and talks once it is accepted (core 4.2)."""
    absent = [state for state in STATES if state not in my.CONNECTION]
    kit.require(not absent, f"no state {', '.join(absent)}", f"the table lacks {', '.join(absent)}.")
    machine = my.Machine(my.CONNECTION, "disconnected")
    kit.equal(machine.state, "disconnected")
    passed = []
    for event, wanted in (("connect", "connecting"), ("opened", "booting"), ("accepted", "online")):
        expect(my, kit, machine, event, wanted)
        passed.append(machine.state)
    return " → ".join(passed)


@step.check("a charge point that was accepted goes from connecting to online")
def resume(my: Any, kit: Kit) -> str:
    """No BootNotification after a reconnect, unless what it says has changed (J-spec 5.4)."""
    machine = at(my, kit, "waiting")
    expect(my, kit, machine, "wait_over", "connecting")
    said = "an accepted charge point that only lost its connection does not boot again."
    expect(my, kit, machine, "resumed", "online", booting=said)
    return "waiting → connecting → online"


@step.check("pending and rejected wait, then boot again")
def not_accepted(my: Any, kit: Kit) -> str:
    """Pending and Rejected both mean: wait for the interval, then send BootNotification again (core 4.2)."""
    said = {
        "pending": "Pending may answer, not talk (core 4.2).",
        "rejected": "Rejected must be silent until the interval is over (core 4.2).",
    }
    for status, too_early in said.items():
        machine = at(my, kit, "booting")
        expect(my, kit, machine, status, status, online=too_early)
        expect(my, kit, machine, "interval_over", "booting")
        expect(my, kit, machine, "accepted", "online")
    return "pending, rejected → booting"


@step.check("connecting, booting, pending, rejected, online + lost → waiting")
def lost_anywhere(my: Any, kit: Kit) -> str:
    """A connection can die at any moment; then the charge point waits and dials again (RFC 6455 7.2.3)."""
    said = {"booting": "a connection can die before the boot is answered; you would stay in booting for ever."}
    for state in ("connecting", "booting", "pending", "rejected", "online"):
        machine = at(my, kit, state)
        other = f"a connection can die in {state} too; then wait, and dial again."
        expect(my, kit, machine, "lost", "waiting", missing=said.get(state, other))
        expect(my, kit, machine, "wait_over", "connecting")
    return "from five states"


@step.check("every state + stop → stopped, and no way out")
def stop_anywhere(my: Any, kit: Kit) -> str:
    """Whoever stops a charge point means it, in whatever state it is."""
    for state in STATES[:-1]:
        machine = at(my, kit, state)
        said = f"{state} cannot be stopped; every state but stopped has that edge."
        expect(my, kit, machine, "stop", "stopped", missing=said)
    for event in EVENTS:
        machine = at(my, kit, "stopped")
        try:
            machine.fire(event)
        except Exception:
            continue  # whether it is the right error is said below
        final = "stopped is final; a new start is a new machine."
        moved = f"the table has no edge stopped + {event}, and `fire` left stopped by it."
        said = final if event in my.CONNECTION["stopped"] else moved
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
        if isinstance(error, KeyError) and error.args == (state,):
            elsewhere = (
                f"`Machine` obeys the table that it was given; this looked for the state {state} in another one."
            )
            kit.require(False, f"{came}: {error}", elsewhere)
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
    ("booting", "interval_over"),
    *((state, answer) for state in ("pending", "rejected") for answer in ("accepted", "pending", "rejected")),
}
"""Edges that the text leaves open: a boot that nobody answers, a BootNotification that was triggered."""


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
    said = "three machines of one table were used in turn; each has a `state` of its own."
    kit.require(came == ("c", "b", "b"), f"{came}, not ('c', 'b', 'b')", said)
    said = "three machines of one table were used in turn; each tells its own `on_change`."
    kit.require(heard == [["b", "c"], ["b"]], "told of another machine", said)


def _walk(my: Any, kit: Kit, table: dict[str, dict[str, str]]) -> None:
    heard: list[tuple[str, str, str]] = []
    states: list[str] = []

    def on_change(old: str, event: str, new: str) -> None:
        heard.append((old, event, new))
        states.append(machine.state)

    state = kit.rng.choice(list(table))
    machine = my.Machine(table, state, on_change)
    wanted = []
    for _ in range(8):
        event, new = kit.rng.choice(list(table[state].items()))
        returned = machine.fire(event)
        wanted.append((state, event, new))
        kit.require(machine.state == new, "another state", "the machine does not obey the table that it was given.")
        kit.require(returned == new, f"`fire` returned {returned!r}", "`fire` returns the new state.")
        state = new
    once = "`on_change` was not told of each transition once."
    kit.require(len(heard) == 8, f"told of {len(heard)} of 8", once)
    kit.require(heard == wanted, f"told {heard[0]}", "`on_change` gets the old state, the event and the new state.")
    told_late = "when `on_change` is told, `state` is the new one already; change it first, then tell."
    kit.require(states == [new for _, _, new in wanted], "`state` was the old one", told_late)
    with suppress(IllegalTransition):
        machine.fire("no such event")
    kit.require(len(heard) == 8, "told of what did not happen", "`on_change` heard of a transition that was refused.")
