"""`diagnose`: all rules over one log; `merge`: the findings of many chapters as one list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .case import cases
from .finding import Finding
from .log import Log
from .rule import MOST_LINES_TOLD
from .rules import ALL_RULES


def diagnose(log: Log) -> list[Finding]:
    """What is wrong in a log, the heaviest first. Empty if nothing could be proved."""
    found = [finding for case in cases(log) for rule in ALL_RULES for finding in rule(case)]
    return sorted(found, key=lambda finding: finding.sort_key)


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
