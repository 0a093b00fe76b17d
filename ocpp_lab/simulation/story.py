"""`story`: the ladder of frames between a charge point and the central system, as text."""

from __future__ import annotations

from collections.abc import Iterable

from ..frames import Call, CallError, CallResult
from ..trace import Event

WIDTH = 46
"""Characters of each column."""


def ladder_text(
    charge_point: Iterable[Event],
    central_system: Iterable[Event],
    identity: str,
    *,
    around: float,
    before: int = 24,
    after: int = 6,
) -> str:
    """One line for each event, around an instant (s): left what the charge point saw, right the central system.

    ``──▶`` leaves the charge point, ``▶`` arrives; an arrow that arrives nowhere was lost, or is still on its way.
    """
    left = [(event.at, 0, event) for event in charge_point]
    right = [(event.at, 1, event) for event in central_system if event.identity in (identity, "cs")]
    story = sorted(left + right, key=lambda entry: entry[0])
    middle = sum(1 for at, _, _ in story if at <= around)
    names: dict[str, str] = {}
    for _, _, event in story:
        match event.frame:
            case Call() as call:
                names[call.unique_id] = call.action
    shown = [_line(*entry, names) for entry in story[max(0, middle - before) : middle + after]]
    return "\n".join([f"{'seconds':>10}  {identity:<{WIDTH}} central system", *shown])


def _line(at: float, side: int, event: Event, names: dict[str, str]) -> str:
    text = f"{_arrow(side, event.mark)} {_said(event, names)}"
    text = text if len(text) <= WIDTH or side else f"{text[: WIDTH - 1]}…"
    return f"{at:10.3f}  {'' if side else text:<{WIDTH}} {text[:100] if side else ''}".rstrip()


def _arrow(side: int, mark: str) -> str:
    match mark, side:
        case (">", 0) | ("<", 1):
            return "──▶" if side == 0 else "▶  "
        case ("<", 0) | (">", 1):
            return "◀  " if side == 0 else "◀──"
        case _:
            return f" {mark} "


def _said(event: Event, names: dict[str, str]) -> str:
    match event.frame:
        case Call(unique_id=unique_id, action=action):
            return f"{action} {unique_id}"
        case CallResult(unique_id=unique_id):
            return f"result of {names.get(unique_id, '?')} {unique_id}"
        case CallError(unique_id=unique_id, code=code):
            return f"{code} for {names.get(unique_id, '?')} {unique_id}"
        case _:
            return event.text
