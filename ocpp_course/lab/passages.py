"""What passed between the two ends, put together from their traces: the facts under a ladder diagram.

Both traces in one loop have one clock, so the instants are true. With one trace, a frame is taken to arrive at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from ocpp_lab.frames import Call, CallError, CallResult, Frame
from ocpp_lab.trace import Event

from .calls import SYNTHESISED, stray

Side = Literal["left", "right"]
"""Left is the charge point, right the central system."""

NAMES: dict[Side, str] = {"left": "charge point", "right": "central system"}
_OTHER: dict[Side, Side] = {"left": "right", "right": "left"}
_MISSING = re.compile(r"([\d,]+) (?:events|frames) are (?:missing|left out) here")
_SAID = {"timeout": "timed out", "lost": "lost with the connection"}


@dataclass(eq=False)
class Passage:
    """A text on its way from one end to the other."""

    sender: Side
    text: str
    frame: Frame | None
    sent: float
    received: float | None = None
    action: str = ""
    """Of the call, or of the call that this answers."""
    seconds: float | None = None
    """Of an answer: since its call, at the caller."""
    outcome: str = "result"
    """A key of `style.OUTCOMES`; of a call: how it ended."""
    lost: bool = False


@dataclass(eq=False)
class Happening:
    """Something at an instant that is no frame. ``side`` None: it concerns the whole connection."""

    at: float
    kind: Literal["mark", "state", "line", "gap"]
    side: Side | None
    text: str
    outcome: str = "result"
    call: Passage | None = None


@dataclass(eq=False)
class Instant:
    """One point of time on a lifeline: a passage leaves or arrives, or something happens."""

    at: float
    what: Literal["sent", "received", "happens"]
    item: Passage | Happening


def instants(left: Iterable[Event], right: Iterable[Event]) -> list[Instant]:
    """Both stories as one, in order of time: every arrival matched to its departure, every reply to its call."""
    return _Reader(list(left), list(right)).read()


class _Reader:
    """Goes through the merged story once."""

    def __init__(self, left: list[Event], right: list[Event]) -> None:
        self.stories: dict[Side, list[Event]] = {"left": left, "right": right}
        self.both = bool(left) and bool(right)
        self.out: list[Instant] = []
        self.flying: dict[Side, list[Passage]] = {"left": [], "right": []}  # by sender
        self.calls: dict[tuple[Side, str], Passage] = {}  # by caller and unique id
        self.broken: Happening | None = None  # the end of the connection, until there is a new one

    def read(self) -> list[Instant]:
        take = {">": self._sent, "<": self._received, "!": self._trouble, "=": self._state}
        for side, event in self._merged():
            take[event.mark](side, event)
        return self.out

    def _merged(self) -> Iterator[tuple[Side, Event]]:
        """In order of time; at equal times (a simulated clock stands still) what is sent comes before it arrives."""
        queues = {side: list(reversed(story)) for side, story in self.stories.items()}
        while heads := [(q[-1].at, self._must_wait(side, q[-1]), side) for side, q in queues.items() if q]:
            side = min(heads)[2]
            yield side, queues[side].pop()

    def _must_wait(self, side: Side, event: Event) -> bool:
        return event.mark == "<" and not any(p.text == event.text for p in self.flying[_OTHER[side]])

    # -- frames

    def _sent(self, side: Side, event: Event) -> None:
        passage = self._depart(side, event)
        if self.both:
            self.flying[side].append(passage)
        else:
            self._arrive(passage, event.at)

    def _received(self, side: Side, event: Event) -> None:
        sender = _OTHER[side]
        passage = next((p for p in self.flying[sender] if p.text == event.text), None)
        if passage is None:
            passage = self._depart(sender, event)
        else:
            self.flying[sender].remove(passage)
        self._arrive(passage, event.at)

    def _depart(self, side: Side, event: Event) -> Passage:
        passage = Passage(side, event.text, event.frame, event.at)
        match passage.frame:
            case Call(unique_id, action):
                passage.action, passage.outcome = action, "waiting"
                self.calls[side, unique_id] = passage
            case CallError():
                passage.outcome = "CallError"
            case None:
                passage.outcome = "malformed"
        if call := self._call_of(passage):
            passage.action = call.action
        self.out.append(Instant(event.at, "sent", passage))
        return passage

    def _arrive(self, passage: Passage, at: float) -> None:
        passage.received = at
        self.out.append(Instant(at, "received", passage))
        if call := self._call_of(passage):
            passage.seconds = at - call.sent
            if call.outcome == "waiting":
                call.outcome = passage.outcome

    def _call_of(self, passage: Passage) -> Passage | None:
        """The call that this passage answers."""
        if not isinstance(passage.frame, CallResult | CallError):
            return None
        return self.calls.get((_OTHER[passage.sender], passage.frame.unique_id))

    # -- the rest of the story

    def _trouble(self, side: Side, event: Event) -> None:
        if named := stray(event):
            self._rename(side, *named)
        elif isinstance(frame := event.frame, CallError) and frame.code in SYNTHESISED:
            self._end_badly(side, event.at, frame)
        elif missing := _MISSING.match(event.text):
            self._happens(Happening(event.at, "gap", None, missing[1]))
        elif event.text.startswith("refused with"):
            self._happens(Happening(event.at, "mark", side, event.text.partition(":")[0], "CallError"))

    def _end_badly(self, side: Side, at: float, frame: CallError) -> None:
        outcome = SYNTHESISED[frame.code]
        call = self.calls.get((side, frame.unique_id))
        action = call.action if call else "a call"
        if call:
            call.outcome = outcome
        if outcome == "lost":
            self._break(at, frame.description)
        self._happens(Happening(at, "mark", side, f"{action} {_SAID[outcome]}", outcome, call))

    def _rename(self, side: Side, fate: str, frame: CallResult | CallError) -> None:
        """A reply that has just arrived fits no call."""
        for instant in reversed(self.out):
            passage = instant.item
            if instant.what != "received" or not isinstance(passage, Passage) or passage.sender == side:
                continue
            if getattr(passage.frame, "unique_id", None) == frame.unique_id:
                passage.outcome = fate
                if fate == "malformed" and (call := self._call_of(passage)):
                    call.outcome = fate
                return

    def _state(self, side: Side, event: Event) -> None:
        old, arrow, new = event.text.partition(" → ")
        if event.text == "connected" or (old == "connecting" and not new.endswith("(lost)")):
            self.broken = None
        elif event.text.startswith("disconnected:"):
            self._break(event.at, event.text.partition(": ")[2])
        elif old != "connecting" and new.endswith("(lost)"):
            self._break(event.at, "")
        if arrow:
            self._happens(Happening(event.at, "state", side, new.partition(" (")[0]))

    def _break(self, at: float, why: str) -> None:
        """The connection is gone, and with it what was under way. Both ends notice; one break is drawn, and why."""
        for prefix in ("the connection was ", "this end "):
            why = why.removeprefix(prefix)
        if self.broken is None:
            self.broken = Happening(at, "line", None, "", "lost")
            self._happens(self.broken)
            for passage in self.flying["left"] + self.flying["right"]:
                passage.lost = True
            self.flying = {"left": [], "right": []}
        if why or not self.broken.text:
            self.broken.text = f"connection {why or 'lost'}"

    def _happens(self, happening: Happening) -> None:
        self.out.append(Instant(happening.at, "happens", happening))
