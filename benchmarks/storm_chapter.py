"""What is told of the storm on real sockets."""

from __future__ import annotations

from functools import partial
from statistics import median

from ocpp_course.lab.layout import duration

from .boot_storm import LEDGERS, Storm, column, middle, times_memory
from .chapter import Chapter, Table, spread, verdict
from .drawings import draw_storm

GOAL = 1.5

HOW = """
**How it was taken.** All charge points dial in the same instant, from one process, and send a BootNotification as soon
as they are let in; the time runs from the first dial to the last acceptance. Each storm meets a central system in a
process of its own that has just started, with an empty ledger; file and memory take turns. A listening socket keeps
100 that are not yet accepted: who comes when it is full is heard by the kernel one, three, seven … seconds later, so
these times come in steps. A charge point waits for a minute; who is refused, or cut off, dials again after one or two
seconds, and is counted. Who was let in and whose boot waits for a second is asked to boot by the central system
(TriggerMessage), declines because that is under way, and is counted too.
""".strip()


def chapters(found: list[Storm]) -> list[Chapter]:
    """One."""
    size = found[0].charge_points
    return [
        Chapter(
            f"Storm: {size:,} dial and boot at once",
            _findings(found),
            HOW,
            _table(found),
            "",
            partial(draw_storm, found),
        )
    ]


def _findings(found: list[Storm]) -> list[str]:
    memory, file = (duration(middle(found, ledger, "seconds")) for ledger in LEDGERS)
    times, cpu = times_memory(found), times_memory(found, "cpu")
    return [
        f"All are accepted after {memory} with a ledger in memory, after {file} with one in a file:"
        f" {spread(times, ' ×')}; {verdict(median(times), GOAL)}.",
        f"The central system's CPU time with the file, beside memory: {spread(cpu, ' ×')}.",
    ]


def _table(found: list[Storm]) -> Table:
    rows = [_row(found, ledger) for ledger in LEDGERS]
    return [["ledger", "all accepted after", "least", "most", "CPU", "commits", "dials again", "asked to boot"], *rows]


def _row(found: list[Storm], ledger: str) -> list[str]:
    times = column(found, ledger, "seconds")
    shown = [*map(duration, (median(times), min(times), max(times), middle(found, ledger, "cpu")))]
    return [ledger, *shown, *(f"{middle(found, ledger, what):,.0f}" for what in ("commits", "redials", "asked"))]
