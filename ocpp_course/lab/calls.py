"""Calls and how they ended: read out of a trace, or watched from the caller's chair."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from typing import Any

from ocpp_lab.errors import (
    CallFailed,
    CallTimeout,
    ConnectionLost,
    MalformedReply,
    NotAccepted,
    NotConnected,
    OcppError,
)
from ocpp_lab.frames import Call, CallError, CallResult
from ocpp_lab.trace import Event

SYNTHESISED = {"Timeout": "timeout", "ConnectionClosed": "lost"}
"""The codes of the CallErrors that this end writes itself, and the outcome each one stands for."""

_BY_ERROR: tuple[tuple[type[OcppError], str], ...] = (
    (CallFailed, "CallError"),
    (MalformedReply, "malformed"),
    (CallTimeout, "timeout"),
    (ConnectionLost, "lost"),
    (NotConnected, "not sent"),
    (NotAccepted, "not sent"),
)


@dataclass
class Ended:
    """One call: when it started (loop time, s), how long it took (s), and its outcome, a key of `style.OUTCOMES`."""

    action: str
    started: float
    seconds: float
    outcome: str
    unique_id: str = ""
    detail: str = ""


def calls(events: Iterable[Event]) -> list[Ended]:
    """The calls that this end of the line made, in the order in which they were sent.

    Every call has one entry; one whose end is not in the trace is *waiting*, and lasts until the newest event.
    """
    story = list(events)
    made: list[Ended] = []
    open_calls: dict[str, Ended] = {}
    for event in story:
        frame = event.frame
        if event.mark == ">" and isinstance(frame, Call):
            one = Ended(frame.action, event.at, story[-1].at - event.at, "waiting", frame.unique_id)
            open_calls[frame.unique_id] = one
            made.append(one)
        elif end := _end(event, frame):
            unique_id, outcome, detail = end
            if (ended := open_calls.pop(unique_id, None)) is not None:
                ended.seconds, ended.outcome, ended.detail = event.at - ended.started, outcome, detail
            elif outcome == "malformed":  # its CallResult came just before, and looked well until it was read
                _correct(made, unique_id, outcome)
    return made


def _end(event: Event, frame: Any) -> tuple[str, str, str] | None:
    """Whose end this event is, and which."""
    match event.mark, frame:
        case "<", CallResult():
            return frame.unique_id, "result", str(frame.payload.get("status", ""))
        case "<", CallError():
            return frame.unique_id, "CallError", frame.code
        case "!", CallError():
            return frame.unique_id, SYNTHESISED.get(frame.code, "CallError"), frame.description
        case "!", None if reply := stray(event):
            return (reply[1].unique_id, "malformed", "") if reply[0] == "malformed" else None
    return None


def _correct(made: list[Ended], unique_id: str, outcome: str) -> None:
    for ended in reversed(made):
        if ended.unique_id == unique_id:
            ended.outcome = outcome
            return


def stray(event: Event) -> tuple[str, CallResult | CallError] | None:
    """A reply that fitted no pending call, with its name: malformed, late, repeated, orphan. None for other events."""
    fate, reply, text = event.text.partition(" reply: ")
    if event.mark != "!" or not reply:
        return None
    frame = event._replace(text=text).frame
    return (fate, frame) if isinstance(frame, CallResult | CallError) else None


async def timed(work: Awaitable[Any], action: str = "", started: float | None = None) -> Ended:
    """Await a call and tell how it ended, as its caller feels it: the wait for its turn is included. Never OcppError.

    ``started``: loop time from which to count, if the call was made earlier.
    """
    time = asyncio.get_running_loop().time
    start = time() if started is None else started
    outcome, detail = "result", ""
    try:
        response = await work
        detail = str(getattr(response, "status", type(response).__name__))
        action = action or type(response).__name__.removesuffix("Response")
    except OcppError as error:
        outcome = next((name for kind, name in _BY_ERROR if isinstance(error, kind)), type(error).__name__)
        detail = str(error)
    return Ended(action, start, time() - start, outcome, detail=detail)
