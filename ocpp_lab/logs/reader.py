"""`read`: a text, a file or lines to a `Log`. Frame first, format second."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from .log import Log

Readable = str | Path | Iterable[str] | Iterable[bytes]
"""A text of several lines, a path, or lines. A `str` without a line break that names a file is a path."""


def read(readable: Readable, *, progress: Callable[[int], object] | None = None) -> Log:
    """All of it as one `Log`, in memory. ``progress`` is told of bytes read so far, now and then. Raises OSError. NotImplementedError so far."""
    raise NotImplementedError("not built yet")


def chapters(readable: Readable, *, progress: Callable[[int], object] | None = None) -> Iterator[Log]:
    """The same log in pieces of bounded size that overlap a little: a file of any length in bounded memory.

    Each is a log that begins in the middle of things and ends there, as every log does, so `diagnose` is sound on it;
    `merge` makes one list of the findings of all. A log of ordinary size is one chapter. Raises OSError. NotImplementedError so far.
    """
    raise NotImplementedError("not built yet")
