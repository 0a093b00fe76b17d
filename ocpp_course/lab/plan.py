"""Where everything in a state diagram goes: a table in, columns and rows out. Nothing is drawn here.

An event that leads to one state from everywhere, such as *lost*, would be a knot of arrows. It is a mark in each state
that has it instead.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ocpp_lab.states import Table

EVERYWHERE = 4
"""An event that leads from so many states to one is a mark, not an arrow."""


@dataclass
class Plan:
    """What is drawn where. ``places``: column and row of each state; ``arrows``: their events by both ends."""

    places: dict[str, tuple[float, float]] = field(default_factory=dict)
    arrows: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    marks: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    """By event: where it leads, and from which states."""


def plan(table: Table[Any, Any]) -> Plan:
    """The first state stands left; every other one a column further than the state that leads to it."""
    edges = [(state, event, target) for state, row in table.items() for event, target in row.items()]
    sources = Counter((event, target) for _, event, target in edges)
    made = Plan()
    for state, event, target in edges:
        if sources[event, target] >= EVERYWHERE:
            made.marks.setdefault(event, (target, []))[1].append(state)
        else:
            made.arrows.setdefault((state, target), []).append(event)
    columns = _columns(table, made)
    for column in range(max(columns.values(), default=0) + 1):
        members = [state for state in table if columns[state] == column]
        for row, state in enumerate(members):
            made.places[state] = (column, row - (len(members) - 1) / 2)
    return made


def _columns(table: Table[Any, Any], made: Plan) -> dict[str, int]:
    """Steps from the first state; a state that only marks lead to stands before the first one it leads to."""
    columns = {next(iter(table)): 0}
    queue = list(columns)
    for state in queue:
        reached = [target for source, target in made.arrows if source == state and target not in columns]
        columns |= dict.fromkeys(reached, columns[state] + 1)
        queue += dict.fromkeys(reached)
    for state in table:
        onward = [columns[target] for source, target in made.arrows if source == state and target in columns]
        columns.setdefault(state, max(0, min(onward, default=0) - 1))
    return columns
