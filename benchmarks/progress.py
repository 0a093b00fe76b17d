"""A line on stderr that says how far it is."""

from __future__ import annotations

import sys
import time

PAUSE = 5.0
"""Seconds between two lines in a file."""


class Progress:
    """``steps`` steps to go; each `step` moves the line on."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.done = 0
        self.start = time.perf_counter()
        self._told = self.start  # when a line was written last

    def step(self, what: str) -> None:
        self.done += 1
        now = time.perf_counter()
        text = f"{self.done:4d} of {self.steps}  {now - self.start:4.0f} s  {what}"
        # On a terminal the line is written over; into a file goes one every few seconds.
        if sys.stderr.isatty():
            print(f"\r{text:<60}", end="" if self.done < self.steps else "\n", file=sys.stderr, flush=True)
        elif now - self._told >= PAUSE or self.done == self.steps:
            self._told = now
            print(text, file=sys.stderr, flush=True)
