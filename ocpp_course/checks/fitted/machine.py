"""`FittedMachine`: a state machine of the exercises as a charge point needs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ocpp_lab.states import Table


class FittedMachine:
    """``make(table, state, on_change)`` gives the learner's ``piece``: step 3.2. The table can be looked at here."""

    def __init__(
        self,
        make: Callable[..., Any],
        table: Table[str, str],
        state: str,
        on_change: Callable[[str, str, str], None] | None = None,
    ) -> None:
        self.table = table
        self.piece = make(table, state, on_change)

    @property
    def state(self) -> str:
        return str(self.piece.state)

    def fire(self, event: str) -> str:
        return str(self.piece.fire(event))
