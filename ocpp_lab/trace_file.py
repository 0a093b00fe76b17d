"""A trace as a file: `read_trace` reads one, `TraceFile` writes one while things happen, `Trace.save` afterwards.

The format is JSON Lines: a JSON object a line, ASCII, in the order in which things happened. ::

    {"time": "2025-06-06T20:20:00.123Z", "at": 12.345, "identity": "CP_1", "mark": ">", "text": "[2,\\"1\\",…]"}

``at`` is the clock of the event loop in seconds; two programs on one machine have the same one, so the files of both
ends fit together. ``identity`` is the charge point, ``mark`` one of ``>`` sent, ``<`` received, ``=`` state, ``!``
trouble, and ``text`` a frame as it was on the wire, or words. ``time`` is for people, in UTC, and may be missing; so
may be whatever else stands there, for it is not read. Keys and passwords are masked, as everywhere in a trace.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from stat import S_ISREG
from typing import Self

import msgspec

from .clock import utc_now
from .trace import Event, Mark, redact

WANTED = '{"at": seconds, "identity": "…", "mark": one of > < = !, "text": "…"}'
A_PIECE = 65_536  # bytes of a file that are looked at in one go


class _Line(msgspec.Struct):
    at: float
    identity: str
    mark: Mark
    text: str


def read_trace(path: str | Path) -> list[Event]:
    """The events of a file, in its order. A last line without its end, as a power cut leaves one, is left out.

    Raises OSError, and ValueError for a file that is none or has a line that is none; it names the line.
    """
    with open(path, "rb") as file:
        return list(_events(file, path))


def _events(lines: Iterable[bytes], path: str | Path) -> Iterator[Event]:
    for number, line in enumerate(lines, 1):
        try:
            read = msgspec.json.decode(line, type=_Line)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            if number > 1 and not line.endswith(b"\n"):
                return
            raise ValueError(
                f"{path}, line {number}: expected {WANTED}, came {_clipped(line)} ({error}); "
                f"{'is this a trace file?' if number == 1 else 'mend or remove that line'}"
            ) from None
        yield Event(read.at, read.identity, read.mark, redact(read.text))


def _clipped(line: bytes) -> str:
    said = ascii(line.decode(errors="replace").rstrip("\n"))
    return said if len(said) <= 60 else f"{said[:59]}…"


class TraceFile:
    """The listener of a `Trace` that writes each event to a file, at its end, as soon as it happens.

    Whatever the disk does, the connection lives: an event that cannot be written is counted in ``missed``, ``alarm`` is
    told once why, and when there is room again the file says how many are missing. Raises OSError if the file cannot be
    opened, and ValueError if something else than a trace is in it.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        alarm: Callable[[str], None] = lambda text: None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.path = path
        self.missed = 0
        self._alarm = alarm
        self._now = now
        self._gap = 0  # events that are missing since the last line
        self._file = open(path, "a+b", buffering=0)  # noqa: SIM115, closed by close()
        try:
            if S_ISREG(os.fstat(self._file.fileno()).st_mode):  # a pipe has nothing to look at
                self._refuse_what_is_no_trace()
                self._cut_unfinished_line()
        except BaseException:
            self._file.close()
            raise

    def tell(self, event: Event) -> None:
        """Write one event; what cannot be written is counted."""
        gap = f"{self._gap} events are missing here: they could not be written"
        before = event._replace(mark="!", text=gap).line(time=self._time()) if self._gap else ""
        if self._write(before + event.line(time=self._time())):
            self._gap = 0
        else:
            self._gap += 1
            self.missed += 1

    def close(self) -> None:
        """Write no more. Again is nothing."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _time(self) -> str:
        return f"{self._now():%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"

    def _write(self, lines: str) -> bool:
        """All of it or nothing: half a line would make the file unreadable."""
        data = lines.encode("ascii")
        written = 0
        try:
            while written < len(data):
                written += self._file.write(data[written:])
        except OSError as error:
            self._take_back(written)
            if not self.missed:
                self._alarm(f"{self.path}: {error.strerror or error}; events are missing in it")
            return False
        return True

    def _take_back(self, written: int) -> None:
        with suppress(OSError):  # what cannot be written may be no file either
            if written:
                self._file.truncate(self._size() - written)

    def _refuse_what_is_no_trace(self) -> None:
        """Nobody's key file grows a night of frames."""
        self._file.seek(0)
        first, newline, _ = self._file.read(A_PIECE).partition(b"\n")
        if newline or not first.startswith(b"{"):  # else it is one long line, or one that a power cut left unfinished
            list(_events([first + b"\n"] if first or newline else [], self.path))

    def _cut_unfinished_line(self) -> None:
        """Take away what a power cut left of the last line."""
        size = end = self._size()
        while end:
            self._file.seek(start := max(0, end - A_PIECE))
            newline = self._file.read(end - start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        if end < size:
            self._file.truncate(end)

    def _size(self) -> int:
        return os.fstat(self._file.fileno()).st_size
