"""`lines_of`: whatever somebody has, as numbered lines of bounded length, and how far they are."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from io import BufferedIOBase, BufferedReader, TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO, cast

Readable = str | Path | Iterable[str] | Iterable[bytes]
"""A text, a path, a binary file that is open, or lines. A `str` without a line break that names a file is its path."""

MOST_IN_A_LINE = 4_000_000
"""Characters. What a line has beyond them is left out, and the line is no frame then, most likely."""
TELL_EVERY = 4_000_000
"""Bytes between two words about the progress."""

Progress = Callable[[int], object]
"""Told of the bytes read so far."""


def lines_of(readable: Readable, progress: Progress | None = None) -> Iterator[str]:
    """The lines without their ends. Bytes that are no UTF-8 are replaced. Raises OSError."""
    match readable:
        case Path():
            return _told(bytes_in(readable), progress)
        case str() if is_path(readable):
            return _told(bytes_in(Path(readable)), progress)
        case BufferedIOBase():  # as standard input is
            return _told(bytes_of(cast(BinaryIO, readable)), progress)
        case str():
            return (_clean(line) for line in readable.split("\n"))
        case _:
            return _told(readable, progress)


def is_path(readable: object) -> bool:
    """Whether it is, or names, a file that there is."""
    if isinstance(readable, Path):
        return True
    if not isinstance(readable, str) or "\n" in readable or not 0 < len(readable) < 1024 or "[" in readable[:2]:
        return False
    try:
        return Path(readable).is_file()
    except (OSError, ValueError):
        return False


def bytes_in(path: Path) -> Iterator[bytes]:
    """The lines of a file with their ends, in UTF-8, unpacked if they were packed. Raises OSError."""
    with open(path, "rb") as file:
        yield from bytes_of(file)


def bytes_of(file: BinaryIO) -> Iterator[bytes]:
    """The same of a file that is open, a pipe too; it stays open, and what was read of it is gone. Raises OSError."""
    peeking = file if isinstance(file, BufferedReader) else BufferedReader(cast(Any, file))
    head = peeking.peek(2)[:2]  # a pipe has no way back
    if head == b"\x1f\x8b":  # as logs that are rotated are kept
        yield from _packed(peeking)
    elif encoding := _wide(head):
        text = TextIOWrapper(peeking, encoding, errors="replace")
        while piece := text.readline(MOST_IN_A_LINE):
            yield piece.encode(errors="replace")
        text.detach()
    else:
        while line := peeking.readline(MOST_IN_A_LINE):
            yield line
    if peeking is not file:
        peeking.detach()  # or it would close the file behind it


def _packed(file: BinaryIO) -> Iterator[bytes]:
    """What gzip packed, as far as it can be unpacked: a file that is cut is a log that ends there."""
    with gzip.open(file) as unpacked:
        try:
            while line := unpacked.readline(MOST_IN_A_LINE):
                yield line
        except (EOFError, zlib.error):
            return


def _wide(head: bytes) -> str | None:
    """The encoding of two bytes a character, if it is one: PowerShell writes so what is piped into a file."""
    if head in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if len(head) == 2 and head.count(0) == 1:  # without a mark at its beginning
        return "utf-16-le" if head[1] == 0 else "utf-16-be"
    return None


def _told(lines: Iterable[str] | Iterable[bytes], progress: Progress | None) -> Iterator[str]:
    done, next_word = 0, TELL_EVERY
    for line in lines:
        done += len(line)
        if progress and done >= next_word:
            next_word = done + TELL_EVERY
            progress(done)
        yield line.decode("utf-8", "replace").rstrip("\r\n") if isinstance(line, bytes) else _clean(line)
    if progress:
        progress(done)


def _clean(line: str) -> str:
    """Half a character is none for whoever prints it."""
    line = line.rstrip("\r\n")[:MOST_IN_A_LINE]
    return line if line.isascii() else line.encode(errors="replace").decode()
