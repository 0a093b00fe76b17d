"""`read`: a text, a file or lines to a `Log`; `chapters`: a file of any length in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import copy
from itertools import count

from .assembly import Gathered, assemble, votes_of
from .finder import Finder, Sighting
from .lines import Progress, Readable, is_path, lines_of
from .log import Log
from .seen import Seen
from .turnings import Turning
from .voting import Votes

A_CHAPTER = 20_000
"""Frames in a chapter: some 50 MB of memory."""
OVERLAP = 1_000
"""Frames at the end of one chapter, and again at the beginning of the next: what happens there is seen whole."""
MOST_TURNINGS = 20_000
"""Lines about connections that a chapter keeps."""
SAMPLES = 40
"""Lines that the guess at the format is made from."""


def read(readable: Readable, *, progress: Progress | None = None) -> Log:
    """All of it as one `Log`, in memory: some 2 kB a frame. ``progress`` is told of bytes read. Raises OSError."""
    [log] = _chapters(readable, progress, None)
    return log


def chapters(readable: Readable, *, progress: Progress | None = None) -> Iterator[Log]:
    """The same log in pieces of bounded size that overlap a little, one at a time. Raises OSError.

    Each is a log that begins in the middle of things and ends there, as every log does, so `diagnose` is sound on it;
    `merge` makes one list of the findings of all. A log of ordinary size is one chapter.
    """
    return _chapters(readable, progress, A_CHAPTER)


def frames(lines: Iterable[str]) -> Iterator[Seen]:
    """The frames of a stream of lines, one at a time, with what their own line says: no side, no connection."""
    finder = Finder()
    for number, line in enumerate(lines, 1):
        yield from (each.seen for each in finder.feed(number, line) if isinstance(each, Sighting))
    yield from (each.seen for each in finder.end() if isinstance(each, Sighting))


def _chapters(readable: Readable, progress: Progress | None, most: int | None) -> Iterator[Log]:
    source = str(readable) if is_path(readable) else "text"
    gathered, finder, number = Gathered(), Finder(), 0
    for number, line in zip(count(1), lines_of(readable, progress), strict=False):
        if len(gathered.samples) < SAMPLES and line:
            gathered.samples.append(line[:300])
        _put(gathered, finder.feed(number, line))
        if most and len(gathered.frames) >= most + OVERLAP:
            gathered.lines = number
            log = assemble(gathered, source)
            gathered = _next(gathered, votes_of(log))
            yield log
    _put(gathered, finder.end())
    gathered.lines = number
    if most is None or len(gathered.frames) > OVERLAP or gathered.first_line == 1:
        yield assemble(gathered, source)


def _put(gathered: Gathered, found: Iterable[Sighting | Turning]) -> None:
    for each in found:
        if isinstance(each, Sighting):
            gathered.frames.append(each)
        elif len(gathered.turnings) < MOST_TURNINGS:
            gathered.turnings.append(each)


def _next(gathered: Gathered, votes: Votes) -> Gathered:
    """The end of one chapter is the beginning of the next."""
    kept = [each._replace(seen=copy(each.seen)) for each in gathered.frames[-OVERLAP:]]
    first = kept[0].seen.line
    for each in kept:
        each.seen.sender, each.seen.connection = None, 0
        each.seen.action = each.seen.action if each.seen.kind not in (3, 4) else None
    turnings = [each for each in gathered.turnings if each.line >= first]
    return Gathered(kept, turnings, gathered.samples, first_line=first, votes=votes)
