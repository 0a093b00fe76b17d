"""`guarded`: run a check in a thread beside this one, and end it if its code never gives way.

The kernel's own thread only waits here, so that Interrupt works. Code that computes without an ``await`` is named by
function and line and gets `Blocked` raised in it; code that sleeps the whole thread is named, and left behind.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Any

PATIENCE = 0.5
"""Seconds of computing in one turn of the loop."""
ASLEEP = 2.5
"""Seconds in which nothing turns and nothing computes: something blocks the thread."""
LOOK = 0.02


class Blocked(BaseException):
    """Raised in code that held its thread. Not an `Exception`: an answer that catches those must not catch it."""


class Held(Exception):
    """The code under the check held its thread: ``place`` is function and line, ``asleep`` if it did not compute, and
    ``goes_on`` if it could not be stopped and computes still."""

    def __init__(self, place: str, asleep: bool, goes_on: bool = False) -> None:
        super().__init__(place)
        self.place = place
        self.asleep = asleep
        self.goes_on = goes_on


class Hung(Exception):
    """The check took too long, and no line of the answer is to blame."""


def guarded[T](work: Callable[[], T], pulse: Callable[[], int], files: set[str], seconds: float) -> T:
    """The result of ``work``, run in a helper thread; raises what it raises, or `Held` or `Hung`.

    ``pulse`` moves at every turn of the loop. ``files`` are the files of the answer: only its lines are blamed.
    """
    outcome: list[tuple[T | None, BaseException | None]] = []
    done = threading.Event()

    def target() -> None:
        try:
            outcome.append((work(), None))
        except BaseException as error:
            outcome.append((None, error))
        done.set()

    thread = threading.Thread(target=target, name="check", daemon=True)
    thread.start()
    _watch(thread, done, pulse, files, seconds)
    result, error = outcome[0]
    if error is not None:
        raise error
    return result  # type: ignore[return-value]


def _watch(
    thread: threading.Thread, done: threading.Event, pulse: Callable[[], int], files: set[str], seconds: float
) -> None:
    begin = since = time.monotonic()
    worked, last = time.process_time(), pulse()
    while not done.wait(LOOK):
        now = time.monotonic()
        if pulse() != last:
            since, worked, last = now, time.process_time(), pulse()
        # Elsewhere the machine may be busy: what counts is that this process computes, or that it does nothing at all.
        computing = time.process_time() - worked > PATIENCE
        asleep = now - since > ASLEEP and time.process_time() - worked < 0.2
        frame = frame_in(sys._current_frames().get(thread.ident or 0), files)
        if frame is not None and (computing or asleep):
            place = place_of(frame)
            ended = _free(thread, done)
            raise Held(place, asleep, goes_on=not asleep and not ended)
        if now - begin > 5 * seconds:
            _free(thread, done)
            raise Hung(f"not done after {5 * seconds:g} s")


def _free(thread: threading.Thread, done: threading.Event) -> bool:
    """Whether the thread has ended."""
    for _ in range(20):
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(Blocked))
        if done.wait(0.05):
            return True
    return False


def frame_in(frame: FrameType | None, files: set[str]) -> FrameType | None:
    """The innermost frame that belongs to one of these files."""
    if frame is None:
        return None
    return next((each for each, _ in traceback.walk_stack(frame) if each.f_code.co_filename in files), None)


def place_of(frame: Any, line: int | None = None) -> str:
    """A function by its name, with the line counted from its ``def``."""
    code = frame.f_code
    number = frame.f_lineno if line is None else line
    if code.co_name == "<module>":
        return f"line {number}"
    return f"`{code.co_qualname.replace('<locals>.', '')}`, line {number - code.co_firstlineno + 1}"
