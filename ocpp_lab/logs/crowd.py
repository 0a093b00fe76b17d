"""`crowd`: whether several charge points speak in a log that names none of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .pairing import pair
from .seen import Seen

_WHO = ("chargePointSerialNumber", "chargeBoxSerialNumber", "chargePointVendor", "chargePointModel", "iccid")
"""What a boot says of the charge point that does not change from one boot to the next."""
TURNS = 3
"""Times that a connection goes on after another one."""
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
    return len(boots) > 1 or len({name for name in names if name}) > 1
