"""`finding_ladder`: the frames around a finding as a ladder; those that prove it are framed."""

from __future__ import annotations

from collections.abc import Iterator

from ocpp_course.explain.excerpt import Excerpt
from ocpp_lab.logs import Seen
from ocpp_lab.trace import Event

from ..ladder import ladder
from ..vector import Vector

SIGN = {"charge point": ">", "central system": "<"}
A_MOMENT = 1e-6
"""Seconds between two frames that the log gives one time, or none: so each instant is one frame's own."""


def finding_ladder(shown: Excerpt, title: str = "") -> Vector:
    """With the log's own times and lines. Frames whose sender nobody can tell are not drawn."""
    story = Story(shown)
    timed = any(seen.at for seen in shown.seen)
    return ladder(
        story.events, title=title, limit=10_000, states=False, marked=story.marked, clock=story.clock, timed=timed
    )


class Story:
    """An excerpt as the events that a ladder is drawn from: as if the charge point had told them."""

    def __init__(self, shown: Excerpt) -> None:
        self._at: dict[float, Seen] = {}  # by instant; `_told` fills it
        self.events = list(self._told(shown))
        self.marked = {at for at, seen in self._at.items() if seen.index in shown.marked}

    def _told(self, shown: Excerpt) -> Iterator[Event]:
        before: Seen | None = None
        at = 0.0
        for seen in shown.seen:
            at = max(seen.at.timestamp() if seen.at else at, at) + A_MOMENT
            if missing := shown.gaps.get(seen.index):
                yield Event(at, "", "!", f"{missing:,} frames are left out here")
            if before and (before.connection, before.identity) != (seen.connection, seen.identity):
                yield Event(at, "", "=", "disconnected: ended, and a new one begins")
                yield Event(at, "", "=", "connected")
            before = seen
            if seen.sender:
                self._at[at] = seen
                yield Event(at, "", SIGN[seen.sender], seen.text)

    def clock(self, at: float) -> tuple[str, str]:
        """The time of day and the line, or the line alone."""
        seen = self._at.get(at)
        if seen is None:
            return "", ""
        line = f"line {seen.line:,}"
        return (f"{seen.at:%H:%M:%S}", f"{seen.at:%H:%M:%S.%f}"[:-3] + f" · {line}") if seen.at else (line[:8], line)
