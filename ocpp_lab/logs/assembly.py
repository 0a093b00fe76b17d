"""`assemble`: sightings to a `Log`: echoes and mentions left out, in the order of time, with sides and connections."""

from __future__ import annotations

import re
from calendar import isleap
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from .crowd import CROWD, TOLD_APART, is_crowd, told_apart
from .finder import Sighting
from .formats import guess
from .log import Log, LoggedConnection
from .ordering import Order, in_order
from .pairing import Pairs, pair
from .seen import Seen
from .times import NO_YEAR
from .turnings import Turning
from .versions import LATER_NOTE, later_ones
from .voting import Votes, count, decide

_YEAR = re.compile(r'"(20\d\d)-\d\d-\d\dT')
A_PIECE, AN_UNTIMED_PIECE = 6, 12
"""Frames after each other that stand in a log twice, in the same order: then it was put together of pieces."""
NEAR = 60
"""Frames between two sightings of one frame by two loggers, at most."""


@dataclass(slots=True)
class Gathered:
    """What a chapter is made of."""

    frames: list[Sighting] = field(default_factory=list)
    turnings: list[Turning] = field(default_factory=list)
    samples: list[str] = field(default_factory=list)
    """Some lines, for a guess at the format."""
    lines: int = 0
    first_line: int = 1
    votes: Votes = field(default_factory=dict)
    """Of the chapters before."""


def assemble(gathered: Gathered, source: str) -> Log:
    """One chapter, or the whole log."""
    notes: list[str] = []
    _tell_the_year(gathered.frames, gathered.turnings)
    frames = _without_mentions(gathered.frames, notes)
    frames = _without_copies(_without_echoes(frames, notes), notes)
    order = in_order(frames)
    frames = order.frames
    if order.ranks:
        notes.append("a newer part of this log stands before an older one; they are read in the order of their times")
    seen = [each.seen for each in frames]
    _number(seen)
    _name_the_nameless(seen)
    _forget_false_names(seen, notes)
    if told_apart(seen, [each.session for each in frames]):
        notes.insert(0, TOLD_APART)
    viewpoint = decide(seen, gathered.votes)
    nameless = all(each.identity is None for each in seen)
    if crowd := nameless and is_crowd(seen, (each.identity for each in gathered.turnings)):
        notes.insert(0, CROWD)
    connections = _connect(order, gathered.turnings)
    pairs = pair(seen)
    _tell_actions(seen, pairs)
    times = [each for each in frames if each.seen.at]
    if later := later_ones(seen, pairs):
        notes.insert(0, LATER_NOTE)
    return Log(
        source=source,
        lines=gathered.lines,
        seen=seen,
        format=guess(gathered.samples, seen),
        viewpoint=viewpoint,
        connections=connections,
        zone="known" if times and all(each.zoned for each in times) else "unknown",
        dated=all(each.dated for each in times),
        newest_first=order.newest_first,
        crowd=crowd,
        later=frozenset(later),
        first_line=gathered.first_line,
        refusals=tuple((each.line, each.text) for each in gathered.turnings if each.kind == "refused")[:100],
        notes=tuple(notes),
    )


def votes_of(log: Log) -> Votes:
    """For the next chapter."""
    return count(log.seen)


def _number(seen: Sequence[Seen]) -> None:
    for index, each in enumerate(seen):
        each.index = index


def _key(seen: Seen) -> tuple[int | None, str | None]:
    return seen.kind, seen.unique_id


def _tell_the_year(frames: list[Sighting], turnings: list[Turning]) -> None:
    """A syslog names none: the one of which the payloads speak most."""
    without = [each.seen for each in frames if each.seen.at and each.seen.at.year == NO_YEAR]
    if not without and not any(each.at and each.at.year == NO_YEAR for each in turnings):
        return
    told = Counter(int(year) for seen in without for year in _YEAR.findall(seen.text[:2000]))
    year = told.most_common(1)[0][0] if told else 2000
    for seen in without:
        seen.at = _in_year(seen.at, year)
    turnings[:] = [each._replace(at=_in_year(each.at, year)) for each in turnings]


