"""`Screen`: lines to a terminal, a pipe or a file, none of which ever holds up the loop.

A terminal whose reader pressed Ctrl-S, or a pipe into `less`, takes nothing for as long as it likes, and a plain write
to it would wait. So we write without waiting, keep what was not taken up to a limit, and count what came beyond it.

Whether a write waits is a property of the open file, which the shell and every other program on that terminal share.
So the file is opened once more, for us alone; only where that cannot be done is the shared one changed, and put back.
"""

from __future__ import annotations

import asyncio
import io
import os
import select
import stat
from collections.abc import Callable
from functools import partial
from typing import TextIO

MAX_WAITING = 262_144  # bytes; some 2,000 lines
LAST_LINES = 0.3  # seconds at the end for what still waits


class Screen:
    """Writes to ``out``; ``missed(count)`` is the line that stands where so many were dropped, ``on_closed`` is told
    once that nobody reads any more.

    Anything that is no terminal, pipe or socket is written to at once: a file, or what a test has put there.
    """

    def __init__(self, out: TextIO, missed: Callable[[int], str], on_closed: Callable[[], None]) -> None:
        self.out = out
        self.missed = missed
        self.dropped = 0
        """Lines that nobody will see."""
        self._on_closed = on_closed
        self._closed = False  # nobody reads any more (`_over`), or `close` was called
        self._waiting = bytearray()  # what nobody has taken yet, in the order of the lines
        self._unsaid = 0  # dropped since the last `missed`
        self._watching = False  # the loop tells us when there is room
        self._give_back: Callable[[], None] = lambda: None  # undoes what `_take` did to the descriptor
        self._fd = self._take()

    def _take(self) -> int | None:
        """A descriptor that never waits, or None if there is no need of one, or no loop to use it with."""
        try:
            self._loop = asyncio.get_running_loop()
            fd = self.out.fileno()
            self.out.flush()
            kind = os.fstat(fd).st_mode
        except (RuntimeError, OSError, io.UnsupportedOperation):  # a StringIO has no descriptor
            return None
        if os.name != "posix" or not (os.isatty(fd) or stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)):
            return None
        own, self._give_back = never_waiting(fd)
        return own

    def write(self, line: str) -> None:
        """Show a line, now or as soon as there is room. Never waits, never raises."""
        if self._closed:
            return
        if self._fd is None:
            self._write_through(line)
        elif self._unsaid or len(self._waiting) > MAX_WAITING:
            self.dropped += 1
            self._unsaid += 1
        else:
            self._waiting += self._encoded(line)
            if not self._watching:
                self._push(self._fd)

    def _write_through(self, line: str) -> None:
        try:
            self.out.write(line)
            self.out.flush()
        except OSError:  # the disk is full
            self._over()

    def _encoded(self, line: str) -> bytes:
        return line.encode(self.out.encoding or "utf-8", "backslashreplace")

    def _push(self, fd: int) -> None:
        """Hand over what is taken without waiting; the loop calls again when more is."""
        try:
            while self._waiting:
                del self._waiting[: os.write(fd, self._waiting)]
                if self._unsaid and len(self._waiting) < MAX_WAITING // 2:
                    self._waiting += self._encoded(self.missed(self._unsaid))
                    self._unsaid = 0
        except BlockingIOError:
            pass
        except OSError:  # `| head` has seen enough
            self._over()
        self._watch(fd, bool(self._waiting))

    def _watch(self, fd: int, wanted: bool) -> None:
        if wanted and not self._watching:
            self._loop.add_writer(fd, self._push, fd)
        elif self._watching and not wanted:
            self._loop.remove_writer(fd)
        self._watching = wanted

    def _over(self) -> None:
        self._closed = True
        self._waiting.clear()
        self._on_closed()

    def close(self) -> None:
        """Write no more. What still waits is shown if it is taken within `LAST_LINES` seconds."""
        if (fd := self._fd) is not None:
            room = select.poll()
            room.register(fd, select.POLLOUT)
            deadline = self._loop.time() + LAST_LINES
            while self._waiting and (left := deadline - self._loop.time()) > 0 and room.poll(left * 1000):
                self._push(fd)
            self._watch(fd, False)
            self._give_back()
        self._fd, self._closed = None, True


def never_waiting(fd: int) -> tuple[int, Callable[[], None]]:
    """A descriptor for the same terminal or pipe whose writes do not wait, and how to give it back."""
    for path in (f"/proc/self/fd/{fd}", os.ttyname(fd) if os.isatty(fd) else ""):
        try:
            own = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError:  # a socket; no /proc here; a terminal that is not in this container
            continue
        return own, partial(os.close, own)
    was = os.get_blocking(fd)
    os.set_blocking(fd, False)
    return fd, partial(os.set_blocking, fd, was)
