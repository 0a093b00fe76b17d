"""`in_order`: the frames of a log, oldest first: it may be printed upside down, or put together of files."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from .finder import Sighting
from .transactions import instant

BACK = 60.0
"""Seconds that a log goes back at least where a newer file ends and an older one begins."""
MOST_FILES = 50
EDGE = 30
"""Frames at the end of one file and at the beginning of another, in which an exchange would show that they are one."""


class Order(NamedTuple):
    """``frames`` in the order of time. ``first_lines`` of the files in it, and each one's ``rank``: () if it is one."""

    frames: list[Sighting]
    newest_first: bool = False
    first_lines: Sequence[int] = ()
    ranks: Sequence[int] = ()

    def file_of(self, line: int) -> int:
        """Which of the files a line is of, by its time."""
        return self.ranks[max(0, bisect_right(self.first_lines, line) - 1)] if self.ranks else 0

    def place(self, line: int) -> tuple[int, int]:
        """What lines are sorted by."""
        return self.file_of(line), -line if self.newest_first else line


def in_order(frames: list[Sighting]) -> Order:
    """Steps back in time that are the rule mean that it is printed upside down; a few that are far, that newer files
    stand before older ones, as in ``cat steve.log steve.log.1``."""
    times = [each.seen.at for each in frames if each.seen.at]
    steps = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    back, forth = sum(step < 0 for step in steps), sum(step > 0 for step in steps)
    if back > 3 * forth or (not back and not forth and _replies_first(frames)):
        return Order(sorted(frames, key=lambda each: -each.seen.line), True)
    if 0 < sum(step < -BACK for step in steps) < MOST_FILES and all(each.dated for each in frames if each.seen.at):
        return _of_files(frames)
    return Order(frames)


def _of_files(frames: list[Sighting]) -> Order:
    """In the order of their times, if these do not overlap; else, or if one goes on with the other, a clock was set."""
    files: list[list[Sighting]] = [[]]
    newest = None
    for each in frames:
        at = each.seen.at
        if at and newest and (newest - at).total_seconds() > BACK:
            files.append([])
        newest = at or newest
        files[-1].append(each)
    spans = [[each.seen.at for each in file if each.seen.at] for file in files]
    by_time = sorted(range(len(files)), key=lambda number: min(spans[number]))
    overlap = any(max(spans[one]) > min(spans[other]) for one, other in pairwise(by_time))
    if overlap or any(_goes_on(one, other) for one, other in pairwise(files)):
        return Order(frames)
    ranks = [by_time.index(number) for number in range(len(files))]
    return Order(
        [each for number in by_time for each in files[number]],
        first_lines=[file[0].seen.line for file in files],
        ranks=ranks,
    )


def _goes_on(one: list[Sighting], other: list[Sighting]) -> bool:
    """Whether a call of the one is answered in the other, or the central system's time goes on between them."""
    last, first = [each.seen for each in one[-EDGE:]], [each.seen for each in other[:EDGE]]
    answered = {seen.unique_id for seen in last if seen.kind in (3, 4)}
    waiting = {seen.unique_id for seen in last if seen.kind == 2} - answered
    asked = {seen.unique_id for seen in first if seen.kind == 2}
    if any(seen.kind in (3, 4) and seen.unique_id in waiting - asked for seen in first):
        return True
    before, after = (
        [at for seen in part if seen.kind == 3 and (at := instant(seen.payload.get("currentTime")))]
        for part in (last, first)
    )
    return bool(before and after and before[-1] <= after[0])


def _replies_first(frames: list[Sighting]) -> bool:
    """Without times: answers stand above their questions."""
    first: dict[str | None, int | None] = {}
    for each in frames:
        first.setdefault(each.seen.unique_id, each.seen.kind)
    kinds = Counter(first.values())
    return kinds[3] > 3 and kinds[3] > 3 * kinds[2]
