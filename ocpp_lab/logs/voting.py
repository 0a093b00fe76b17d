"""`vote`: who says "send"? In 1.6 nearly every action has one legal sender, so each call is a vote on its word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from ..messages import ACTIONS
from .log import Viewpoint
from .pairing import OTHER, pair
from .seen import Seen, Side

LEGAL: dict[str, Side] = {
    name: "charge point" if action.sender == "ChargePoint" else "central system"
    for name, action in ACTIONS.items()
    if action.sender != "both"
}
"""Who may send a call. DataTransfer may come from both."""

_SENT = (
    "sen",
    "sent",
    "outgoing",
    "outbound",
    "tx",
    "out",
    ">",
    "msg-out",
    "to",
    "wrote",
    "write",
    "-",
    "=",
    "→",
    "⇒",
    "▶",
)

Votes = dict[str, Counter[Side]]
"""By word: how many calls with it are the charge point's by law, and how many the central system's."""


def count(seen: Iterable[Seen]) -> Votes:
    """The votes of all calls that could be read."""
    votes: Votes = {}
    for each in seen:
        if each.kind == 2 and each.action in LEGAL:
            votes.setdefault(each.direction_word, Counter())[LEGAL[each.action]] += 1
    return votes


def meanings(votes: Mapping[str, Counter[Side]], used: set[str]) -> dict[str, Side]:
    """What each word means: whose frames stand behind it. A word without a clear majority means nothing; the only
    word of a log, with calls of both ends behind it, means nothing either."""
    found: dict[str, Side] = {}
    for word, sides in votes.items():
        (side, most), *rest = sides.most_common()
        if word and (not rest or (most >= 4 * rest[0][1] and len(used) > 1)):
            found[word] = side
    return found


def decide(seen: Sequence[Seen], before: Votes | None = None) -> Viewpoint:
    """Set every frame's sender, and say who wrote the log. ``before``: votes of the chapters before this one."""
    votes = count(seen)
    for word, sides in (before or {}).items():
        votes.setdefault(word, Counter()).update(sides)
    used = {each.direction_word for each in seen}
    words = _completed(meanings(votes, used), used)
    for each in seen:
        by_law = None if each.kind in (3, 4) else LEGAL.get(each.action or "")
        each.sender = words.get(each.direction_word) or by_law
    _from_their_calls(seen)
    return _viewpoint(votes, words)


def _completed(words: dict[str, Side], used: set[str]) -> dict[str, Side]:
    """If one side only calls, the other word has replies only: it is the other side's."""
    silent = {word for word in used if word and word not in words}
    if len(words) == 1 and len(silent) == 1:
        [side] = words.values()
        [word] = silent
        words = words | {word: OTHER[side]}
    return words


def _from_their_calls(seen: Sequence[Seen]) -> None:
    """A frame whose word says nothing is the opposite of what it answers, or of what answers it."""
    if all(each.sender for each in seen):
        return
    pairs = pair(seen)
    for reply, call in pairs.call_of.items():
        one, other = seen[reply], seen[call]
        if one.sender is None and other.sender is not None:
            one.sender = OTHER[other.sender]
        elif other.sender is None and one.sender is not None:
            other.sender = OTHER[one.sender]


def _viewpoint(votes: Votes, words: Mapping[str, Side]) -> Viewpoint:
    """For and against: calls under a word that means something, and calls that it makes illegal."""
    ours: Counter[Side] = Counter()
    agree = against = 0
    for word, sides in votes.items():
        if side := words.get(word):
            agree += sides[side]
            against += sides.total() - sides[side]
            ours[side if _is_sent(word) else OTHER[side]] += sides[side]
    sure = [side for side, _ in ours.most_common(1)] if len(ours) == 1 else []
    absolute = all(">" in word and len(word) > 6 for word in words) if words else True
    return Viewpoint(sure[0] if sure and not absolute else None, agree, against)


def _is_sent(word: str) -> bool:
    return word.endswith("out") or word.startswith(_SENT)