def _in_year(at: datetime | None, year: int) -> datetime | None:
    if at is None or at.year != NO_YEAR:
        return at
    leap = isleap(year) or (at.month, at.day) != (2, 29)
    return at.replace(year=year) if leap else at.replace(year=year, month=3, day=1)


def _without_mentions(frames: list[Sighting], notes: list[str]) -> list[Sighting]:
    """A frame that an error line quotes is no second frame, if the log has the first."""
    if not any(each.quoted for each in frames):
        return frames
    real = Counter(_key(each.seen) for each in frames if not each.quoted)
    kept = [each for each in frames if not (each.quoted and real[_key(each.seen)])]
    if len(kept) < len(frames):
        notes.append(
            f"{len(frames) - len(kept)} frames are only quoted by lines about some trouble; they are not counted"
        )
    return kept


def _without_echoes(frames: list[Sighting], notes: list[str]) -> list[Sighting]:
    """Two loggers that tell the same frame, both ends in one log, rows that are doubled by an export."""
    twins = _twins(frames)
    by_words: Counter[tuple[str, str]] = Counter()
    for one, two in twins:
        by_words[frames[one].seen.direction_word, frames[two].seen.direction_word] += 1
    words = Counter(each.seen.direction_word for each in frames)
    gone: set[int] = set()
    for one, two in twins:
        first, second = frames[one].seen, frames[two].seen
        pair_of_words = first.direction_word, second.direction_word
        share = by_words[pair_of_words] + by_words[pair_of_words[::-1]] * (pair_of_words[0] != pair_of_words[1])
        if pair_of_words[0] == pair_of_words[1]:
            share *= 2
        if share < 0.5 * min(words[pair_of_words[0]], words[pair_of_words[1]]) or share < 4:
            continue
        gone.add(one if _quality(second) > _quality(first) else two)
    if gone:
        notes.append(f"{len(gone)} frames are told twice, by two loggers or in doubled rows; each is counted once")
    return [each for number, each in enumerate(frames) if number not in gone]


def _without_copies(frames: list[Sighting], notes: list[str]) -> list[Sighting]:
    """A log that was pasted in pieces that overlap, or an export that was appended to itself."""
    newest: dict[tuple[object, ...], int] = {}
    runs: list[list[int]] = [[]]
    before: int | None = None  # where the frame before this one stood first
    for number, each in enumerate(frames):
        seen = each.seen
        key = (seen.at, seen.identity, seen.direction_word, seen.kind, seen.unique_id, seen.text)
        first = newest.get(key)
        if first is not None and before is not None and first == before + 1:
            runs[-1].append(number)
        elif first is not None:
            runs.append([number])
        newest[key], before = number, first
    gone = {
        number
        for run in runs
        for number in run
        if len(run) >= (A_PIECE if frames[run[0]].seen.at else AN_UNTIMED_PIECE)
    }
    if gone:
        notes.append(f"{len(gone)} frames stand in pieces that the log has twice; each is counted once")
    return [each for number, each in enumerate(frames) if number not in gone] if gone else frames


def _quality(seen: Seen) -> tuple[int, bool]:
    """Of two loggers, one may shorten frames, and one may not say whose they are."""
    return {"whole": 3, "mended": 2, "elided": 1, "broken": 0}[seen.condition], seen.identity is not None


def _twins(frames: list[Sighting]) -> list[tuple[int, int]]:
    """Neighbours that have the same kind, id and text, as far as that is told."""
    newest: dict[tuple[int | None, str | None, str | None], int] = {}
    found = []
    for number, each in enumerate(frames):
        seen = each.seen
        key = (seen.kind, seen.unique_id, seen.action)
        other = newest.get(key)
        if other is not None and number - other <= NEAR and _alike(frames[other].seen, seen):
            found.append((other, number))
            del newest[key]
        else:
            newest[key] = number
    return found


def _alike(one: Seen, other: Seen) -> bool:
    if "words" in one.mended or (one.identity and other.identity and one.identity != other.identity):
        return False
    if one.at and other.at and abs((other.at - one.at).total_seconds()) > 5:
        return False
    if one.condition in ("elided", "broken") or other.condition in ("elided", "broken"):
        return one.direction_word != other.direction_word
    return one.frame == other.frame and one.raw == other.raw


