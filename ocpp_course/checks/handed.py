"""`misfits`: things handed in that are not what the step asks for: an instance, a result, a name in quotes, None."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import FunctionType
from typing import Any

from .kit import short
from .step import Step


def misfits(step: Step, pieces: tuple[Any, ...]) -> Iterator[str]:
    """One sentence for each piece that cannot be judged, because it is another kind of thing."""
    if _in_another_order(step, pieces):
        asked = ", ".join([f'"{step.number}"', *step.names])
        yield f"The things are handed in in another order than the step asks for: `check({asked})`."
    for name, piece, ours in zip(step.names, pieces, step.references(), strict=True):
        if said := _misfit(name, piece, ours):
            yield said


def _in_another_order(step: Step, pieces: tuple[Any, ...]) -> bool:
    """Something stands in the place of another name of the step, and what it stands for is not in its own."""
    called = [getattr(piece, "__name__", "") for piece in pieces]
    for name, other in zip(step.names, called, strict=True):
        if other != name and other in step.names and called[step.names.index(other)] != other:
            return True
    return False


def _misfit(name: str, piece: Any, ours: Any) -> str:
    if piece is None:
        return f"`{name}` is None. Was it made by a function without `return`, or is its cell not run?"
    if inspect.iscoroutine(piece):
        piece.close()
        return f"`{name}` is a coroutine: it was called. Hand in `{name}` itself, without parentheses."
    if isinstance(ours, type):
        return _not_a_class(name, piece)
    if isinstance(ours, FunctionType):
        return _not_a_function(name, piece)
    if isinstance(piece, type) and not isinstance(ours, type):
        return f"`{name}` is a class, and the step asks for {_kind(ours)}, as our `{type(ours).__name__}`: make one."
    return ""


def _not_a_class(name: str, piece: Any) -> str:
    if type(piece).__name__ == name:
        return f"`{name}` is an instance. The step makes its own: hand in the class, `{name}` without parentheses."
    if not callable(piece):
        return f"The step asks for the class `{name}`; came {_kind(piece)}: {short(piece, 40)}. Hand in `{name}`."
    return ""


def _not_a_function(name: str, piece: Any) -> str:
    if callable(piece):
        return ""
    came = f"{_kind(piece)}: {short(piece, 40)}"
    return f"The step asks for the function `{name}`; came {came}. Write it without parentheses."


def _kind(value: Any) -> str:
    kind = type(value).__name__
    return f"an {kind}" if kind[:1] in "aeiouAEIO" else f"a {kind}"
