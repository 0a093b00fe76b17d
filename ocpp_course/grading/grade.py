"""`grade`: many submissions, each in a sandbox of its own, a few at a time; the results in the order handed in."""

from __future__ import annotations

import gc
import json
import os
import secrets
import selectors
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ocpp_lab.simulation.disk import scratch

from ..checks import MILESTONES, capstone, steps
from .judge import judge
from .sandbox import Limits, enter
from .submission import Unreadable, read

NIGHTS = 10
"""Of a capstone, for each submission; a learner's own check plays more."""
MOST_SAID = 1_000_000
"""Bytes of results that are read from one submission."""


@dataclass
class Graded:
    """One submission's result. ``problem`` says why it was not judged to its end, "" if it was."""

    name: str
    milestone: str = ""
    steps: list[dict[str, Any]] = field(default_factory=list)
    problem: str = ""
    seconds: float = 0.0

    @property
    def points(self) -> int:
        return sum(int(step["points"]) for step in self.steps)

    @property
    def of(self) -> int:
        return sum(int(step["of"]) for step in self.steps)

    def as_dict(self) -> dict[str, Any]:
        facts = {"name": self.name, "milestone": self.milestone, "points": self.points, "of": self.of}
        return facts | {"problem": self.problem, "seconds": self.seconds, "steps": self.steps}


def grade(
    found: list[tuple[str, Path]],
    *,
    jobs: int = 2,
    seed: int = 0,
    limits: Limits | None = None,
    progress: Callable[[Graded], object] | None = None,
) -> list[Graded]:
    """Judge notebooks by name and path. The process must be free of threads, because it forks.

    ``seed`` draws the inputs of the checks. ``progress`` is told of each one that is done.
    """
    if not hasattr(os, "fork"):
        raise OSError("expected a system that can fork (Linux, macOS); on Windows use WSL")
    _warm_up()
    waiting = list(enumerate(found))
    running: dict[int, _Job] = {}
    done: dict[int, Graded] = {}
    with selectors.DefaultSelector() as selector:
        while waiting or running:
            while waiting and len(running) < jobs:
                number, (name, path) = waiting.pop(0)
                running[number] = _Job(name, path, seed, limits or Limits())
                selector.register(running[number].results, selectors.EVENT_READ, number)
            for key, _ in selector.select(timeout=0.05):
                running[key.data].hear()
            for number, job in list(running.items()):
                if job.over():
                    selector.unregister(job.results)
                    done[number] = job.finish()
                    del running[number]
                    if progress:
                        progress(done[number])
    return [done[number] for number in sorted(done)]


def _warm_up() -> None:
    """Import once what every child needs, and keep its pages shared."""
    for milestone in MILESTONES:
        steps(milestone)
    gc.collect()
    gc.freeze()


class _Job:
    """One child: started here, heard through a pipe, killed when its time is over."""

    def __init__(self, name: str, path: Path, seed: int, limits: Limits) -> None:
        self.graded = Graded(name)
        self.limits = limits
        self.begin = time.monotonic()
        self.folder = Path(tempfile.mkdtemp(prefix="ocpp-lab-grade-", dir=scratch()))
        self.token = secrets.token_hex(16)
        self.said = b""
        self.ended = False
        self.results, write = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            _child(name, path, self.folder, write, self.token, seed, limits)
        os.close(write)

    def hear(self) -> None:
        data = os.read(self.results, 65536)
        self.said += data
        if not data or len(self.said) > MOST_SAID:
            self.ended = True

    def over(self) -> bool:
        """Done, or out of time."""
        if not self.ended and time.monotonic() - self.begin > self.limits.seconds:
            self.graded.problem = f"stopped after {self.limits.seconds:g} s; what was not judged earns nothing"
            self.ended = True
        return self.ended

    def finish(self) -> Graded:
        """End the child and all that it started, and read what it said. Its exit code is not trusted."""
        self._kill()
        os.close(self.results)
        told = [json.loads(line) for line in self._lines()]
        graded = self.graded
        graded.steps = [each for each in told if "step" in each]
        graded.milestone = next((each["milestone"] for each in told if "milestone" in each), "")
        graded.problem = next((each["problem"] for each in told if "problem" in each), "") or graded.problem
        if not any("end" in each for each in told) and not graded.problem:
            graded.problem = "it ended its own process, or ran out of its limits; what was not judged earns nothing"
        if self._printed() >= self.limits.file:
            graded.problem = graded.problem or f"it printed over {self.limits.file:,} bytes; the rest was cut off"
        self._fill()
        shutil.rmtree(self.folder, ignore_errors=True)
        graded.seconds = round(time.monotonic() - self.begin, 2)
        return graded

    def _lines(self) -> Iterator[str]:
        """What carries the token; an answer may write to the pipe too."""
        for line in self.said.decode(errors="replace").splitlines():
            token, _, text = line.partition(" ")
            if secrets.compare_digest(token.encode(), self.token.encode()):
                with suppress(ValueError):
                    json.loads(text)
                    yield text

    def _printed(self) -> int:
        with suppress(OSError):
            return (self.folder / "printed.txt").stat().st_size
        return 0

    def _fill(self) -> None:
        """Steps of which nothing was heard."""
        heard = {each["step"] for each in self.graded.steps}
        for step in steps(self.graded.milestone) if self.graded.milestone in MILESTONES else []:
            if step.number not in heard:
                missing = {"step": step.number, "state": "not judged", "points": 0, "of": step.points}
                self.graded.steps.append(missing | {"diagnosis": self.graded.problem, "seconds": 0.0})

    def _kill(self) -> None:
        """Politely, which empties a process table of its own; then all of the group that is left."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        patience = time.monotonic() + 3
        while (gone := os.waitpid(self.pid, os.WNOHANG)[0]) == 0 and time.monotonic() < patience:
            time.sleep(0.005)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        if not gone:
            os.waitpid(self.pid, 0)


def _child(name: str, path: Path, folder: Path, write: int, token: str, seed: int, limits: Limits) -> None:
    """What runs in the child; never returns."""
    try:
        _settle_in(path, folder, write, limits)

        me = os.getpid()

        def say(**facts: Any) -> None:
            if os.getpid() != me:  # an answer has forked: one voice is enough
                os._exit(0)
            os.write(write, f"{token} {json.dumps(facts)}\n".encode())

        try:
            submission = read(name, folder / path.name)
            say(milestone=submission.milestone)
            for verdict in judge(submission, seed=seed):
                say(**verdict)
        except Unreadable as problem:
            say(problem=str(problem))
        say(end=True)
    finally:
        os._exit(0)


def _settle_in(path: Path, folder: Path, write: int, limits: Limits) -> None:
    """Copy the notebook, close everything that is the parent's, and shut the door."""
    with suppress(OSError):  # a missing one is told by `read`
        shutil.copyfile(path, folder / path.name)
    nothing = os.open(os.devnull, os.O_RDONLY)
    printed = os.open(folder / "printed.txt", os.O_WRONLY | os.O_CREAT)
    for number, target in ((nothing, 0), (printed, 1), (printed, 2)):
        os.dup2(number, target)
    os.closerange(3, write)
    os.closerange(write + 1, 4096)
    tempfile.tempdir = str(folder)
    capstone.SEEDS = NIGHTS
    enter(folder, limits)
