"""What a reader is told, in a line, when a cell cannot do what it says: interrupted, started twice, not connected.

A traceback through the event loop and the stack says less. Any other error keeps its own.
"""

from __future__ import annotations

import asyncio
import traceback
from types import FrameType, TracebackType
from typing import Any

from ocpp_lab.errors import OcppError

PLAIN = (KeyboardInterrupt, asyncio.CancelledError, OcppError, RuntimeError)
AGAIN = "Run the cell that makes it again, or restart the kernel and run all cells."


def told(error: BaseException) -> str | None:
    """The line, or None for an error whose traceback helps more."""
    where = place_in(error.__traceback__)
    at = f" ({where})" if where else ""
    match error:
        case KeyboardInterrupt() | asyncio.CancelledError():
            return f"Interrupted{at}. What runs in the background goes on; run the cell again when you like."
        case OcppError():
            return f"{type(error).__name__}: {error}{at}"
        case RuntimeError() if str(error).startswith("expected "):
            return f"{error}{at}. {AGAIN}"
    return None


def install(shell: Any) -> None:
    """Have an IPython shell tell it. The cell has failed all the same: *Run all* stops there."""
    shell.set_custom_exc(PLAIN, _show)


def _show(shell: Any, kind: type[BaseException], error: BaseException, trace: TracebackType, tb_offset: Any) -> None:
    line = told(error)
    lines = [line] if line else shell.InteractiveTB.structured_traceback(kind, error, trace, tb_offset=tb_offset)
    shell._showtraceback(kind, error, lines)


def place_in(trace: TracebackType | None) -> str:
    """Where in the notebook an error came out of: the innermost function of a cell, and its line there."""
    found = [each for each in traceback.walk_tb(trace) if is_cell(each[0].f_code.co_filename)]
    return place(*found[-1]) if found else ""


def place(frame: FrameType, line: int | None = None) -> str:
    """A function of a cell by its name, with the line counted from its ``def``; else the line of the cell."""
    code, at = frame.f_code, frame.f_lineno if line is None else line
    if code.co_name == "<module>":
        return f"this cell, line {at}"
    return f"{code.co_name}, line {at - code.co_firstlineno + 1}"


def is_cell(filename: str) -> bool:
    """Whether code was compiled from a cell of a notebook."""
    return "ipykernel_" in filename or filename.startswith("<ipython-input")
