"""`TypedLines`: what a person types while the loop runs. No thread: the loop watches stdin, a terminal or a pipe."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable

from .tab_key import TAB, TabKey

LONGEST_TYPED = 65_536  # bytes of one line


class TypedLines:
    """``told(line)`` gets each line that is typed into ``fd``, without its ends; ``alarm(text)`` what went wrong.

    A file, or nothing at all, is not listened to. In a terminal ``tab(line)`` is asked at a Tab: what was typed so far,
    and what it is from now on; elsewhere, and without it, a Tab is a space.
    """

    def __init__(
        self,
        told: Callable[[str], None],
        alarm: Callable[[str], None],
        fd: int = 0,
        *,
        tab: Callable[[str], str] | None = None,
    ) -> None:
        self.told = told
        self.alarm = alarm
        self.fd = fd
        self.tab = tab
        self._tab_key = TabKey(fd)
        self._completes = False  # Tab hands over what was typed: from `open` to `close`, in a terminal
        self._open = False  # the loop tells us when something was typed: from `open` to `close`
        self._rest = b""  # the beginning of a line whose end was not typed yet

    def open(self) -> bool:
        """Begin to listen; False if there is nothing that can be listened to."""
        try:
            kind = os.fstat(self.fd).st_mode
            if os.isatty(self.fd) or stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind):
                asyncio.get_running_loop().add_reader(self.fd, self._readable)
                self._open = True
                asked = self.tab is not None and os.isatty(self.fd) and not self._in_background()
                self._completes = asked and self._tab_key.begin()
        except (OSError, NotImplementedError):  # stdin is closed; Windows cannot watch it
            pass
        return self._open

    def close(self) -> None:
        """Listen no more."""
        if self._open:
            self._open = False
            asyncio.get_running_loop().remove_reader(self.fd)
            if self._completes and not self._in_background():
                self._tab_key.end()

    def _readable(self) -> None:
        if self._in_background():
            # The terminal belongs to another program now, and reading from it would stop this one. Look again later.
            loop = asyncio.get_running_loop()
            self.close()
            loop.call_later(1.0, self.open)
            return
        data = os.read(self.fd, LONGEST_TYPED)
        *lines, self._rest = (self._rest + data).split(b"\n")
        if not data:  # the end: a last line may lack its newline
            self.close()
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            if text := line.decode(errors="replace").replace("\t", " ").strip():
                self.told(text)
        if self.tab and self._completes and self._rest.endswith(TAB):
            self._rest = self.tab(self._rest.rstrip(TAB).decode(errors="replace")).encode()
        if len(self._rest) > LONGEST_TYPED:
            self._rest = b""
            self.alarm(f"a typed line is longer than {LONGEST_TYPED} bytes and was dropped")

    def _in_background(self) -> bool:
        return os.isatty(self.fd) and os.tcgetpgrp(self.fd) != os.getpgrp()
