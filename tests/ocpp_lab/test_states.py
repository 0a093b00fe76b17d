"""`Machine`: a table and one engine; what is not in the table cannot happen (DESIGN.md, decision 4)."""

from __future__ import annotations

import pytest

from ocpp_lab.errors import IllegalTransition
from ocpp_lab.states import Machine, mermaid

LAMP = {"off": {"push": "on"}, "on": {"push": "off", "break": "broken"}, "broken": {}}


def test_an_event_leads_where_the_table_says() -> None:
    lamp = Machine(LAMP, "off")
    assert [lamp.fire("push"), lamp.fire("push"), lamp.fire("push")] == ["on", "off", "on"]
    assert lamp.state == "on"


@pytest.mark.parametrize(
    ("state", "event", "allowed"),
    [("off", "break", ["push"]), ("on", "fix", ["break", "push"]), ("broken", "push", [])],
)
def test_an_event_that_cannot_happen(state: str, event: str, allowed: list[str]) -> None:
    """`IllegalTransition` names state, event and what is allowed; nothing has changed and nobody was told."""
    told: list[object] = []
    lamp = Machine(LAMP, state, lambda *change: told.append(change))
    with pytest.raises(IllegalTransition) as illegal:
        lamp.fire(event)
    assert (illegal.value.state, illegal.value.event, illegal.value.allowed) == (state, event, allowed)
    assert lamp.state == state and told == []


def test_every_change_is_told() -> None:
    """Old state, event, new state; the machine is in the new state already."""
    told: list[tuple[str, ...]] = []
    lamp = Machine(LAMP, "off", lambda *change: told.append((*change, lamp.state)))
    lamp.fire("push")
    lamp.fire("break")
    assert told == [("off", "push", "on", "on"), ("on", "break", "broken", "broken")]


def test_an_unknown_state_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one of the states off, on, broken, came 'dim'"):
        Machine(LAMP, "dim")


def test_the_diagram_is_drawn_from_the_table() -> None:
    """One arrow for each pair of states, with all events that lead from the one to the other."""
    assert mermaid({"a": {"go": "b", "run": "b", "stay": "a"}, "b": {}}).splitlines() == [
        "stateDiagram-v2",
        "    a --> b: go, run",
        "    a --> a: stay",
    ]