def _name_the_nameless(seen: Sequence[Seen]) -> None:
    """One charge point in a log that does not always say its name."""
    names = {each.identity for each in seen} - {None}
    if len(names) == 1:
        [name] = names
        for each in seen:
            each.identity = name


def _forget_false_names(seen: Sequence[Seen], notes: list[str]) -> None:
    """If replies find their calls better without them, they were no names of charge points."""
    names = [each.identity for each in seen]
    if len(set(names)) < 2:
        return
    with_names = len(pair(seen).call_of)
    for each in seen:
        each.identity = None
    if with_names >= 0.8 * len(pair(seen).call_of):
        for each, name in zip(seen, names, strict=True):
            each.identity = name
        return
    notes.append("what looked like names of charge points was none: all frames are taken for those of one")


def _tell_actions(seen: Sequence[Seen], pairs: Pairs) -> None:
    for reply, call in pairs.call_of.items():
        seen[reply].action = seen[call].action


# -- connections


def _connect(order: Order, turnings: list[Turning]) -> list[LoggedConnection]:
    """Where one ends and the next begins: the log says so, or the id of its session changes, or the file does."""
    names = {each.seen.identity for each in order.frames}
    files: dict[str | None, int] = {}
    connections: dict[str | None, list[LoggedConnection]] = {}
    sessions: dict[str | None, str] = {}
    over: dict[str | None, bool] = {}
    events: list[Sighting | Turning] = [*order.frames, *turnings]
    events.sort(key=lambda each: order.place(each.line if isinstance(each, Turning) else each.seen.line))
    for event in events:
        if isinstance(event, Turning):
            if event.kind == "refused":
                continue
            for name in _meant(event, names):
                _turn(event, name, connections, over)
            continue
        seen = event.seen
        own = connections.setdefault(seen.identity, [])
        file = order.file_of(seen.line)
        over[seen.identity] = over.get(seen.identity, False) or files.get(seen.identity, file) != file
        files[seen.identity] = file
        changed = event.session and sessions.get(seen.identity, event.session) != event.session
        just_opened = own and own[-1].opening_line == own[-1].last_line  # the log said so, and this is its first frame
        if not own or over.get(seen.identity) or (changed and not just_opened):
            own.append(LoggedConnection(seen.identity, len(own), seen.line, seen.last_line, seen.at))
            over[seen.identity] = False
        if event.session:
            sessions[seen.identity] = event.session
        newest = own[-1]
        newest.opened_at = newest.opened_at or seen.at
        newest.last_line, newest.closed_at = seen.last_line, seen.at or newest.closed_at
        seen.connection = newest.number
    return sorted((each for own in connections.values() for each in own), key=lambda each: each.first_line)


def _meant(turning: Turning, names: set[str | None]) -> Iterable[str | None]:
    if turning.identity in names:
        return [turning.identity]
    if turning.session in names:
        return [turning.session]
    return names if len(names) == 1 else ()


def _turn(
    turning: Turning,
    name: str | None,
    connections: dict[str | None, list[LoggedConnection]],
    over: dict[str | None, bool],
) -> None:
    own = connections.setdefault(name, [])
    if turning.kind == "closed":
        if own and not over.get(name):
            newest = own[-1]
            newest.closing, newest.closing_line = turning.text, turning.line
            newest.closed_at = turning.at or newest.closed_at
        over[name] = True
    elif not own or over.get(name) or own[-1].last_line != turning.line:
        if own and not over.get(name) and own[-1].opening and _empty(own[-1]):
            own[-1].last_line = turning.line  # several lines that say the same
            return
        fresh = LoggedConnection(name, len(own), turning.line, turning.line, turning.at, turning.at, turning.text)
        fresh.opening_line = turning.line
        own.append(fresh)
        over[name] = False


def _empty(connection: LoggedConnection) -> bool:
    return connection.first_line == connection.opening_line and connection.last_line - connection.first_line < 12
