"""The course on `ocpp_lab`: what teaches (`lab`), what judges (`checks`), what grades a class (`grading`).

::

    from ocpp_course import lab                       # panels, ladders, plots: notebooks only
    from ocpp_course import check, hint, mine, progress, solution, use_reference
    from ocpp_course import fit                       # ChargePoint(url, "CP_1", **fit(session=mine("4.7")))

It imports the stack; the stack knows nothing of it. The words of an exercise are loaded when one is asked for, because
they bring a simulated network with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .checks import check, fit, hint, is_mine, mine, progress, solution, use_reference

__all__ = ["check", "fit", "hint", "is_mine", "mine", "progress", "solution", "use_reference"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from . import checks

        return getattr(checks, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
