"""`Witness`: which exceptions the answer's own lines raised during a check, whoever caught them afterwards.

It holds no exception, only words about it: an exception holds frames, and those hold files and connections open.
"""

from __future__ import annotations

import asyncio
import re
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from types import CodeType
from typing import Any

from ocpp_lab.errors import OcppError

from .own import Own
from .syntax import is_raised_on_purpose, who_catches

MOST = 50
"""Lines that are remembered in one check."""
PASSING = (asyncio.CancelledError, GeneratorExit, StopIteration, StopAsyncIteration, SystemExit, KeyboardInterrupt)
"""How Python ends and stops things: no mistake."""
ALWAYS = (NameError, ImportError, SyntaxError)
"""No code means to raise them."""
RARELY_MEANT = (AttributeError, TypeError)
"""Meant only if the code around catches just them."""
LOOPS = (f"{asyncio.__name__}/", "simloop/")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")


@dataclass
class Raised:
    """One line of the answer that raised. ``escaped`` the answer's own code, or even ``ended`` a task or a callback."""

    kind: type[BaseException]
    said: str
    function: str
    filename: str
    line: int
    on_purpose: bool
    hidden: bool
    """A handler around it catches everything."""
    escaped: bool = False
    ended: bool = False

    @property
    def certain(self) -> bool:
        """Whether it is a mistake whatever the step asks for."""
        if self.on_purpose:
            return False
        if "NoneType" in self.said:  # what was missing there may be the lesson
            return False
        return issubclass(self.kind, ALWAYS) or (issubclass(self.kind, RARELY_MEANT) and (self.escaped or self.hidden))


class Witness:
    """Told by the interpreter; see `watchdog.Watch`."""

    def __init__(self, own: Own) -> None:
        self.own = own
        self.raised: dict[tuple[Any, ...], Raised] = {}
        self.cancelled: set[tuple[str, int]] = set()
        """Lines that were cancelled, and whose function did not end by it."""
        self._known: BaseException | None = None
        """The exception that was looked at last. Of a thousand levels that it comes through, one look is enough."""

    def raises(self, code: CodeType, offset: int, error: BaseException) -> None:
        """An exception is raised in this code, or comes through it."""
        if error is self._known or code.co_filename not in self.own.files or len(self.raised) >= MOST:
            return
        if isinstance(error, asyncio.CancelledError):
            self.cancelled.add((code.co_filename, sys._getframe(1).f_lineno))
        if isinstance(error, (*PASSING, OcppError, TimeoutError, BaseExceptionGroup)):
            return
        if key := self._key(error):
            self._known = error
            if key not in self.raised and not self._is_others(error):
                self.raised[key] = self._words(error, *key[:2])

    def unwinds(self, code: CodeType, offset: int, error: BaseException) -> None:
        """A function ends with an exception."""
        if isinstance(error, asyncio.CancelledError):
            for _, line in islice(traceback.walk_tb(error.__traceback__), 1):  # the first is the one that ends now
                self.cancelled.discard((code.co_filename, line))
        if code.co_filename not in self.own.files or isinstance(error, PASSING):
            return
        caller = outer = sys._getframe(1).f_back
        while caller is not None and _is_librarys(caller.f_code.co_filename):
            caller = caller.f_back
        if caller is None or caller.f_code.co_filename not in self.own.files:
            ended = outer is None or any(loop in outer.f_code.co_filename for loop in LOOPS)
            for raised in filter(None, map(self.of, _members(error))):
                raised.escaped, raised.ended = True, raised.ended or ended

    def of(self, error: BaseException) -> Raised | None:
        """What is known of an exception that came out of the check."""
        return self.raised.get(self._key(error) or ())

    def _key(self, error: BaseException) -> tuple[Any, ...] | None:
        """Code and line of the innermost line of the answer that the exception came from."""
        own = [
            (frame.f_code, line)
            for frame, line in traceback.walk_tb(error.__traceback__)
            if frame.f_code.co_filename in self.own.files
        ]
        return (*own[-1], type(error)) if own else None

    def _is_others(self, error: BaseException) -> bool:
        """The answer only called it: a handler or a table of the check raised it."""
        names = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
        return names[-1] not in self.own.files and not _is_librarys(names[-1])

    def _words(self, error: BaseException, code: CodeType, line: int) -> Raised:
        cell = self.own.cells.get(code.co_filename)
        return Raised(
            type(error),
            words(error),
            code.co_qualname.replace("<locals>.", ""),
            code.co_filename,
            line,
            cell is not None and is_raised_on_purpose(cell, line),
            self._is_hidden(type(error)),
        )

    def _is_hidden(self, kind: type[BaseException]) -> bool:
        """The answer catches what is being raised now, but only because it catches everything."""
        names = {each.__name__ for each in kind.__mro__} - {"Exception", "BaseException", "object"}
        frame: Any = sys._getframe(3)
        while frame is not None:
            cell = self.own.cells.get(frame.f_code.co_filename)
            if cell is not None and (catcher := who_catches(cell, frame.f_lineno, names)):
                return catcher == "all"
            frame = frame.f_back
        return False


def _members(error: BaseException) -> Iterator[BaseException]:
    """An exception, or those in a group."""
    if not isinstance(error, BaseExceptionGroup):
        yield error
        return
    for each in error.exceptions:
        yield from _members(each)


def is_certainly_wrong(kind: type[BaseException]) -> bool:
    """No code means to raise such an exception: a name that is not defined, a module that is not there."""
    return issubclass(kind, ALWAYS)


def words(error: BaseException) -> str:
    """An exception in one line, as a traceback ends: with Python's own *Did you mean*; without addresses."""
    if isinstance(error, ALWAYS + RARELY_MEANT):
        last = traceback.TracebackException.from_exception(error, compact=True)
        said = next(iter(reversed(list(last.format_exception_only()))), "").strip()
    else:
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return _ADDRESS.sub("0x…", said.splitlines()[0] if said else "")[:300]


def _is_librarys(filename: str) -> bool:
    return "/lib/python" in filename.replace("\\", "/") or filename.startswith("<frozen") or "/ocpp_lab/" in filename
