"""`guarded`: run a check, and end it if the answer's code never gives way. It needs no thread.

The interpreter itself says when the answer calls, begins or jumps back (PEP 669, `sys.monitoring`): an endless loop
does one of them in each round. Only such lines are watched, and only their time counts. Where the operating system
has an alarm (``SIGALRM``, in the main thread), it also finds what waits or computes in somebody else's code.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

from ocpp_lab.simulation.run import in_place

from .own import Own, file_of
from .witness import Witness

PATIENCE = 0.5
"""Seconds of computing in one turn of the loop; also what an answer may spend in `time.sleep` in one check."""
LOOK = 0.1
"""Seconds between two alarms."""
STILL = 12
"""Alarms in a row that find the same instruction under way: it waits and does not come back. (A machine that is busy
elsewhere lets a program get on a little between two alarms.)"""
NOTHING = 0.002
"""Seconds of computing between two alarms that the alarm itself needs."""
TOOLS = (3, 4)
"""Numbers that `sys.monitoring` leaves to whoever wants one; the second for a check inside a check."""


class Blocked(SystemExit):
    """Raised in code that held its thread, at each of its lines until it ends.

    Not an `Exception`, because an answer that catches those must not catch it; and a loop lets no other one pass.
    """


class Held(Exception):
    """The code under the check held its thread: ``place`` is function and line, ``asleep`` if it did not compute.

    ``filename`` and ``line`` say where that is in its cell.
    """

    def __init__(self, place: str, asleep: bool, filename: str = "", line: int = 0) -> None:
        super().__init__(place)
        self.place = place
        self.asleep = asleep
        self.filename = filename
        self.line = line


def held(frame: FrameType, *, asleep: bool) -> Held:
    """At the line where this frame is."""
    return Held(place_of(frame), asleep, frame.f_code.co_filename, frame.f_lineno)


class Hung(Exception):
    """The check took too long, and no line of the answer is to blame."""


def guarded[T](work: Callable[[], T], pulse: Callable[[], int], own: Own, seconds: float, witness: Witness) -> T:
    """The result of ``work``; raises what it raises, or `Held` or `Hung`.

    ``pulse`` moves at every turn of the loop. Only lines of the answer (``own``) are blamed. ``witness`` is told of
    each exception. ``seconds`` of computing are expected; twice as many are too many.
    """
    watch = Watch(pulse, own, 2 * seconds)
    with watch.listening(witness), watch.alarm():
        try:
            result = alone(work)
        except BaseException:
            if watch.fault is None:
                raise
        else:
            if watch.fault is None:
                return result
    raise watch.fault


def alone[T](work: Callable[[], T]) -> T:
    """The result of a function that may run a loop of its own; a loop that runs here stands still meanwhile."""
    try:
        running = asyncio.get_running_loop()
    except RuntimeError:
        return work()
    return in_place(work, running)


class Watch:
    """What the answer does with its time. ``fault`` is set once; from then on each line of the answer raises."""

    def __init__(self, pulse: Callable[[], int], own: Own, limit: float) -> None:
        self.pulse, self.own, self.limit = pulse, own, limit
        self.fault: Held | Hung | None = None
        self._turn = -1
        self._since = 0.0
        self._worked = self._begin = time.thread_time()
        self._slept = 0.0
        self._heard = 0
        """Events of the answer's lines."""
        self._found: tuple[int, ...] = ()
        self._rang = 0.0
        self._still = 0

    @contextmanager
    def listening(self, witness: Witness) -> Iterator[None]:
        """Hear of the answer's lines, and let the witness hear of exceptions."""
        monitor, events = sys.monitoring, sys.monitoring.events
        tool = next(number for number in TOOLS if monitor.get_tool(number) is None)
        heard: dict[int, Callable[..., Any]] = {
            events.PY_START: self._entered,
            events.PY_RESUME: self._entered,
            events.JUMP: self._jumped,
        }
        heard |= {events.CALL: self._called, events.RAISE: witness.raises, events.PY_UNWIND: witness.unwinds}
        monitor.use_tool_id(tool, "ocpp_lab check")
        try:
            for event, callback in heard.items():
                monitor.register_callback(tool, event, callback)
            _listen(tool, self.own, events.PY_START | events.PY_RESUME | events.JUMP | events.CALL)
            monitor.set_events(tool, events.RAISE | events.PY_UNWIND)
            yield
        finally:
            monitor.set_events(tool, 0)
            _listen(tool, self.own, 0)
            for event in heard:
                monitor.register_callback(tool, event, None)
            monitor.free_tool_id(tool)

    @contextmanager
    def alarm(self) -> Iterator[None]:
        """Look ten times a second, where the operating system can be asked to and this is the main thread."""
        if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGALRM, self._rings)
        left, interval = signal.setitimer(signal.ITIMER_REAL, LOOK, LOOK)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, left, interval)
            signal.signal(signal.SIGALRM, before)

    # -- heard from the interpreter

    def _entered(self, code: CodeType, offset: int) -> None:
        if frame_in(sys._getframe(1).f_back, self.own.files) is None:  # what others took is not the answer's
            self._since, self._worked = time.monotonic(), time.thread_time()
        self._look(sys._getframe(1))

    def _jumped(self, code: CodeType, offset: int, to: int) -> None:
        self._look(sys._getframe(1))

    def _called(self, code: CodeType, offset: int, function: Any, first: Any) -> None:
        if function is time.sleep and isinstance(first, int | float):
            self._slept += first
            if self._slept > PATIENCE:
                self._end(held(sys._getframe(1), asleep=True))

    def _rings(self, number: int, frame: FrameType | None) -> None:
        found = (id(frame), frame.f_lasti if frame else 0, self.pulse(), self._heard)
        worked = time.thread_time()
        self._still = self._still + 1 if found == self._found and worked - self._rang < NOTHING else 0
        self._found, self._rang = found, worked
        if own := frame_in(frame, self.own.files):
            if self._still >= STILL:
                self._end(held(own, asleep=True))
            self._heard -= 1  # this is none of its own
            self._look(own)
        elif time.thread_time() - self._begin > self.limit:
            self._end(Hung(f"not done after {self.limit:g} s"))

    # -- judging

    def _look(self, frame: FrameType) -> None:
        """Raise if the answer has held the loop for too long; the cheap clock is asked first."""
        self._heard += 1
        if self.fault is not None:
            raise Blocked
        now, turn = time.monotonic(), self.pulse()
        if turn != self._turn:
            self._turn, self._since, self._worked = turn, now, time.thread_time()
        elif now - self._since > PATIENCE and time.thread_time() - self._worked > PATIENCE:
            self._end(held(frame, asleep=False))
        elif now - self._since > PATIENCE and time.thread_time() - self._begin > self.limit:
            self._end(Hung(f"not done after {self.limit:g} s"))

    def _end(self, fault: Held | Hung) -> None:
        self.fault = self.fault or fault
        raise Blocked


def _listen(tool: int, own: Own, events: int) -> None:
    for code in own.codes:
        sys.monitoring.set_local_events(tool, code, events)


def frame_in(frame: FrameType | None, files: set[str]) -> FrameType | None:
    """The innermost frame that belongs to one of these files."""
    while frame is not None and frame.f_code.co_filename not in files:
        frame = frame.f_back
    return frame


def place_of(frame: Any, line: int | None = None) -> str:
    """A function by its name, with its line: as the editor counts it."""
    code = frame.f_code
    number = frame.f_lineno if line is None else line
    where = f"line {number} of {file_of(code.co_filename)}"
    return where if code.co_name == "<module>" else f"`{code.co_qualname.replace('<locals>.', '')}`, {where}"
