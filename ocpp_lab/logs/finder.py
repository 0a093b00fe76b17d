"""`Finder`: the frames in a stream of lines, and the lines that tell of a connection's beginning or end.

Frame first, format second: whatever looks like a frame is read, from there on; what stands before it says when it
passed, whose it is, and in which direction.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from ..frames import Frame
from .columns import Columns
from .mending import CANDIDATE, Balance, Piece
from .prefix import About, about, identity_in
from .seen import Seen
from .sighted import hidden, read_frame, sighted
from .times import EPOCH_DAY, Clockwork, Told
from .turnings import Turning, masked, named_beside, turning_in
from .unwrap import Unwrapped, unwrap
from .window import read_at
from .worded import worded

MOST_LINES, MOST_CHARACTERS = 3000, 1_000_000
"""Of one frame."""
MOST_ON_A_LINE = 20_000
"""Frames."""
MOST_SPOILT = 64
"""Of them those that cannot be read whole: each costs a look at all the rest of its line."""
ABOVE = 120
"""Lines without a frame that are remembered: so many does Wireshark print between the time of a packet and its text."""
_NEW_LINE = re.compile(
    r"^[^\w\"']{0,4}(?:\d{4}[-/.]\d\d[-/.]\d\d[T ]|\d\d[./]\d\d[./]\d{4} |\d\d:\d\d:\d\d"
    r"|(?:INFO|DEBUG|WARN|ERROR|TRACE)\b|\[(?:INFO|DEBUG|WARN|ERROR|TRACE|MO|ocpp)\b|[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:)"
)
_REST_OF_A_TIME = re.compile(r"[\dT:.+-]{1,30}Z?\"\s?[,}]")
"""Of a payload, where a line was broken in front of it, or within."""
_FIELD = re.compile(r"""\s{0,60}"[\w@.]{1,30}"\s{0,5}:|(?:\s{1,60}|- )[\w@.]{1,30}:\s{1,5}['"]?$""")
"""Of an object that stands on several lines, in JSON or in YAML."""


class Sighting(NamedTuple):
    """A frame that was seen, and what only the reader of the whole log can use."""

    seen: Seen
    session: str
    quoted: bool
    zoned: bool
    dated: bool


class _Open(NamedTuple):
    """A frame that is not complete yet."""

    line: int
    wrapped: Unwrapped
    before: str
    parts: list[str]
    balance: Balance


class _Spot(NamedTuple):
    """Where a frame stands: on these lines, from ``start`` to ``end`` of a text, behind what is ``before``."""

    line: int
    last_line: int
    wrapped: Unwrapped
    before: str
    text: str
    start: int
    end: int


class Finder:
    """`feed` it line by line, and call `end`."""

    def __init__(self) -> None:
        self._clock = Clockwork()
        self._open: _Open | None = None  # a frame over several lines, from its first line to its last
        self._size = 0  # characters of it so far
        self._bare: deque[tuple[int, Unwrapped]] = deque(maxlen=ABOVE)  # the newest lines, since one that had a frame
        self._times_above: bool | None = None  # whether the first frame on a line of its own had a time above it
        self._columns = Columns()
        self._known: dict[tuple[str, str], About] = {}  # what the same words said before; forgotten when many

    def feed(self, number: int, line: str) -> Iterator[Sighting | Turning]:
        """What a line has."""
        for wrapped in unwrap(line):
            if self._open is not None:
                wrapped = self._same_prefix_off(wrapped)
                if not self._belongs(wrapped.text):
                    yield from self._give_up()
                else:
                    yield from self._go_on(number, wrapped)
                    continue
            yield from self._look(number, wrapped)

    def end(self) -> Iterator[Sighting | Turning]:
        """No line follows."""
        if self._open is not None:
            yield from self._give_up()

    # -- a line

    def _look(self, number: int, wrapped: Unwrapped) -> Iterator[Sighting | Turning]:
        text = wrapped.text
        found = CANDIDATE.search(text) if "[" in text else None
        if found is None:
            yield from self._without_frame(number, wrapped)
            return
        place, told, spoilt = 0, None, 0
        for _ in range(MOST_ON_A_LINE):
            before = text[place : found.start()]
            frame, piece = read_at(text, found)
            spoilt += piece is None or piece.condition in ("broken", "elided")
            if piece is None:
                self._begin(number, wrapped, before, text[found.start() :])
                return
            place = found.start() + piece.end
            spot = _Spot(number, number, wrapped, before, text, found.start(), place)
            sighting, told = self._sight(spot, frame, piece, told)
            if sighting is not None:
                yield sighting
            found = CANDIDATE.search(text, place)
            if found is None or spoilt > MOST_SPOILT:
                break
        self._bare.clear()

    def _without_frame(self, number: int, wrapped: Unwrapped) -> Iterator[Sighting | Turning]:
        text = wrapped.text
        if not text.strip():
            return
        headed = self._bare[-1][1].text if self._bare else ""
        self._bare.append((number, wrapped))
        self._columns.learn(text)
        if text.rstrip().endswith("["):
            opening = text.rstrip()[:-1]
            before = opening if opening.strip() else headed
            self._begin(number, wrapped, before, "[", hold=True)
            return
        if (told := worded(text)) is not None:
            when = self._clock.read(text[:40])
            seen = Seen(text=hidden(text), line=number, last_line=number, at=when.at if when else None, **told)
            yield Sighting(seen, "", False, bool(when and when.zoned), bool(when and when.dated))
            return
        if len(text) < 600 and (kind := turning_in(text)):
            around = wrapped.around + text
            when = self._when(wrapped, around)
            name = wrapped.identity or identity_in(around) or named_beside(text)
            session = about(around).session
            yield Turning(kind, number, when.at if when else None, name, session, masked(text.strip())[:200])

    # -- a frame

    def _sight(
        self, spot: _Spot, frame: Frame | None, piece: Piece, told: Told | None = None
    ) -> tuple[Sighting | None, Told | None]:
        """``told`` is the time of the frame before it on the same line."""
        wrapped, before = spot.wrapped, spot.before
        before = self._headed(spot.line, before) if self._bare and len(before) < 60 else before
        before = before if len(before) <= 600 else before[:200] + before[-400:]
        after = _behind(spot.text[spot.end :])
        told = self._told(spot, before) or told or _elsewhere(self._clock.read(after))
        # What our own trace marks with "!" says that no answer came, and is none.
        seen = None if wrapped.word == "!" else sighted(spot.text[spot.start : spot.end], frame, piece)
        if seen is None:
            return None, told
        said = self._about(wrapped.around[-60:] + _without_time(before, told), after)
        seen.line, seen.last_line = spot.line, spot.last_line
        seen.at = told.at if told else None
        seen.identity = wrapped.identity or self._columns.identity(before) or said.identity
        seen.direction_word = wrapped.word.lower() or self._columns.direction(before) or said.word
        quoted = said.quoted and not wrapped.word
        return Sighting(seen, said.session, quoted, bool(told and told.zoned), bool(told and told.dated)), told

    def _headed(self, number: int, before: str) -> str:
        """A line of its own, or the fields of an object before this one, may say what follows."""
        newest = list(self._bare)[-8:]
        if not before.strip() and newest[-1][0] >= number - 3:
            heads = [wrapped.around + wrapped.text for _, wrapped in reversed(newest)]
            return next((head for head in heads if about(head).word), heads[0])
        if not _FIELD.match(before):
            return before
        fields: list[str] = []
        for _, wrapped in reversed(newest):
            fields.insert(0, wrapped.text.strip())
            if fields[0].endswith("{") or fields[0].startswith("- "):
                break
        return " ".join([*fields, before])

    def _told(self, spot: _Spot, before: str) -> Told | None:
        """The time in front of a frame, or the newest one above, if it stands on lines of its own. If the first such
        frame has none above, the times of that log stand elsewhere: below the frames, perhaps."""
        if spot.before.strip() or spot.wrapped.time or spot.wrapped.around:
            return self._when(spot.wrapped, before)
        if self._times_above is False:
            return None
        told = self._when(spot.wrapped, before) or self._above()
        if self._times_above is None:
            self._times_above = told is not None
        return told

    def _above(self) -> Told | None:
        lines = (wrapped for _, wrapped in reversed(self._bare))
        return _elsewhere(next((told for wrapped in lines if (told := self._when(wrapped, wrapped.text))), None))

    def _when(self, wrapped: Unwrapped, before: str) -> Told | None:
        if wrapped.time:
            return _given(wrapped.time) or self._clock.read(wrapped.time)
        if (told := self._clock.read(before[:300])) or not wrapped.around:
            return told
        return _elsewhere(self._clock.read(wrapped.around))

    def _about(self, before: str, after: str) -> About:
        key = before, "" if len(before.strip()) > 3 else after
        said = self._known.get(key)
        if said is None:
            if len(self._known) > 4096:
                self._known.clear()
            said = self._known[key] = about(before, after)
        return said

    # -- a frame over several lines

    def _begin(self, number: int, wrapped: Unwrapped, before: str, text: str, *, hold: bool = False) -> None:
        balance = Balance()
        if balance.feed(text.replace('\\"', '"') if '\\"' in text[:40] else text) >= 0 and not hold:
            return
        self._open, self._size = _Open(number, wrapped, before, [text], balance), len(text)

    def _same_prefix_off(self, wrapped: Unwrapped) -> Unwrapped:
        """Some loggers repeat their prefix in front of every piece of a frame."""
        assert self._open is not None
        before, text = self._open.before, wrapped.text
        if len(before) < 16 or CANDIDATE.search(text):
            return wrapped
        same = 0
        for one, other in zip(before, text, strict=False):
            if one != other and not (one.isdigit() and other.isdigit()) and not (one in " -." and other in " -."):
                break
            same += 1
        enough = same >= 16 and same >= len(before.rstrip()) - 24
        return wrapped._replace(text=text[same:]) if enough and not text[same:].startswith(before[same:]) else wrapped

    def _belongs(self, text: str) -> bool:
        assert self._open is not None
        parts = self._open.parts
        if parts == ["["]:
            return bool(re.match(r"\s{0,40}\d\s{0,9},", text))
        if len(parts) > MOST_LINES or self._size > MOST_CHARACTERS:
            return False
        if _NEW_LINE.match(text) and not (self._open.balance.in_text and _REST_OF_A_TIME.match(text)):
            return False
        found = CANDIDATE.search(text)
        return found is None or self._open.balance.holds(text, found.start())

    def _go_on(self, number: int, wrapped: Unwrapped) -> Iterator[Sighting | Turning]:
        opened = self._open
        assert opened is not None
        opened.parts.append(wrapped.text)
        self._size += len(wrapped.text)
        end = opened.balance.feed(wrapped.text)
        if end < 0:
            return
        self._open = None
        opened.parts[-1], rest = wrapped.text[:end], wrapped.text[end:]
        yield from self._joined(opened, number, rest)
        if CANDIDATE.search(rest):
            yield from self._look(number, wrapped._replace(text=rest))

    def _joined(self, opened: _Open, number: int, rest: str) -> Iterator[Sighting | Turning]:
        for glue in ("", "\n"):
            text = glue.join(opened.parts)
            frame, piece = read_frame(text)
            if piece is not None and piece.condition != "broken":
                break
        piece = piece or Piece("broken", None, len(text))
        if piece.condition in ("whole", "mended"):
            piece = piece._replace(condition="mended", mended=("several lines", *piece.mended))
        if len(opened.parts) > 1 or piece.condition == "broken":
            spot = _Spot(opened.line, number, opened.wrapped, opened.before, text + rest, 0, piece.end)
            sighting, _ = self._sight(spot, frame, piece)
            if sighting is not None:
                yield sighting
        self._bare.clear()

    def _give_up(self) -> Iterator[Sighting | Turning]:
        """What follows is something else: it was cut."""
        opened, self._open = self._open, None
        assert opened is not None
        if opened.parts[0] == "[":
            return
        text = opened.parts[0]
        piece = Piece("broken", None, len(text))
        spot = _Spot(opened.line, opened.line, opened.wrapped, opened.before, text, 0, len(text))
        sighting, _ = self._sight(spot, None, piece)
        if sighting is not None:
            yield sighting


def _elsewhere(told: Told | None) -> Told | None:
    """A time that does not stand in front of its frame: nothing is to be taken out there."""
    return told and told._replace(start=0, end=0)


def _behind(rest: str) -> str:
    """What is said behind a frame: behind the last one of a row that has a call and its answer side by side."""
    return (rest[rest.rfind("]") + 1 :] if CANDIDATE.search(rest[:200]) else rest)[:200]


def _without_time(before: str, told: Told | None) -> str:
    """What stands in front of a frame, but for its time: the same words for many frames."""
    if told is None or told.end > len(before):
        return before
    return before[: told.start] + before[told.end :]


def _given(time: str) -> Told | None:
    """A number of seconds or milliseconds."""
    try:
        number = float(time)
        while number > 1e11:  # in thousandths, millionths, or as Loki has them
            number /= 1000
        return Told(EPOCH_DAY + timedelta(seconds=number), number > 1e8, number > 1e8)
    except (ValueError, OverflowError):
        return None
