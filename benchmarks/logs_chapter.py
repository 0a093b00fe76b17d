"""What is told of reading logs."""

from __future__ import annotations

from .chapter import Chapter, Table
from .logs import LogRead

GOAL = 10.0
"""Megabytes in a second, to read."""

HOW = """
**How it was taken.** Logs in the words of three programs, with the transactions of three charge points one after the
other; 650 bytes of readings in six of ten calls. Each is read and diagnosed by a process of its own; times are those of
its processor. *Read* finds every frame with its time, charge point and direction; *diagnose* reads the log in chapters,
pairs all calls, and asks every rule. Memory is the most that the process ever had, above what it had at its beginning.
""".strip()


def chapters(found: list[LogRead]) -> list[Chapter]:
    """One."""
    return [Chapter("Logs: read and diagnosed", _findings(found), HOW, _table(found))]


def _findings(found: list[LogRead]) -> list[str]:
    slowest = min(each.megabytes / each.reading for each in found)
    most = max(each.memory - each.before for each in found)
    size = max(each.megabytes for each in found)
    return [
        f"The slowest of them is read at {slowest:.1f} MB/s; goal at least {GOAL:g}: "
        + ("met." if slowest >= GOAL else "not met."),
        f"A log of {size:.0f} MB is diagnosed in {most:.0f} MB of memory.",
    ]


def _table(found: list[LogRead]) -> Table:
    rows = [
        [
            each.format,
            f"{each.megabytes:.0f} MB",
            f"{each.frames:,}",
            f"{each.megabytes / each.reading:.1f} MB/s",
            f"{each.megabytes / each.diagnosing:.1f} MB/s",
            f"{each.memory - each.before:.0f} MB",
        ]
        for each in found
    ]
    return [["log", "size", "frames", "read", "diagnosed", "memory"], *rows]
