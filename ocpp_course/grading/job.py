"""`Job`: one submission in a process of its own: started here, heard through a pipe, ended when its time is over."""

from __future__ import annotations

import os
import resource
import secrets
import shutil
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from ocpp_lab.simulation.disk import scratch

from .graded import Graded, Hearing
from .judge import judge, stop_the_cell
from .sandbox import Limits, Walls, enter
from .submission import LARGEST, Unreadable, opened, read
from .vault import Vault

LOOK = 0.5
"""Seconds between two looks at how much lies in its folder."""
MOST_FILES = 4_096
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that end the grader, and that a submission's process meets as the system would have it."""


class Job:
    """Raises `Unreadable` for a file that nobody should open, OSError if no process can be started."""

    def __init__(self, name: str, path: Path, seed: int, limits: Limits, walls: Walls, vault: Vault) -> None:
        self.graded = Graded(name)
        self.limits = limits
        self.begin = self._looked = time.monotonic()
        token = secrets.token_hex(16)
        self._hearing = Hearing(token)
        self._hearing.hear(b"", self.begin)
        self.ended = self._gone = False
        notebook = opened(path)
        self.folder = Path(tempfile.mkdtemp(prefix="ocpp-lab-grade-", dir=scratch()))
        self.results, write = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        try:
            self.pid = os.fork()
        except OSError:
            os.close(self.results)
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        finally:
            if getattr(self, "pid", 1):  # not in the child
                os.close(notebook)
                os.close(write)
        if self.pid == 0:
            child(name, self.folder, (notebook, write), token, seed, limits, walls, vault)

    def hear(self) -> None:
        """Take what has come."""
        data = os.read(self.results, 65536)
        if not data or not self._hearing.hear(data, time.monotonic()):
            self.ended = True

    def over(self) -> bool:
        """Done, out of time, or out of its share of the disk."""
        now = time.monotonic()
        if not self.ended and now - self.begin > self.limits.seconds:
            self._stop(f"stopped after {self.limits.seconds:g} s; what was not judged earns nothing")
        if not self.ended and now - self._looked > LOOK:
            self._looked = now
            if written(self.folder) > self.limits.disk:
                self._stop(f"it wrote over {self.limits.disk:,} bytes or {MOST_FILES:,} files, and was stopped")
        return self.ended

    def _stop(self, problem: str) -> None:
        self.graded.problem = problem
        self.ended = True

    def finish(self) -> Graded:
        """End the child and all that it started, and sum up what it said. Its exit code is not trusted."""
        self.end()
        self._hearing.result(self.graded)
        if self._printed() >= self.limits.file and not self.graded.problem:
            self.graded.problem = f"it printed over {self.limits.file:,} bytes; the rest was cut off"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.graded.seconds = round(time.monotonic() - self.begin, 2)
        return self.graded

    def _printed(self) -> int:
        with suppress(OSError):
            return os.lstat(self.folder / "printed.txt").st_size
        return 0

    def end(self) -> None:
        """Once. Politely, which empties a process table of its own; then all of the group that is left."""
        if self._gone:
            return
        self._gone = True
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        patience = time.monotonic() + 3
        while (gone := os.waitpid(self.pid, os.WNOHANG)[0]) == 0 and time.monotonic() < patience:
            time.sleep(0.005)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        if not gone:
            os.waitpid(self.pid, 0)
        os.close(self.results)


def written(folder: Path) -> int:
    """Bytes in a folder that somebody else fills; as good as endless when there are too many files to count."""
    total, files = 0, 0
    for place, _, names in os.walk(folder):
        for name in names:
            files += 1
            with suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_blocks * 512
        if files > MOST_FILES:
            return sys.maxsize
    return total


def child(
    name: str,
    folder: Path,
    descriptors: tuple[int, int],
    token: str,
    seed: int,
    limits: Limits,
    walls: Walls,
    vault: Vault,
) -> None:
    """What runs in the child; never returns."""
    try:
        notebook, write = _settle_in(folder, *descriptors)
        vault.answer_alarms(stop_the_cell)
        lost = walls.missing(enter(folder, limits))
        vault.close(write, token)
        try:
            submission = read(name, _all_of(notebook))
            vault.say(milestone=submission.milestone, walls="; ".join(lost))
            judge(submission, vault, seed=seed)
        except Unreadable as problem:
            vault.say(problem=str(problem))
        vault.say(end=True)
    finally:
        os._exit(0)


def _settle_in(folder: Path, notebook: int, write: int) -> tuple[int, int]:
    """Close everything that is the parent's, and forget what its environment says."""
    for each in ENDING:
        signal.signal(each, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    printed = os.open(folder / "printed.txt", os.O_WRONLY | os.O_CREAT, 0o600)
    last = max(notebook, write, nothing, printed) + 10
    for number, target in enumerate((nothing, printed, printed, notebook, write)):
        os.dup2(target, last + number)
    for number in range(5):
        os.dup2(last + number, number)
    os.closerange(5, resource.getrlimit(resource.RLIMIT_NOFILE)[0] if last < 4096 else 1 << 20)
    os.environ.clear()
    tempfile.tempdir = str(folder)
    return 3, 4


def _all_of(notebook: int) -> bytes:
    """Raises `Unreadable` for a file that grows while it is read."""
    with os.fdopen(notebook, "rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise Unreadable(f"expected at most {LARGEST:,} bytes, came more; clear its outputs and hand in again")
    return data
