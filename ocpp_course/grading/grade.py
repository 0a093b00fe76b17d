"""`grade`: many submissions, each in a sandbox of its own, a few at a time; the results in the order handed in."""

from __future__ import annotations

import gc
import os
import selectors
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..checks import MILESTONES, capstone, steps
from .graded import Graded
from .job import ENDING, Job, child
from .plain import plain
from .sandbox import Limits, Walls
from .submission import Unreadable
from .vault import Vault

NIGHTS = 10
"""Of a capstone, for each submission; a learner's own check plays more."""

type Progress = Callable[[Graded], object]


def grade(
    found: list[tuple[str, Path]],
    *,
    jobs: int = 2,
    seed: int = 0,
    limits: Limits | None = None,
    walls: Walls | None = None,
    progress: Progress | None = None,
) -> list[Graded]:
    """Judge notebooks by name and path. The process must be free of threads, because it forks.

    ``seed`` draws the inputs of the checks. A submission that is shut in less well than ``walls`` says so. ``progress``
    is told of each one that is done. Raises KeyboardInterrupt when the process is told to end; no child is left.
    """
    if not hasattr(os, "fork"):
        raise OSError("expected a system that can fork (Linux, macOS); on Windows use WSL; a browser tab cannot")
    vault = _warm_up()
    waiting = list(enumerate(found))
    with _Class((seed, limits or Limits(), walls or Walls(), vault), progress) as running, _ends_by_interrupt():
        while waiting or running.jobs:
            while waiting and len(running.jobs) < jobs:
                running.start(*waiting.pop(0))
            running.look()
    return [running.done[number] for number in sorted(running.done)]


def _warm_up() -> Vault:
    """Import once what every child needs, look at it before any answer runs, and keep its pages shared."""
    for milestone in MILESTONES:
        steps(milestone)
    capstone.SEEDS = NIGHTS
    vault = Vault(child)
    gc.collect()
    gc.freeze()
    return vault


@contextmanager
def _ends_by_interrupt() -> Iterator[None]:
    """Also a polite kill and a terminal that is closed end the children first."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    try:
        before = {number: signal.signal(number, stop) for number in ENDING}
    except ValueError:  # not the main thread: signals are somebody else's
        before = {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Class:
    """The submissions that are judged at this moment, and those that are done. Leaving it ends the former."""

    def __init__(self, shared: tuple[int, Limits, Walls, Vault], progress: Progress | None) -> None:
        self.shared = shared
        self.progress: Progress = progress or (lambda graded: None)
        self.jobs: dict[int, Job] = {}
        self.done: dict[int, Graded] = {}
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> _Class:
        return self

    def __exit__(self, *_: Any) -> None:
        for job in self.jobs.values():
            job.end()
            shutil.rmtree(job.folder, ignore_errors=True)
        self._selector.close()

    def start(self, number: int, handed_in: tuple[str, Path]) -> None:
        """One that cannot be started costs its own points."""
        name, path = handed_in
        try:
            job = self.jobs[number] = Job(name, path, *self.shared)
        except Unreadable as problem:
            self._is_done(number, Graded(name, problem=plain(problem)))
        except OSError as error:
            said = f"no process could be started for it: {error.strerror}; grade it again, alone"
            self._is_done(number, Graded(name, problem=plain(said)))
        else:
            self._selector.register(job.results, selectors.EVENT_READ, number)

    def look(self) -> None:
        """Hear those who have something to say, and end those who are done."""
        for key, _ in self._selector.select(timeout=0.05):
            self.jobs[key.data].hear()
        for number, job in list(self.jobs.items()):
            if job.over():
                self._selector.unregister(job.results)
                graded = job.finish()
                del self.jobs[number]
                self._is_done(number, graded)

    def _is_done(self, number: int, graded: Graded) -> None:
        self.done[number] = graded
        self.progress(graded)
