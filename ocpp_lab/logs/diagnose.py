"""`diagnose`: all rules over one log."""

from __future__ import annotations

from collections.abc import Iterable

from .finding import Finding
from .log import Log


def diagnose(log: Log) -> list[Finding]:
    """What is wrong in a log, the heaviest first. Empty if nothing could be proved. NotImplementedError so far."""
    raise NotImplementedError("not built yet")


def merge(findings: Iterable[Finding]) -> list[Finding]:
    """One list of the findings of all chapters: the same case, seen twice where two of them overlap, is told once.

    ``seen`` is empty in it: it belongs to a chapter. NotImplementedError so far.
    """
    raise NotImplementedError("not built yet")
