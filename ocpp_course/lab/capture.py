"""`Capture`: what a block prints and displays, in order, kept for a card instead of shown below the cell."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

from IPython import get_ipython
from IPython.core.displaypub import CapturingDisplayPublisher

from ..saving import WIDGET

ALIVE = (
    "expected printed text, tables and pictures inside `with lab.predict(…)`, came a live panel or widget. "
    "A card is folded and keeps no live things: display it in a cell above the card"
)

Shown = str | dict[str, Any]
"""A printed text, or a displayed value by MIME type."""


class Capture:
    """``start()``, then ``stop()``; ``shown`` is what came in between, and ``replay()`` shows it after all.

    What is written to stderr passes: a warning or a traceback is never folded away.
    """

    def __init__(self) -> None:
        self.shown: list[Shown] = []
        self._shell: Any = get_ipython()
        self._stdout = sys.stdout
        self._publisher: Any = None

    def start(self) -> None:
        self._stdout, sys.stdout = sys.stdout, _Text(self._print)
        if self._shell:
            self._publisher = self._shell.display_pub
            self._shell.display_pub = _Displays(self._display, self._publisher)

    def stop(self) -> None:
        sys.stdout = self._stdout
        if self._shell:
            self._shell.display_pub = self._publisher

    def replay(self) -> None:
        """Print and display everything as if nothing had been captured. Only after `stop`."""
        for each in self.shown:
            if isinstance(each, str):
                print(each, end="")
            else:
                self._publisher.publish(each, {})

    def _print(self, text: str) -> None:
        if self.shown and isinstance(self.shown[-1], str):
            text = self.shown.pop() + text  # type: ignore[operator]  # the line above says that it is a text
        self.shown.append(text)

    def _display(self, data: dict[str, Any]) -> None:
        if WIDGET in data:
            raise ValueError(ALIVE)
        self.shown.append(data)


class _Text(io.TextIOBase):
    """A stdout that hands over each text."""

    def __init__(self, take: Callable[[str], None]) -> None:
        self._take = take

    def write(self, text: str) -> int:
        if text:
            self._take(text)
        return len(text)

    def writable(self) -> bool:
        return True


class _Displays(CapturingDisplayPublisher):
    """A display publisher that hands over each value; what updates an older output goes on to that output."""

    def __init__(self, take: Callable[[dict[str, Any]], None], real: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._take, self._real = take, real

    def publish(
        self, data: Any, metadata: Any = None, source: Any = None, *, update: bool = False, **options: Any
    ) -> None:
        if update:
            self._real.publish(data, metadata or {}, update=True, **options)
        else:
            self._take(data)
