"""What is told of fairness: what a good peer notices of five that flood."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from ocpp_course.lab.layout import duration

from .chapter import Chapter, Table, verdict
from .drawings import draw_fairness

LATENCY_GOAL = 5.0
LOSS_GOAL = 0.1

HOW = """
**How it was taken.** A good peer makes one Heartbeat every now and then, first alone, then beside five peers that send
as fast as they can, all over the loopback interface; server, good peer and flooders have a process each. The same again
with a central system that does nothing for fairness, in turn, and each ratio is within a round. The loss is in answers
that a second of the central system's CPU yields to those that flood.
""".strip()


class Fairness(Protocol):
    """Latencies are medians in seconds: of a good peer ``alone``, ``beside`` those that flood, and beside them without
    any fairness. ``times`` are beside by alone. ``answers``: of a CPU second, as a share of those without fairness."""

    @property
    def alone(self) -> float: ...
    @property
    def beside(self) -> float: ...
    @property
    def times(self) -> float: ...
    @property
    def unfair_beside(self) -> float: ...
    @property
    def unfair_times(self) -> float: ...
    @property
    def answers(self) -> float: ...


def chapters(found: Fairness) -> list[Chapter]:
    """One."""
    waits = {"alone": found.alone, "beside five": found.beside, "beside five, unfair": found.unfair_beside}
    draw = partial(draw_fairness, waits, found.times)
    return [Chapter("A good peer beside five that flood", _findings(found), HOW, _table(found), draw=draw)]


def _findings(found: Fairness) -> list[str]:
    loss = 1 - found.answers
    return [
        f"Beside five flooders a heartbeat takes {found.times:.1f} × as long as alone;"
        f" {verdict(found.times, LATENCY_GOAL)}. Without fairness: {found.unfair_times:.1f} ×.",
        f"Those that flood get {abs(loss):.1%} {'fewer' if loss > 0 else 'more'} answers for a CPU second, a loss of"
        f" {LOSS_GOAL:.0%} being the limit; {verdict(loss, LOSS_GOAL)}.",
    ]


def _table(found: Fairness) -> Table:
    return [
        ["", "alone", "beside five", "times"],
        ["with fairness", duration(found.alone), duration(found.beside), f"{found.times:.1f}"],
        ["without", "", duration(found.unfair_beside), f"{found.unfair_times:.1f}"],
    ]
