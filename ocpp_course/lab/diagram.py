"""`diagram`: a state table as a picture, drawn from the table itself, so that it cannot say anything else; or the table
of a charge point that lives, as it moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

from ocpp_lab.charge_point import ChargePoint
from ocpp_lab.states import Table

from .live_diagram import LiveDiagram
from .state_picture import state_picture
from .vector import Vector


@overload
def diagram(of: Table[Any, Any], finding: str = "", *, alt: str = "") -> Vector: ...
@overload
def diagram(of: ChargePoint | Callable[[], ChargePoint], finding: str = "", *, alt: str = "") -> LiveDiagram: ...
def diagram(
    of: Table[Any, Any] | ChargePoint | Callable[[], ChargePoint], finding: str = "", *, alt: str = ""
) -> Vector | LiveDiagram:
    """The states as boxes, the events as arrows; in words in the alternative text, one sentence for each state.

    Of a charge point it is live: the current state is lit, the last edge flashes, a back-off counts down.
    A function that returns one is asked again and again, so a restart is seen too.
    """
    return (
        LiveDiagram(of, finding) if isinstance(of, ChargePoint) or callable(of) else state_picture(of, finding, alt=alt)
    )
