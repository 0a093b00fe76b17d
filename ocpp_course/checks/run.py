"""`run_step`: all checks of a step on an answer, each in a simulation of its own."""

from __future__ import annotations

import asyncio
import inspect
import logging
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from simloop import SimulationDeadlockError

from . import answer
from .kit import Kit, short
from .loop import CheckLoop, TooManySteps
from .result import Result, Row
from .step import Check, Step, Wrong
from .watchdog import Blocked, Held, Hung, frame_in, guarded, place_of

WRITTEN = "stub-written"
BLOCKED = "loop-not-blocked"
LEFT = "nothing-left"
ENDLESS = "it never ends"
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")


def run_step(step: Step, pieces: tuple[Any, ...], *, seed: int = 0) -> Result:
    """Judge what was handed in. Never raises what the answer raises; TypeError for a wrong number of pieces."""
    my = step.bind(pieces)
    if answer.is_unstarted(step, pieces):
        return Result(step, "unwritten")
    reference = answer.is_reference(step, pieces)
    if reference and not step.capstone:
        return Result(step, "reference")
    if stubs := answer.unwritten(step, pieces):
        said = f"`{stubs[0]}` still is the stub; write it, or copy it from the step before."
        row = Row(WRITTEN, "every part of the stub is written", f"{len(stubs)} still to write", False, said)
        return Result(step, "wrong", (row,))
    rows = tuple(run_checks(step, my, answer.files(pieces), seed=seed))
    if not all(row.ok for row in rows):
        return Result(step, "wrong", rows)
    return Result(step, "reference" if reference else "passed", rows)


def run_checks(step: Step, my: Any, files: set[str], *, seed: int = 0) -> Iterator[Row]:
    """The rows of a step's table, then those that every step has. Stops early if the answer never gives way."""
    left: list[str] = []
    for check in step.checks:
        row, remains = run_check(step, check, my, files, seed)
        yield row
        left += [f"{thing} (after {check.name})" for thing in remains]
        if row.name == BLOCKED or row.got == ENDLESS:
            return  # the next check would take as long, and say the same
    yield Row(BLOCKED, "no turn of the event loop takes over 0.5 s", "none did", True)
    yield _left_row(left)


def _left_row(left: list[str]) -> Row:
    if not left:
        return Row(LEFT, "no task, timer or file remains", "nothing", True)
    said = f"{left[0]} remains when all is over; what you start, you end: cancel and await it, or close it."
    return Row(LEFT, "no task, timer or file remains", f"{len(left)} left", False, said)


def run_check(step: Step, check: Check, my: Any, files: set[str], seed: int) -> tuple[Row, list[str]]:
    """One check's row, and what it left behind."""
    runner = _Runner(step, check, my, files, seed)
    try:
        with _quiet():
            got = guarded(runner.run, runner.pulse, files, check.seconds)
        return Row(check.name, check.expected, got or "as expected", True), runner.left
    except Wrong as wrong:
        return runner.row(wrong.got, wrong.diagnosis or check.rule), []
    except Held as held:
        return _held_row(held), []
    except Hung as hung:
        return runner.row(str(hung), "this takes far too long; look for a loop that never ends."), []
    except BaseException as error:
        return runner.row(*_failed(runner, error, files, check)), []
    finally:
        runner.kit.end()


def _failed(runner: _Runner, error: BaseException, files: set[str], check: Check) -> tuple[str, str]:
    """What came, and the diagnosis, when the answer neither returned nor was refused."""
    if runner.exhausted or isinstance(error, (TooManySteps, Blocked)):
        return ENDLESS, f"{runner.stuck_in()} goes round and round and hardly waits; what ends that loop?"
    if isinstance(error, SimulationDeadlockError):
        return "it waits for ever", f"{runner.stuck_in()} waits for what never comes. {check.rule}"
    return _crashed(error, files, check)


def _held_row(held: Held) -> Row:
    what = "puts the whole thread to sleep; `await asyncio.sleep(…)` lets others go on" if held.asleep else (
        "computes without end, or for too long, and nothing else can run; it needs an `await` or an end"
    )  # fmt: skip
    more = " It catches what should stop it and goes on: restart the kernel." if held.goes_on else ""
    return Row(BLOCKED, "no turn of the event loop takes over 0.5 s", held.place, False, f"{held.place} {what}.{more}")


def _crashed(error: BaseException, files: set[str], check: Check) -> tuple[str, str]:
    """An exception that the contract does not know, with the line of the answer that let it out."""
    said = _ADDRESS.sub("0x…", f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
    frames = [(frame, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    own = [(frame, line) for frame, line in frames if frame.f_code.co_filename in files]
    where = f" in {place_of(*own[-1])}" if own else ""
    return short(said), f"{said[:300]}{where}. {check.rule}"


class _Runner:
    """One check in the helper thread: it makes the loop there."""

    def __init__(self, step: Step, check: Check, my: Any, files: set[str], seed: int) -> None:
        self.check = check
        self.my = my
        self.files = files
        self.left: list[str] = []
        self.stuck: list[str] = []
        self.kit = Kit(f"{step.number} {check.name}", seed)
        self.seed = seed

    def pulse(self) -> int:
        loop = self.kit.loop or self.kit.simulated
        return loop.steps if loop else 0

    @property
    def exhausted(self) -> bool:
        return self.kit.loop is not None and self.kit.loop.exhausted

    def run(self) -> str | None:
        if not inspect.iscoroutinefunction(self.check.run):
            said: str | None = self.check.run(self.my, self.kit)
            self.left = self.kit.open_files()
            return said
        loop = self.kit.loop = CheckLoop(self.seed)
        loop.on_stall = self._look
        try:
            return loop.run_until_complete(self._play(loop))  # type: ignore[no-any-return]
        finally:
            self._look()
            loop.clear()
            loop.close()

    async def _play(self, loop: CheckLoop) -> str | None:
        said: str | None = await self.check.run(self.my, self.kit)
        await self.kit.quiet()
        unheard = [f"an exception that nobody heard ({each})" for each in loop.unheard]
        self.left = loop.left() + unheard + self.kit.open_files()
        return said

    def _look(self) -> None:
        """Remember where the answer waits, the first time that anybody asks."""
        if self.kit.loop is not None and not self.stuck:
            self.stuck = waits(self.kit.loop, self.files)

    def stuck_in(self) -> str:
        return f"{self.stuck[0]}" if self.stuck else "it"

    def row(self, got: str, diagnosis: str) -> Row:
        return Row(self.check.name, self.check.expected, got, False, diagnosis, self.kit.ladder())


def waits(loop: Any, files: set[str]) -> list[str]:
    """Where in the answer its tasks wait: function and line of the innermost coroutine that is the answer's.

    First those that wait for nothing and only let others go on: if a loop goes round and round, it is one of them.
    """
    places = []
    for task in asyncio.all_tasks(loop):
        awaited: Any = task.get_coro()
        innermost = place = None
        while awaited is not None:
            frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "ag_frame", None)
            if frame is not None and frame_in(frame, files) is frame:
                place = place_of(frame)
            innermost = awaited
            awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "ag_await", None)
        if place:
            places.append((not inspect.isgenerator(innermost), place))  # the yield of `sleep(0)` is a generator
    return [place for _, place in sorted(places)]


@contextmanager
def _quiet() -> Iterator[None]:
    """The stack's own log lines about trouble are none of the learner's business here.

    At the root, for an answer that says `logging.error(…)` would otherwise set up a handler there, for good.
    """
    log = logging.getLogger()
    handler = logging.NullHandler()
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
