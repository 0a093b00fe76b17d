"""`pair`: which reply belongs to which call, by unique id and side, never by position (J-spec 4.1.4)."""

from __future__ import annotations

from collections.abc import Sequence

from .seen import Seen, Side

OTHER: dict[Side, Side] = {"charge point": "central system", "central system": "charge point"}
"""Who answers."""


class Pairs:
    """``call_of[reply]`` and ``reply_of[call]`` by `Seen.index`; a call's further replies are in ``repeats``."""

    def __init__(self) -> None:
        self.call_of: dict[int, int] = {}
        """The call that a reply fits; `pair` fills all of these."""
        self.reply_of: dict[int, int] = {}
        """The first reply to a call."""
        self.repeats: dict[int, int] = {}
        """The call, by its second and any further reply."""


def pair(seen: Sequence[Seen]) -> Pairs:
    """In one pass. A reply fits the newest call before it with its id, of the other side, of its charge point."""
    pairs = Pairs()
    calls: dict[tuple[str | None, str], list[int]] = {}  # the newest calls under an id, two at most: one of each side
    for reply in seen:
        if reply.unique_id is None:
            continue
        key = reply.identity, reply.unique_id
        if reply.kind == 2:
            others = [one for one in calls.get(key, ()) if not _same(seen[one].sender, reply.sender)]
            calls[key] = [*others[-1:], reply.index]
        elif reply.kind in (3, 4):
            _settle(pairs, seen, reply, calls.get(key, []))
    return pairs


def _same(one: Side | None, other: Side | None) -> bool:
    return one == other or one is None or other is None


def _settle(pairs: Pairs, seen: Sequence[Seen], reply: Seen, calls: list[int]) -> None:
    fitting = [one for one in calls if reply.sender is None or seen[one].sender != reply.sender]
    if not fitting:
        return
    fresh = [one for one in fitting if one not in pairs.reply_of]
    call = (fresh or fitting)[-1]
    pairs.call_of[reply.index] = call
    if call in pairs.reply_of:
        pairs.repeats[reply.index] = call
    else:
        pairs.reply_of[call] = reply.index
