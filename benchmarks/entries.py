"""What `make bench` measures, in the order of the page: one line for each, and everything else follows from it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple, Protocol

from . import boot_storm, fairness, live, logs, stack
from .chapter import Chapter
from .progress import Progress


class Scale(Protocol):
    """How much is measured; ``steps`` is how often that calls `Progress.step`."""

    @property
    def steps(self) -> int: ...


class Entry(NamedTuple):
    """``measure(scale, progress)`` finds something of ``kind``, which msgspec can save and load.

    ``writer`` is a module of this package with ``chapters(found)``. It is loaded when all is measured, because it may
    need the course's figures.
    """

    kind: Any
    measure: Callable[[Any, Progress], Any]
    full: Scale
    quick: Scale
    writer: str

    def chapters(self, found: Any) -> list[Chapter]:
        writer: Any = import_module(f".{self.writer}", __package__)
        chapters: list[Chapter] = writer.chapters(found)
        return chapters


ENTRIES = {
    "live": Entry(list[live.Window], live.live, live.FULL, live.QUICK, "live_chapter"),
    "storm": Entry(list[boot_storm.Storm], boot_storm.boot_storm, boot_storm.FULL, boot_storm.QUICK, "storm_chapter"),
    "fairness": Entry(fairness.Fairness, fairness.fairness, fairness.FULL, fairness.QUICK, "fairness_chapter"),
    "stack": Entry(stack.Stack, stack.stack, stack.FULL, stack.QUICK, "stack_chapter"),
    "logs": Entry(list[logs.LogRead], logs.logs, logs.FULL, logs.QUICK, "logs_chapter"),
}
