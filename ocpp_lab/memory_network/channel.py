"""`Channel`: bytes on their way from one end of a connection to the other, and how that ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

ROOM = 262_144
"""Bytes that each of the two ends keeps while nobody reads; about what an operating system gives a connection."""


def _nobody() -> None:
    """Before an end is there."""


class Channel:
    """What two kernels hold between a writer and a reader: at most ``reader_room`` plus ``writer_room`` bytes.

    After `finish` or `reset` nothing is put into it; what was put before comes out first. After `abandon` nobody will
    ever read: whatever is put into it is an error of the writer, who finds ``abandoned`` set.
    """

    def __init__(self) -> None:
        self.reader_room = self.writer_room = ROOM
        self.end: Literal["open", "finished", "reset"] = "open"
        """What the reader will meet behind the last byte."""
        self.abandoned = False
        """The reading end is gone."""
        self.on_news: Callable[[], None] = _nobody
        """Told when there is something to read: bytes, or the end. Set by the reader."""
        self.on_room: Callable[[], None] = _nobody
        """Told when there is more room, or when the reader is gone. Set by the writer."""
        self._bytes = bytearray()  # on their way, oldest first: `put` adds, `take` takes away

    @property
    def waiting(self) -> int:
        """Bytes that nobody has read yet."""
        return len(self._bytes)

    def put(self, data: bytearray) -> None:
        """Take from the front of ``data`` what there is room for."""
        room = self.reader_room + self.writer_room - len(self._bytes)
        if room > 0 and data:
            self._bytes += data[:room]
            del data[:room]
            self.on_news()

    def take(self, most: int) -> bytes:
        """The next bytes, at most so many."""
        taken = bytes(self._bytes[:most])
        del self._bytes[:most]
        self.on_room()
        return taken

    def finish(self) -> None:
        """No more will come: FIN."""
        if self.end == "open":
            self.end = "finished"
            self.on_news()

    def reset(self) -> None:
        """The connection is broken off: RST. What had not left the writer's side is lost."""
        if self.end != "reset":
            self.end = "reset"
            del self._bytes[self.reader_room :]
            self.on_news()

    def abandon(self) -> None:
        """Nobody will read any more."""
        self.abandoned = True
        self.on_room()
