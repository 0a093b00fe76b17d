"""`Log`: what was read of a log: its frames in the order in which they passed, connections, and whose eyes saw it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from .advice import NO_FRAMES
from .seen import Seen, Side

Zone = Literal["known", "unknown"]
"""Whether the log's times carry an offset."""


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """Who wrote the log, by vote: in 1.6 nearly every action has one legal sender, so each call is a vote."""

    side: Side | None
    """Whose "sent" is sent; None if nothing told, or if the log names both ends (its arrows are absolute)."""
    votes_for: int = 0
    """Calls that agree."""
    votes_against: int = 0
    """Calls that do not: their sender may not send them, or the log has them under the wrong word."""

    @property
    def certain(self) -> bool:
        """Whether the vote is clear enough to blame somebody by it."""
        return self.votes_for > 0 and self.votes_for >= 4 * self.votes_against

    def __str__(self) -> str:
        if self.side is None:
            return "nobody can tell who wrote it"
        return f"written by the {self.side} ({self.votes_for} calls say so, {self.votes_against} do not)"


@dataclass(slots=True)
class LoggedConnection:
    """One connection, as far as the log shows it: from its first line to its last."""

    identity: str | None
    number: int
    """From 0, of this identity."""
    first_line: int
    last_line: int
    opened_at: datetime | None = None
    """None if the log has no times."""
    closed_at: datetime | None = None
    """Of the last line of it."""
    opening: str = ""
    """What the log says of its beginning; "" if nothing: then it may have begun before the log."""
    closing: str = ""
    """What the log says of its end; "" if nothing: then a later one may have taken its place, or the log ends."""
    opening_line: int = 0
    """Where that stands; 0 if nowhere."""
    closing_line: int = 0
    """The same of its end."""


@dataclass(frozen=True, slots=True)
class Log:
    """What `read` makes of a log. ``seen`` is in the order of time, whatever the order of the lines was."""

    source: str
    """Where it came from: a path, or "text"."""
    lines: int
    """How many it has; of a chapter, how many there are up to its end."""
    seen: Sequence[Seen]
    """All frames; `Seen.index` is the place here."""
    format: str = "unknown"
    """Whose log this looks like; a guess, on which nothing depends."""
    viewpoint: Viewpoint = field(default_factory=lambda: Viewpoint(None))
    connections: Sequence[LoggedConnection] = ()
    """In the order of their first lines."""
    zone: Zone = "unknown"
    """Without an offset its times are read as UTC, and may be hours away from it."""
    dated: bool = True
    """Whether its times have a date. If not, they begin on the first of January 1970."""
    newest_first: bool = False
    """Whether its lines stand in reverse."""
    crowd: bool = False
    """Whether several charge points speak in it that it does not name: what follows what is not known then."""
    later: frozenset[str | None] = frozenset()
    """The charge points that speak OCPP 2.0.1, and are understood: what is known here of payloads does not hold."""
    first_line: int = 1
    """Of a chapter of a log that is too long for one piece: where it begins."""
    refusals: tuple[tuple[int, str], ...] = ()
    """Lines, with their numbers, that speak of a handshake that failed, or of its subprotocol."""
    notes: tuple[str, ...] = ()
    """What a reader of the findings should know: duplicated rows, lines that were too long, …"""

    @property
    def identities(self) -> list[str | None]:
        """The charge points, in the order in which they appear."""
        return list(dict.fromkeys(seen.identity for seen in self.seen))

    def no_frames_advice(self) -> str:
        """What to do if there are no frames in it; "" if there are."""
        return "" if self.seen else NO_FRAMES
