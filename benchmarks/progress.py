"""A line on stderr that says how far it is."""

from __future__ import annotations

import sys
import time


class Progress:
    """``steps`` steps to go; each `step` moves the line on."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.done = 0
        self.start = time.perf_counter()

    def step(self, what: str) -> None:
        self.done += 1
        text = f"{self.done:4d} of {self.steps}  {time.perf_counter() - self.start:4.0f} s  {what}"
        # On a terminal the line is written over; into a file goes only every 24th.
        if sys.stderr.isatty():
            print(f"\r{text:<60}", end="" if self.done < self.steps else "\n", file=sys.stderr, flush=True)
        elif self.done % 24 == 0 or self.done == self.steps:
            print(text, file=sys.stderr, flush=True)
