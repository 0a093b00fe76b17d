"""`crowd`: whether several charge points speak in a log that names none of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from .pairing import pair
from .seen import Seen
from .voting import LEGAL

_WHO = ("chargePointSerialNumber", "chargeBoxSerialNumber", "chargePointVendor", "chargePointModel", "iccid")
"""What a boot says of the charge point that does not change from one boot to the next."""
TURNS = 3
"""Times that a connection goes on after another one."""
STEP, LONG, MOST_COUNTERS = 3, 5, 40
"""How far a counter goes from one call to the next, how often it is seen, and how many there may be."""
_NUMBERED = re.compile(r"(.{0,40}?)(\d{1,12})")
TOLD_APART = "the log names no charge point; its connections go on side by side, and each is taken for one of its own"
CROWD = "several charge points boot in this log, and it names none: only what a frame or an answer proves is told"


def told_apart(seen: Sequence[Seen], sessions: Sequence[str]) -> bool:
    """Name the frames by their sessions, if these take turns: those of one charge point follow each other. ``sessions``
    are as many as frames. Not done, and False, if replies find their calls better without."""
    if any(each.identity for each in seen) or not all(sessions) or not _take_turns(sessions):
        return False
    without = len(pair(seen).call_of)
    for each, session in zip(seen, sessions, strict=True):
        each.identity = session
    if len(pair(seen).call_of) >= without:
        return True
    for each in seen:
        each.identity = None
    return False


def _take_turns(sessions: Iterable[str]) -> bool:
    newest, left, turns = "", set(), 0
    for session in sessions:
        if session != newest:
            turns += session in left
            left.add(newest)
            newest = session
    return turns >= TURNS  # fewer are what comes late on a connection that is over


def is_crowd(seen: Iterable[Seen], names: Iterable[str | None]) -> bool:
    """Whether boots of different charge points stand under no name. ``names``: of lines about connections."""
    boots = {
        tuple(str(each.payload.get(key)) for key in _WHO)
        for each in seen
        if each.identity is None and each.kind == 2 and each.action == "BootNotification" and each.frame is not None
    }
    return len(boots) > 1 or len({name for name in names if name}) > 1 or _counters(seen) > 1


def _counters(seen: Iterable[Seen]) -> int:
    """How many counters the unique ids of charge points come from, that go on side by side: one has one. A counter that
    begins anew does not come back."""
    newest: list[tuple[str, int]] = []  # the newest id of each
    used: list[int] = []
    for each in seen:
        if each.kind != 2 or each.identity is not None or LEGAL.get(each.action or "") != "charge point":
            continue
        found = _NUMBERED.fullmatch(each.unique_id or "")
        if found is None:
            continue
        words, number = found[1], int(found[2])
        near = (place for place, (own, last) in enumerate(newest) if own == words and 0 < number - last <= STEP)
        place = next(near, len(newest))
        newest[place : place + 1] = [(words, number)]
        used.append(place)
        if len(newest) > MOST_COUNTERS:
            return 0  # they are drawn at random
    long = {place for place in set(used) if used.count(place) >= LONG}
    return len(long) if _take_turns(str(place) for place in used if place in long) else 1
