"""`Machine`: a state machine is a table, and this is the one engine for all of them.

A table says for each state which events may happen and where they lead: ``dict[state, dict[event, state]]``. What is
not in the table cannot happen; if it does, that is a bug, and `IllegalTransition` says so. The table is the whole
truth: `fire` is the only cause of a state, and nobody keeps a flag beside it that says "but really".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .errors import IllegalTransition

type Table[State: str, Event: str] = Mapping[State, Mapping[Event, State]]


class Machine[State: str, Event: str]:
    """The current ``state`` of a table. ``on_change(old, event, new)`` is told of every transition, after it."""

    def __init__(
        self,
        table: Table[State, Event],
        state: State,
        on_change: Callable[[State, Event, State], None] | None = None,
    ) -> None:
        """Raises ValueError if the table has no such state."""
        if state not in table:
            raise ValueError(f"expected one of the states {', '.join(table)}, came {state!r}")
        self.table = table
        self.state = state
        """Where it is; only `fire` sets it."""
        self.on_change = on_change

    def fire(self, event: Event) -> State:
        """Let an event happen; returns the new state. Raises `IllegalTransition` and changes nothing if it cannot."""
        edges = self.table[self.state]
        if event not in edges:
            raise IllegalTransition(self.state, event, sorted(edges))
        old, self.state = self.state, edges[event]
        if self.on_change:
            self.on_change(old, event, self.state)
        return self.state


def mermaid[State: str, Event: str](table: Table[State, Event]) -> str:
    """The table as a Mermaid state diagram: one arrow for each pair of states, labelled with its events."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for state, edges in table.items():
        for event, target in edges.items():
            arrows.setdefault((state, target), []).append(event)
    lines = [f"    {state} --> {target}: {', '.join(events)}" for (state, target), events in arrows.items()]
    return "\n".join(["stateDiagram-v2", *lines])
