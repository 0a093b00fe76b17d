"""`Excerpt`: the frames around a finding, few enough for a ladder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ocpp_lab.logs import Finding, Log, Seen

BEFORE, AFTER = 2, 3
"""Frames around each place that matters."""
MOST = 16
"""Frames of an excerpt: a ladder of more has to be scrolled, and nobody compares its ends."""
LEAST = 6
"""Frames, if the log has so many: a single arrow is no story."""


@dataclass(frozen=True)
class Excerpt:
    """Frames of one charge point in the order of the log; ``marked`` are the indices of those that prove the finding.

    ``gaps``: in front of which index how many frames of this charge point are left out.
    """

    seen: tuple[Seen, ...]
    marked: frozenset[int]
    gaps: dict[int, int]


def excerpt(log: Log, finding: Finding) -> Excerpt | None:
    """What a ladder of this finding shows; None for one that no frame shows."""
    places = _places(log, finding)
    if not places:
        return None
    own = [seen for seen in log.seen if seen.identity in (None, finding.identity) or finding.identity is None]
    order = {seen.index: number for number, seen in enumerate(own)}
    wanted = [order[place] for place in places if place in order]
    if not wanted:
        return None
    wanted += [call for place in wanted if (call := _call_of(own, place)) is not None and call not in wanted]
    kept = _known(own, _around(wanted, len(own)), set(wanted))
    gaps = {own[b].index: b - a - 1 for a, b in pairwise(kept) if b - a > 1}
    shown = tuple(own[number] for number in kept)
    return Excerpt(shown, frozenset(places) & {seen.index for seen in shown}, gaps)


def _places(log: Log, finding: Finding) -> list[int]:
    """Indices of the frames that the finding names; if it names none, those that stand on its lines."""
    if finding.seen:
        return list(dict.fromkeys(place for place in finding.seen if 0 <= place < len(log.seen)))
    lines = set(finding.lines)
    return [seen.index for seen in log.seen if lines & set(range(seen.line, seen.last_line + 1))]


def _around(wanted: Sequence[int], count: int) -> list[int]:
    """Places with their neighbours, as long as there is room; the first places come first."""
    kept: set[int] = set()
    before, after = BEFORE, AFTER
    if len(wanted) == 1:
        before, after = LEAST // 2, LEAST // 2
    for place in wanted:
        near = [n for n in range(place - before, place + after + 1) if 0 <= n < count]
        new = [n for n in near if n not in kept]
        if kept and len(kept) + len(new) > MOST:
            if len(kept) < MOST:
                kept.add(place)
            continue
        kept.update(new)
    return sorted(kept)


def _call_of(own: Sequence[Seen], place: int) -> int | None:
    """Where the call stands that this reply answers; None if it is no reply, or its call is not in the log."""
    reply = own[place]
    if reply.kind not in (3, 4) or reply.unique_id is None:
        return None
    for number in range(place - 1, -1, -1):
        seen = own[number]
        if seen.kind == 2 and seen.unique_id == reply.unique_id and seen.sender != reply.sender:
            return number
    return None


def _known(own: Sequence[Seen], kept: Sequence[int], wanted: set[int]) -> list[int]:
    """Without replies whose call is in the log and not in the excerpt: the ladder would call them strays."""
    shown = set(kept)
    strays = {n for n in kept if n not in wanted and (call := _call_of(own, n)) is not None and call not in shown}
    return [n for n in kept if n not in strays]
