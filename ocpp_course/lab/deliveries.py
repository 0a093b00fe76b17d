"""Whose answer is this? Recorded frames, given out again: by the order of the questions, or by id."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from ocpp_lab.frames import Call, CallError, CallResult
from ocpp_lab.trace import Event

Way = Literal["order", "id"]


@dataclass
class Caller:
    """Who made a call, when (loop time, s), and what came of it. ``number``: which call it was, from 1."""

    number: int
    action: str
    asked: float
    unique_id: str
    until: float
    """When it had its answer, or gave up, or the recording ended."""
    got: int | None = None
    """The call whose answer it was given; None: nothing came in time."""
    gave_up: bool = False


@dataclass
class Reply:
    """An answer that came: to which call, when, and to which caller it was given; None: nobody waited for it."""

    to: int
    at: float
    given: int | None = None


@dataclass
class Deliveries:
    """All callers and all answers, in the order of the recording."""

    callers: list[Caller] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)

    @property
    def wrong(self) -> int:
        """How many callers were given the answer to another's call."""
        return sum(each.got not in (None, each.number) for each in self.callers)


def deliver(events: Iterable[Event], way: Way, timeout: float) -> Deliveries:
    """Give each recorded answer to a caller, as a client would that goes by order, or by id.

    The events are those of one end. A caller waits for ``timeout`` seconds. Answers to calls that are not in the
    recording are left out.
    """
    made = Deliveries()
    end = 0.0
    for event in events:
        end = event.at
        match event.mark, event.frame:
            case ">", Call(unique_id, action):
                made.callers.append(Caller(len(made.callers) + 1, action, event.at, unique_id, event.at + timeout))
            case "<", CallResult(unique_id) | CallError(unique_id):
                if to := next((each.number for each in made.callers if each.unique_id == unique_id), 0):
                    made.replies.append(_give(made, Reply(to, event.at), way))
    for caller in made.callers:
        caller.gave_up = caller.got is None and caller.until <= end
        caller.until = min(caller.until, end)
    return made


def _give(made: Deliveries, reply: Reply, way: Way) -> Reply:
    waiting = [each for each in made.callers if each.got is None and each.until > reply.at]
    found = [each for each in waiting if way == "order" or each.number == reply.to]
    if found:
        found[0].got, found[0].until = reply.to, reply.at
        reply.given = found[0].number
    return reply
