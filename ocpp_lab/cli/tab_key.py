"""`TabKey`: a terminal that hands over what was typed at a Tab, too, and otherwise is as before.

The terminal goes on editing the line by itself: nothing is switched off that the shell, or another program on it, would
miss. What was handed over cannot be taken back by Backspace, only with the whole line, by Enter.
"""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from typing import Any

termios: Any = None
"""Python's module of that name; None on Windows and in a browser tab, where Tab is a character like others."""
with suppress(ImportError):
    termios = import_module("termios")

TAB = b"\t"


class TabKey:
    """Of the terminal behind ``fd``. Only for a program in its foreground: others are stopped for such a change."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._before: bytes | None = None  # what ended a line beside Enter, from `begin` to `end`

    def begin(self) -> bool:
        """From now on Tab ends what is read; False if this is no terminal."""
        return self._set(TAB)

    def end(self) -> None:
        """As it was."""
        if self._before is not None:
            self._set(self._before)
            self._before = None

    def _set(self, ending: bytes) -> bool:
        if termios is None:
            return False
        try:
            attributes: list[Any] = termios.tcgetattr(self.fd)
            before, attributes[6][termios.VEOL] = attributes[6][termios.VEOL], ending
            termios.tcsetattr(self.fd, termios.TCSANOW, attributes)
        except termios.error:
            return False
        if self._before is None:
            self._before = before
        return True
