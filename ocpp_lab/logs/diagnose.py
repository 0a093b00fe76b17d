"""`diagnose`: all rules over one log; `merge`: the findings of many chapters as one list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .case import Case, cases
from .finding import Finding
from .log import Log
from .rule import MOST_LINES_TOLD, Rule
from .rules import ALL_RULES

SOLITARY = frozenset(
    {
        *("payload", "wrong-shape", "not-json", "unknown-action", "wrong-direction", "unknown-error-code"),
        *("core-not-supported", "time-without-zone", "no-transaction-id", "status-of-connector-zero"),
        *("no-subprotocol", "one-direction-only"),
    }
)
"""Rules that ask of a frame, or of a call and its answer, and of nothing before: they hold in a crowd too."""

OF_WHAT_IS_NOT_THERE = frozenset(
    {
        *("never-answered", "deaf-from-here", "left-open", "thrown-away", "order-of-statuses", "trigger-and-nothing"),
        *("remote-start-and-nothing", "remote-stop-rejected", "overtaken"),
    }
)
"""Rules that ask for a frame that is missing: in a log that lacks lines they prove nothing."""

OF_ONE_CONNECTION = frozenset({"never-answered", "sent-again-after-its-answer", "boot-triggered-again"})
"""Rules that ask for two frames on one connection."""
OF_ALL_VERSIONS = frozenset(
    {
        *("never-answered", "deaf-from-here", "one-direction-only", "reply-to-nothing", "answered-twice"),
        *("late-after-reconnect", "second-call-too-early", "id-used-again", "wrong-shape", "not-json"),
        *("connection-storm", "no-subprotocol", "time-without-zone"),
    }
)
"""Rules that ask nothing of a payload: they hold for OCPP 2.0.1 too."""


def diagnose(log: Log) -> list[Finding]:
    """What is wrong in a log, the heaviest first. Empty if nothing could be proved."""
    found = [
        _as_sure_as(case, finding)
        for case in cases(log)
        for rule in ALL_RULES
        if _holds(rule, case)
        for finding in rule(case)
    ]
    return sorted(found, key=lambda finding: finding.sort_key)


def _as_sure_as(case: Case, finding: Finding) -> Finding:
    """Many logs tell nothing of connections: one may have been lost there, with the reply, or with what it answers."""
    if finding.rule not in OF_ONE_CONNECTION or finding.certainty != "proved" or case.tells_connections:
        return finding
    if finding.rule == "sent-again-after-its-answer" and case.log.viewpoint.side == "charge point":
        return finding  # its own log shows that it came
    return replace(finding, certainty="likely")


def _holds(rule: Rule, case: Case) -> bool:
    """Whether it proves anything in such a log."""
    if case.identity in case.log.later:
        return rule.name in OF_ALL_VERSIONS
    return not (case.log.crowd and rule.name not in SOLITARY) and not (case.gaps and rule.name in OF_WHAT_IS_NOT_THERE)


def merge(findings: Iterable[Finding]) -> list[Finding]:
    """One list of the findings of all chapters: the same case, seen twice where two of them overlap, is told once.

    ``seen`` is empty in it: it belongs to a chapter.
    """
    merged: dict[tuple[object, ...], Finding] = {}
    for finding in findings:
        key = (finding.rule, finding.identity, finding.side, finding.certainty, finding.do)
        known = merged.get(key)
        if known is None:
            merged[key] = replace(finding, seen=())
        elif set(finding.lines) - set(known.lines):
            lines = tuple(dict.fromkeys((*known.lines, *finding.lines)))[:MOST_LINES_TOLD]
            merged[key] = replace(known, lines=lines, times=known.times + finding.times)
    return sorted(merged.values(), key=lambda finding: finding.sort_key)
