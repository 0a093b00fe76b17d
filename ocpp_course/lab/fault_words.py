"""The faults of a panel in words: what each does, and which one acts if two are on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ocpp_lab.faults import Fault

ANY = "any call"
ANSWERS = {
    "ignore": "Says nothing, and does nothing.",
    "delay": "Acts and answers, but only after the seconds of the slider.",
    "CallError": "Answers InternalError instead of acting.",
    "answer twice": "Acts once, and sends the answer two times.",
    "wrong id": "Acts, and answers under an id that nobody sent.",
    "wrong payload": "Acts, and sends a CallResult of the wrong shape.",
    "garbage": "Sends a text that is no frame.",
}
CONNECTION = {
    "stop reading": "Leaves what arrives in the socket, for the seconds of the slider (0: no end): back-pressure.",
    "refuse": "Turns each new WebSocket away with HTTP 503; open ones live on.",
}
ONCE = {
    "close 1001": "The central system closes the WebSocket with code 1001, going away.",
    "abort": "The central system's end of the TCP connection is gone, without a close.",
}


def losing(mine: Mapping[str, Fault], all_rules: Sequence[Fault]) -> list[str]:
    """The labels of those rules that never act now, because one that was on first takes all their calls."""
    answering = [rule for rule in all_rules if rule.kind != "refuse"]
    labels = {id(rule): label for label, rule in mine.items()}
    return [
        labels[id(rule)]
        for place, rule in enumerate(answering)
        if id(rule) in labels and any(_covers(earlier, rule) for earlier in answering[:place])
    ]


def who_acts(mine: Mapping[str, Fault], all_rules: Sequence[Fault]) -> str:
    """Which one acts, in words; nothing if there is no question."""
    lost = losing(mine, all_rules)
    if not lost:
        return ""
    winner = next(rule for rule in all_rules if rule.kind != "refuse" and _covers(rule, mine[lost[0]]))
    return f" ({winner.kind} was on first, so it acts; {' and '.join(lost)} {'waits' if len(lost) == 1 else 'wait'})"


def _covers(earlier: Fault, later: Fault) -> bool:
    """Whether every call that the later rule wants is taken by the earlier one."""
    endless = earlier.times is None and earlier.probability == 1.0
    return endless and earlier.action in (None, later.action) and earlier.identity in (None, later.identity)
