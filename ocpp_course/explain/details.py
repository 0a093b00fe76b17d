"""`details`: every finding of a log in full: what is seen, where, whose fault, what to do, where it is taught."""

from __future__ import annotations

from collections.abc import Iterator

from ocpp_lab.logs import Finding, Seen

from . import words
from .digest import Digest
from .ink import Ink, clean, many

INDENT = 16
MOST_FRAMES = 6
"""Lines of the log that are quoted under a finding."""
ARROWS = {"charge point": "→", "central system": "←", None: "·"}
"""Which way a frame went: the charge point is on the left."""


def details(digest: Digest, ink: Ink) -> list[str]:
    """Lines for a terminal; none if there is no finding."""
    lines: list[str] = []
    for number, finding in enumerate(digest.findings, 1):
        lines += ["", *_finding(digest, number, finding, ink)]
    return lines


def _finding(digest: Digest, number: int, finding: Finding, ink: Ink) -> Iterator[str]:
    kind = words.kind_of(finding)
    who = "" if finding.identity is None else f" · {clean(finding.identity)}"
    yield f"{ink(f'{number}. {finding.rule}', kind)}{who} · {many(finding.times, 'time')} · {finding.certainty}"
    yield from ink.wrapped(finding.what, INDENT, "   seen")
    yield from ink.wrapped(words.at_fault(finding), INDENT, "   at fault")
    yield from ink.wrapped(finding.do, INDENT, "   what to do")
    yield from ink.wrapped(f"{finding.section} · {words.taught(finding)}", INDENT, "   read more")
    yield from ink.wrapped(words.where(finding), INDENT, "   where")
    for seen in _quoted(digest, finding):
        yield ink(_quote(seen, ink), "dim")


def _quoted(digest: Digest, finding: Finding) -> list[Seen]:
    shown = digest.excerpt_of(finding)
    return [seen for seen in shown.seen if seen.index in shown.marked][:MOST_FRAMES] if shown else []


def _quote(seen: Seen, ink: Ink) -> str:
    time = f"{seen.at:%H:%M:%S} " if seen.at else ""
    head = f"   {seen.line:>8} {time}{ARROWS[seen.sender]} "
    return head + ink.cut(seen.text, ink.width - len(head))
