"""`Flights`: which frames left one end, and what became of each, from what both ends wrote down.

Nothing is guessed from counters. A frame left when one trace says so, and arrived when the other one does; a call was
ignored or is held back when the fault that did it says so; a reply is stray when `Pending` has named it.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import Any, Literal

from ocpp_lab.bounded import Bounded
from ocpp_lab.faults import Fault
from ocpp_lab.frames import Call, CallError, CallResult, Frame
from ocpp_lab.trace import Event

from .calls import SYNTHESISED, stray

Way = Literal["up", "down"]
"""To the central system, or to the charge point."""
UNDER_WAY = 500
"""Frames in each direction of which we wait for the arrival; of more, the oldest is drawn no further."""


@dataclass
class Flight:
    """One frame's way, or half of it. ``kind``: call, result, error, stray, garbage. ``fate``: "" it arrived; *fade* it
    is still under way; *arrive* the rest of such a way; *drop* it was lost with its connection; *hole* it was read and
    ignored."""

    way: Way
    kind: str
    label: str
    at: float
    unique_id: str = ""
    fate: str = "fade"
    taken: bool = False


@dataclass
class Mark:
    """What happened without a frame: a call timed out, or was lost."""

    kind: str
    words: str
    at: float


@dataclass
class Hold:
    """The central system has a call, and keeps its answer for so many seconds."""

    seconds: float
    at: float


class Flights:
    """Told of everything by `charge_point`, `central_system` and `fault`; `take` gives what is new since the last time.

    ``counts``: of the calls that the charge point made since, and how they ended.
    """

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self.counts: Counter[str] = Counter()
        self._new: deque[Flight | Mark | Hold] = deque(maxlen=200)  # more than a few dozen a tick nobody sees
        self._under_way: dict[Way, deque[tuple[str, Flight]]] = {
            "up": deque(maxlen=UNDER_WAY),
            "down": deque(maxlen=UNDER_WAY),
        }
        self._asked: Bounded[str, str] = Bounded(UNDER_WAY)  # our pending calls: unique id to action
        self._ended: tuple[str, str] | None = None  # the call that the newest frame has ended, and how

    def charge_point(self, event: Event) -> None:
        """A line of the charge point's trace."""
        match event.mark:
            case ">":
                self._leaves("up", event)
                if isinstance(frame := event.frame, Call):
                    self.counts["calls"] += 1
                    self._asked[frame.unique_id] = frame.action
            case "<":
                self._arrives("down", event)
                self._answered(event.frame)
            case "=" if "→ waiting" in event.text or "→ stopped" in event.text:
                self._connection_lost()
            case "!":
                self._trouble(event)

    def central_system(self, event: Event) -> None:
        """A line of the central system's trace; those about others are left out."""
        if event.identity != self.identity:
            return
        if event.mark == ">":
            self._leaves("down", event)
        elif event.mark == "<":
            self._arrives("up", event)

    def fault(self, rule: Fault, identity: str, call: Call | None) -> None:
        """A fault acted on a call."""
        if call is None or identity != self.identity:
            return
        for each in reversed(self._new):
            if isinstance(each, Flight) and each.unique_id == call.unique_id and each.way == "up":
                if rule.kind == "ignore":
                    each.fate = "hole"
                elif rule.kind == "delay":
                    self._new.append(Hold(rule.options["seconds"], each.at))
                return

    def take(self) -> list[Flight | Mark | Hold]:
        """What happened since the last time, in order."""
        new = list(self._new)
        self._new.clear()
        for each in new:
            if isinstance(each, Flight):
                each.taken = True
        return new

    # -- frames

    def _leaves(self, way: Way, event: Event) -> None:
        flight = _flight(way, event)
        self._under_way[way].append((event.text, flight))
        self._new.append(flight)

    def _arrives(self, way: Way, event: Event) -> None:
        waiting = self._under_way[way]
        found = next((entry for entry in waiting if entry[0] == event.text), None)
        if found is None:
            return
        waiting.remove(found)
        flight = found[1]
        if flight.taken:  # the first half of its way was drawn already
            self._new.append(Flight(way, flight.kind, flight.label, event.at, flight.unique_id, "arrive"))
        else:
            flight.fate = ""

    def _connection_lost(self) -> None:
        for waiting in self._under_way.values():
            for _, flight in waiting:
                flight.fate = "drop"
            waiting.clear()

    # -- how calls end

    def _answered(self, frame: Frame | None) -> None:
        self._ended = None
        if isinstance(frame, CallResult | CallError) and self._asked.pop(frame.unique_id, ""):
            self._ended = (frame.unique_id, "result" if isinstance(frame, CallResult) else "error")
            self.counts[self._ended[1]] += 1

    def _trouble(self, event: Event) -> None:
        frame = event.frame
        if isinstance(frame, CallError) and frame.code in SYNTHESISED:
            if action := self._asked.pop(frame.unique_id, ""):
                kind = SYNTHESISED[frame.code]
                self.counts[kind] += 1
                self._new.append(Mark(kind, f"{action} {'timed out' if kind == 'timeout' else 'was lost'}", event.at))
        elif named := stray(event):
            self._stray(*named)

    def _stray(self, name: str, reply: CallResult | CallError) -> None:
        self.counts["stray"] += 1
        if self._ended and self._ended[0] == reply.unique_id:  # taken for an end of a call in the instant before
            self.counts[self._ended[1]] -= 1
            self._ended = None
        for each in reversed(self._new):
            if isinstance(each, Flight) and each.way == "down" and each.unique_id == reply.unique_id:
                each.kind, each.label = "stray", name
                return


def _flight(way: Way, event: Event) -> Flight:
    match event.frame:
        case Call(unique_id=unique_id, action=action):
            return Flight(way, "call", action, event.at, unique_id)
        case CallResult(unique_id=unique_id, payload=payload):
            return Flight(way, "result", _said(payload), event.at, unique_id)
        case CallError(unique_id=unique_id, code=code):
            return Flight(way, "error", code, event.at, unique_id)
    return Flight(way, "garbage", "no frame", event.at)


def _said(payload: Any) -> str:
    """What a result says, in a word."""
    if not isinstance(payload, dict):
        return "result"
    info = payload.get("idTagInfo")
    status = payload.get("status") or (info.get("status") if isinstance(info, dict) else None)
    return status if isinstance(status, str) else "result"
