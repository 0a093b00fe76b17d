"""`run_step`: all checks of a step on an answer, each in a simulation of its own."""

from __future__ import annotations

import asyncio
import gc
import inspect
import logging
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from simloop import SimulationDeadlockError

from ocpp_lab.simulation.run import set_aside

from . import answer
from .handed import misfits
from .kernel import trouble
from .kit import Kit, short
from .loop import CheckLoop, TooManySteps
from .own import Own
from .result import Result, Row
from .slips import Seen, Slip, leaves, slips
from .step import Check, Step, Wrong
from .watchdog import Blocked, Held, Hung, frame_in, guarded, place_of
from .witness import words

HANDED_IN = "handed-in"
WRITTEN = "stub-written"
BLOCKED = "loop-not-blocked"
LEFT = "nothing-left"
ENDLESS = "it never ends"


def run_step(step: Step, pieces: tuple[Any, ...], *, seed: int = 0) -> Result:
    """Judge what was handed in. Never raises what the answer raises; TypeError for a wrong number of pieces."""
    my = step.bind(pieces)
    if said := next(misfits(step, pieces), ""):
        row = Row(HANDED_IN, f"what the step asks for: {', '.join(step.names)}", "another thing", False, said)
        return Result(step, "wrong", (row,), first=tuple(trouble(step, pieces)))
    if answer.is_unstarted(step, pieces):
        return Result(step, "unwritten")
    reference = answer.is_reference(step, pieces)
    if reference and not step.capstone:
        return Result(step, "reference", builds_on=answer.grows(step, pieces))
    if stubs := answer.unwritten(step, pieces):
        said = f"`{stubs[0]}` still is the stub; write it, or copy it from the step before."
        row = Row(WRITTEN, "every part of the stub is written", f"{len(stubs)} still to write", False, said)
        return Result(step, "wrong", (row,), first=tuple(trouble(step, pieces)))
    rows = tuple(run_checks(step, my, Own(pieces), seed=seed))
    if not all(row.ok for row in rows):
        return Result(step, "wrong", rows, first=tuple(trouble(step, pieces)))
    return Result(step, "reference" if reference else "passed", rows)


def run_checks(step: Step, my: Any, own: Own, *, seed: int = 0) -> Iterator[Row]:
    """The rows of a step's table, then those that every step has. Stops early if the answer never gives way."""
    left: list[str] = []
    for check in step.checks:
        row, remains = run_check(step, check, my, own, seed)
        yield row
        left += [f"{thing} (after {check.name})" for thing in remains]
        if row.name == BLOCKED or row.got == ENDLESS:
            return  # the next check would take as long, and say the same
        if step.capstone and not row.ok:
            return  # its checks build on each other, and are long
    yield Row(BLOCKED, "no turn of the event loop takes over 0.5 s", "none did", True)
    yield _left_row(left)


def _left_row(left: list[str]) -> Row:
    if not left:
        return Row(LEFT, "no task, timer or file remains", "nothing", True)
    said = f"{left[0]} remains when all is over; what you start, you end: cancel and await it, or close it."
    return Row(LEFT, "no task, timer or file remains", f"{len(left)} left", False, said)


def run_check(step: Step, check: Check, my: Any, own: Own, seed: int) -> tuple[Row, list[str]]:
    """One check's row, and what it left behind."""
    with _quiet(), set_aside():
        try:
            return _run_check(step, check, my, own, seed)
        finally:
            _forget()


def _forget() -> None:
    """What the check left, with the coroutines that nobody awaited: those were told, or hurt nobody."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        gc.collect()


def _run_check(step: Step, check: Check, my: Any, own: Own, seed: int) -> tuple[Row, list[str]]:
    runner = _Runner(step, check, my, own, seed)
    try:
        with runner.seen.looking():
            row, error = _outcome(runner)
    finally:
        runner.kit.end()
    if row.ok:
        return row, runner.left
    return _with_slips(row, slips(runner.seen, step, error, f"{row.got} {row.diagnosis}")), []


def _outcome(runner: _Runner) -> tuple[Row, BaseException | None]:
    """The row without its slips, and what made it red."""
    check = runner.check
    try:
        got = guarded(runner.run, runner.pulse, runner.own, check.seconds, runner.seen.witness)
        return Row(check.name, check.expected, got or "as expected", True), None
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        row = _refused(runner, error)
        _let_go(runner, error)
        return row, error


def _let_go(runner: _Runner, error: BaseException) -> None:
    """Let what the check made end here, and not in the middle of something else."""
    for each in leaves(error):
        traceback.clear_frames(each.__traceback__)
    runner.seen.find_unawaited()
    gc.collect()


def _with_slips(row: Row, found: list[Slip]) -> Row:
    """A certain slip takes the place of the lesson; any other stands before it."""
    said = tuple(slip.text for slip in found[:2])
    if found and found[0].certain:
        return replace(row, slips=said, certain=True, outranks=found[0].outranks, diagnosis=said[0])
    return replace(row, slips=said)


def _refused(runner: _Runner, error: BaseException) -> Row:
    """The row of an answer that did not pass, with the lesson."""
    rule = runner.check.rule
    match error:
        case Wrong(got=got, diagnosis=diagnosis):
            return runner.row(got, diagnosis or rule)
        case Held():
            return _held_row(error, runner.own)
        case Hung():
            return runner.row(str(error), "this takes far too long; look for a loop that never ends.")
        case TooManySteps() | Blocked():
            return runner.row(
                ENDLESS, f"{runner.stuck_in()} goes round and round and hardly waits; what ends that loop?"
            )
        case _ if runner.exhausted:
            return runner.row(
                ENDLESS, f"{runner.stuck_in()} goes round and round and hardly waits; what ends that loop?"
            )
        case SimulationDeadlockError():
            return runner.row("it waits for ever", f"{runner.stuck_in()} waits for what never comes. {rule}")
    return runner.row(*_crashed(error, runner.own.files, runner.check))


def _held_row(held: Held, own: Own) -> Row:
    what = "puts the whole thread to sleep; `await asyncio.sleep(…)` lets others go on" if held.asleep else (
        "computes without end, or for too long, and nothing else can run; it needs an `await` or an end"
    )  # fmt: skip
    source = f" (`{said}`)" if (said := own.source(held.filename, held.line)) else ""
    said = f"{held.place}{source} {what}."
    return Row(BLOCKED, "no turn of the event loop takes over 0.5 s", held.place, False, said)


def _crashed(error: BaseException, files: set[str], check: Check) -> tuple[str, str]:
    """An exception that the contract does not know, with the line of the answer that let it out."""
    leaf = next((each for each in leaves(error) if not isinstance(each, BaseExceptionGroup)), error)
    said = words(leaf)
    frames = [(frame, line) for frame, line in traceback.walk_tb(leaf.__traceback__)]
    own = [(frame, line) for frame, line in frames if frame.f_code.co_filename in files]
    where = f" in {place_of(*own[-1])}" if own else ""
    return short(said), f"{said}{where}. {check.rule}"


class _Runner:
    """One check, and the loop that it makes."""

    def __init__(self, step: Step, check: Check, my: Any, own: Own, seed: int) -> None:
        self.check = check
        self.my = my
        self.own = own
        self.seen = Seen.by(own)
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
            try:
                loop.clear()
            finally:  # what held the thread may do so again
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
            self.stuck = waits(self.kit.loop, self.own.files)

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
