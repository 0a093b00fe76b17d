"""What is told of the stack beside the bare library and another stack."""

from __future__ import annotations

from functools import partial

from .chapter import Chapter
from .drawings import draw_ratios
from .stack import Stack
from .table import table
from .throughput import CASES, KINDS, ratio

HOW = """
**How it was taken.** Each contender is a server and a client process of its own, on the loopback interface; all are
alive for the whole run, and their short windows take turns, there and back, so that a noisy minute hits all alike. A
ratio is the median of the rounds' ratios. What is alike and what is not stands under the table.
""".strip()


def chapters(found: Stack) -> list[Chapter]:
    """One."""
    text = table(found.found(), f"medians of {found.rounds} interleaved rounds, {found.seconds:g} s each")
    draw = partial(draw_ratios, found)
    return [Chapter("The stack beside bare websockets and another stack", _findings(found), HOW, None, text, draw)]


def _findings(found: Stack) -> list[str]:
    windows = found.found().windows
    told = [
        f"{ratio(windows, 'd', 'b″', case):.2f} ({KINDS[case[0]]}, {case[1]} connection{'s' * (case[1] > 1)})"
        for case in CASES
    ]
    return [f"Round trips per second, ours beside bare websockets that read alike (d / b″): {', '.join(told)}."]
