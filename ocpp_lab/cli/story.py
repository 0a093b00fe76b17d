"""`Story`: what happens on the connections, one readable line each: time, mark, identity, action, payload.

Marks: ``>`` sent, ``<`` received, ``=`` state, ``!`` trouble. A reply carries no action (J-spec 4.2.2); it is looked up
by its unique id. What comes from a peer is shown without control characters: they could rewrite the terminal.
"""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any, Self, TextIO

from ..charge_point.dial_failed import DialFailed
from ..clock import utc_now
from ..frames import Call, CallError, CallResult, Frame
from ..pipe import WIRE_LOG
from ..trace import Event
from .screen import Screen

MAX_LINE = 240  # characters of a frame in words; --trace shows all of it
REMEMBERED = 4096  # calls whose action is known when their reply comes

COLOURS = {">": "36", "<": "32", "=": "33", "!": "31"}  # cyan, green, yellow, red

TOLD_ALREADY = {"ocpp_lab", "ocpp_lab.session", "ocpp_lab.pending"}
"""Loggers whose lines also are events of the trace."""


class Story:
    """Writes events and log records to ``out``. ``raw`` shows frames as they are; ``on_closed`` is told once that
    nobody reads ``out`` any more."""

    def __init__(
        self,
        *,
        raw: bool = False,
        out: TextIO | None = None,
        now: Callable[[], datetime] = utc_now,
        on_closed: Callable[[], None] = lambda: None,
    ) -> None:
        self.raw = raw
        self.out = sys.stdout if out is None else out
        if isinstance(self.out, io.TextIOWrapper):
            self.out.reconfigure(errors="backslashreplace")  # a terminal without arrows is no reason to fail
        self.colour = self.out.isatty() and "NO_COLOR" not in os.environ
        self._now = now
        self._screen = Screen(self.out, self._missed, on_closed)
        # Action and loop time (s) of the newest calls, by identity, whether it is an own one, and unique id: a reply
        # does not say what it answers.
        self._calls: dict[tuple[str, bool, str], tuple[str, float]] = {}

    def tell(self, event: Event) -> None:
        """The listener of a `Trace`."""
        frame = None if self.raw else event.frame
        text = event.text if frame is None else self._in_words(event, frame)
        self.say(event.mark, text, event.identity, alarm=isinstance(frame, CallError))

    def say(self, mark: str, text: str, who: str = "", *, alarm: bool = False) -> None:
        """One line. ``alarm`` paints all of it red, as ``!`` does."""
        name = f"{who:<8} " if who else ""
        said = _printable(name + text)
        if self.colour:
            red = alarm or mark == "!"
            said = f"\033[31m{mark} {said}\033[0m" if red else f"\033[{COLOURS[mark]}m{mark}\033[0m {said}"
        else:
            said = f"{mark} {said}"
        self._screen.write(self._timed(said))

    def show(self, text: str) -> None:
        """Text as it is, for the line that is being typed."""
        self._screen.write(text)

    def close(self) -> None:
        """Nothing is told any more; the last lines get a moment to be taken."""
        self._screen.close()

    def _timed(self, said: str) -> str:
        return f"{self._now().astimezone():%H:%M:%S.%f}"[:-3] + f" {said}\n"

    def _missed(self, count: int) -> str:
        return self._timed(f"! {count} lines are missing here: nobody took them")

    def _in_words(self, event: Event, frame: Frame) -> str:
        own = event.mark == ">" if isinstance(frame, Call) else event.mark != ">"
        key = (event.identity, own, frame.unique_id)
        if isinstance(frame, Call):
            self._calls[key] = (frame.action, event.at)
            if len(self._calls) > REMEMBERED:
                del self._calls[next(iter(self._calls))]
            return _cut(f"{frame.action:<20} {_fields(frame.payload)}")
        action, called_at = self._calls.get(key, ("(unknown id)", event.at))
        after = f"after {(event.at - called_at) * 1000:.0f} ms"
        if isinstance(frame, CallResult):
            return _cut(f"{action:<20} CallResult {after} {_fields(frame.payload)}")
        return _cut(f"{action:<20} CallError {after} {frame.code} {frame.description} {_fields(frame.details)}")


class LogLines(logging.Handler):
    """``with LogLines(story):`` log records are lines of the story, with a hint what to do where there is one.

    Heard is this package, and of all others only what is trouble: it would go to stderr, which may be the same paused
    terminal, and there it would hold up the loop.
    """

    def __init__(self, story: Story, hint: Callable[[object], str | None] = lambda error: None) -> None:
        super().__init__(logging.INFO)
        self.story = story
        self.hint = hint

    def __enter__(self) -> Self:
        logger = logging.getLogger("ocpp_lab")
        self._before = logger.level, logger.propagate
        logger.setLevel(logging.INFO)
        logger.propagate = False
        for each in (logger, logging.getLogger()):
            each.addHandler(self)
        return self

    def __exit__(self, *error: object) -> None:
        logger = logging.getLogger("ocpp_lab")
        for each in (logger, logging.getLogger()):
            each.removeHandler(self)
        level, logger.propagate = self._before
        logger.setLevel(level)

    def emit(self, record: logging.LogRecord) -> None:
        """Print a log record as one line of the story."""
        ours = record.name.startswith("ocpp_lab") and record.name != WIRE_LOG.name
        if (not ours and record.levelno < logging.WARNING) or told_already(record):
            return
        text = record.getMessage().rstrip(": ")
        mark, _, rest = text.partition(" ")
        mark, text = (mark, rest) if mark in COLOURS else ("!", text)
        traceback = record.exc_info if record.name != WIRE_LOG.name else None
        if record.exc_info and not traceback:
            text += f": {record.exc_info[1]}"  # somebody knocked with something else than a WebSocket
        hints = [self.hint(argument) for argument in record.args or ()]
        self.story.say(mark, "; ".join([text, *filter(None, hints)]))
        if traceback:
            for line in logging.Formatter().formatException(traceback).splitlines():
                self.story.say("!", f"    {line}")


def told_already(record: logging.LogRecord) -> bool:
    """Whether the trace tells the same: all that some loggers say but for tracebacks, and why a dial failed."""
    told = record.name in TOLD_ALREADY or any(isinstance(argument, DialFailed) for argument in record.args or ())
    return told and not record.exc_info


def _fields(payload: Any) -> str:
    """``{"status": "Accepted", "interval": 300}`` to ``status=Accepted interval=300``."""
    return " ".join(f"{name}={_value(value)}" for name, value in payload.items())


def _value(value: Any) -> str:
    plain = isinstance(value, str) and value and " " not in value
    return value if plain else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _cut(text: str) -> str:
    text = text.rstrip()
    return text if len(text) <= MAX_LINE else f"{text[: MAX_LINE - 1]}…"


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
