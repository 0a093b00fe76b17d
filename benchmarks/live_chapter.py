"""What is told of live charge points: latency beside the ledger, and growth with their number."""

from __future__ import annotations

from functools import partial
from statistics import median

from ocpp_course.lab.layout import duration

from .chapter import Chapter, Table, spread, verdict
from .drawings import draw_growth, draw_latency
from .growth import line, points
from .live import LEDGERS, SLOW, Window, column, commits_more, middle, sizes, times_memory

P99_GOAL = 5.0
COMMITS_GOAL = 1.5
LATE = 0.1
"""Seconds: with a crowd that is later than that, a latency says what the machine did, and little of the ledger."""
GROWING = {"cpu": "CPU", "memory": "memory"}

HOW_LATENCY = """
**How it was taken.** One process is the central system, with its own answers and a ledger; its CPU and its memory are
those of that process alone. Another process is all charge points, over bare WebSockets on the loopback interface. Each
has an open transaction, calls Heartbeat every 10 s and MeterValues (650 bytes) every 60 s, and makes one call at a
time. The instants are spread by a seeded generator. A latency is the time from the instant when a charge point wants to
call to the answer, as seen by the charge point. A window lasts until its last answer is there. The windows of the three
ledgers follow each other, in changing order; a ratio compares windows of one round, and is the median of the rounds,
with the least and the most in brackets. *Slow* is the file with a commit that takes 20 ms longer: the delay stands
where the ledger tells of its statements before they run, and blocks as `fsync` does. Commits are counted there too.
*CPU* is what the calls of a window took, by the seconds of the window. *Late* is how late (p99) the charge points' own
process was: where that is longer than a latency, the machine was too busy, and the latency says little.
""".strip()

HOW_GROWTH = """
**How it was taken.** From the same windows: every window of a ledger is a point, and the line is that of least squares.
Memory is what is resident after the window and a collection of garbage; the ring of recorded frames was full before.
The slope is what one more charge point costs, the intercept what the central system costs without any.
""".strip()


def chapters(found: list[Window]) -> list[Chapter]:
    """Latency and growth."""
    latency = Chapter(
        "Live charge points", _findings(found), HOW_LATENCY, _table(found), draw=partial(draw_latency, found)
    )
    return [latency, _growth(found)] if len(sizes(found)) > 1 else [latency]


def _growth(found: list[Window]) -> Chapter:
    told = [_grows(found, ledger, what) for what in GROWING for ledger in ("memory", "file")]
    draw = partial(draw_growth, found)
    return Chapter("Growth with the number of charge points", told, HOW_GROWTH, draw=draw)


def _findings(found: list[Window]) -> list[str]:
    most = sizes(found)[-1]
    memory, file = (duration(middle(found, ledger, most, "p99")) for ledger in ("memory", "file"))
    times = [spread(times_memory(found, "file", size), " ×") for size in sizes(found)]
    worst = max(median(times_memory(found, "file", size)) for size in sizes(found))
    return [
        f"{most:,} live: the p99 of a heartbeat is {memory} with a ledger in memory, {file} with one in a file.",
        f"p99 with the file, beside memory: {_by_size(found, times)}; {verdict(worst, P99_GOAL)}.",
        *(_slow(found, what, word) for what, word in (("worst", "worst wait"), ("p99", "p99"))),
        *_too_busy(found),
    ]


def _too_busy(found: list[Window]) -> list[str]:
    """A warning, if it was the charge points' own process that had no time."""
    late = {size: max(middle(found, ledger, size, "late") for ledger in LEDGERS) for size in sizes(found)}
    told = ", ".join(f"{duration(seconds)} at {size:,}" for size, seconds in late.items() if seconds > LATE)
    if not told:
        return []
    return [f"**The machine was too busy for these latencies**: the charge points called late (p99) by {told}."]


def _slow(found: list[Window], what: str, word: str) -> str:
    """How many slow commits longer that is."""
    more = {size: commits_more(found, size, what) for size in sizes(found)}
    worst = max(map(median, more.values()))
    told = _by_size(found, [spread(values) for values in more.values()])
    return f"{SLOW * 1000:g} ms more per commit make the {word} longer by so many commits: {told}; " + (
        f"{verdict(worst, COMMITS_GOAL)}."
    )


def _by_size(found: list[Window], told: list[str]) -> str:
    return ", ".join(f"{words} at {size:,}" for size, words in zip(sizes(found), told, strict=True))


def _table(found: list[Window]) -> Table:
    head = ["charge points", "ledger", "CPU of a core", "memory", "p50", "p99", "worst", "p99 × memory"]
    rows = [_row(found, ledger, size) for size in sizes(found) for ledger in LEDGERS]
    return [[*head, "commits / readings", "late"], *rows]


def _row(found: list[Window], ledger: str, size: int) -> list[str]:
    cpu, memory, p50, p99, worst, late = (
        middle(found, ledger, size, what) for what in ("cpu", "memory", "p50", "p99", "worst", "late")
    )
    times = "1" if ledger == "memory" else spread(times_memory(found, ledger, size))
    commits, readings = (sum(column(found, ledger, size, what)) for what in ("commits", "readings"))
    costs, waits = [f"{cpu:.1%}", f"{memory / 1e6:.0f} MB"], [*map(duration, (p50, p99, worst))]
    return [f"{size:,}", ledger, *costs, *waits, times, f"{commits:,} / {readings:,}", duration(late)]


def _grows(found: list[Window], ledger: str, what: str) -> str:
    fit = line(points(found, ledger, what))
    each = f"{fit.slope * 1000:.2%} of a core" if what == "cpu" else f"{fit.slope / 1000:.1f} MB"
    return f"{GROWING[what]}, ledger in {_place(ledger)}: {each} for 1,000 charge points more; R² {fit.r_squared:.3f}."


def _place(ledger: str) -> str:
    return "memory" if ledger == "memory" else f"a {ledger}"
