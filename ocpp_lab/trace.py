"""`Trace`: what passed, when, in a bounded ring; the same story goes to the log.

Marks: ``>`` sent, ``<`` received, ``=`` state, ``!`` trouble. Times are the event loop's, in seconds. A synthesised
CallError ("Timeout", "ConnectionClosed") is noted as ``!`` with its frame, so that plots and ladders can be drawn from
the trace alone. No AuthorizationKey gets in (whitepaper A01.FR.09, A01.FR.12), and no password in a URL or in a
vendor's key of that name. `trace_file` says what a trace is as a file.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from .credentials import AUTHORIZATION_KEY
from .errors import FrameError
from .frames import Frame, decode

log = logging.getLogger("ocpp_lab")

Mark = Literal[">", "<", "=", "!"]

A_LESSON = 4_000_000
"""Bytes that a trace takes unless told otherwise: some 10,000 frames, what a notebook draws its figures from."""
ONE_OF_MANY = 500_000
"""The same of a charge point that nobody gave a trace, some 2,000 frames: a fleet has a thousand of them."""
EVERYTHING = 10**12
"""For who needs the whole story: a simulation, whose invariants read it to the end."""

_AN_EVENT = (
    160  # bytes of an event without what its text says: a tuple, a float, the head of a str, a place in the ring
)

_SECRETS = (
    AUTHORIZATION_KEY.lower(),  # keys of a configuration are compared without regard to case (core 7.17)
    "password",  # in what vendors call theirs: WifiPassword
)
_IN_A_URL = re.compile(r'(:\\?/\\?/[^/@\s":\\]*:)[^/@\s"]+(?=@)')  # where firmware comes from, where diagnostics go
_VALUE = re.compile(r'("value"\s*:\s*)("(?:[^"\\]|\\.)*"?|[^,}\s]+)')


class Event(NamedTuple):
    """One line of the story. ``at`` is loop time in seconds; ``identity`` the charge point at the other end or
    at this one."""

    at: float
    identity: str
    mark: str
    text: str

    @property
    def frame(self) -> Frame | None:
        """The text as a frame, or None if it is none."""
        try:
            return decode(self.text)
        except FrameError:
            return None

    def line(self, **more: str) -> str:
        """The event as a line of a trace file, with ``more`` in front: one JSON object, in ASCII, and its newline."""
        text = self.text.encode(errors="replace").decode()  # half a character is none for whoever reads the file
        return json.dumps(more | self._asdict() | {"text": text}) + "\n"

    def __str__(self) -> str:
        return f"{self.at:10.3f} {self.mark} {self.identity} {self.text}"


class Trace:
    """The newest ``limit`` events, fewer if they take more than ``max_bytes`` of memory, but always the newest one.

    A peer chooses how long its texts are, so they count: an event takes 160 bytes and its text, a character of it one
    byte, or four if there is one in it that is not ASCII. 4 MB are some 10,000 frames; a charge point that nobody gives
    a trace has one of 500 kB. ``listener`` is told of each event at once (live output, tests), and so is whoever did
    `subscribe`: the ring forgets, they need not.
    """

    def __init__(
        self,
        limit: int = 10_000,
        listener: Callable[[Event], None] | None = None,
        *,
        max_bytes: int = A_LESSON,
    ) -> None:
        self.events: deque[Event] = deque(maxlen=limit)
        self.listener = listener
        self.max_bytes = max_bytes
        self.listener_failures = 0
        """How often a listener raised; the log has each."""
        self._listeners: tuple[Callable[[Event], None], ...] = ()  # those of `subscribe`
        self._bytes = 0  # that the events take
        self._time = asyncio.get_running_loop().time

    def note(self, identity: str, mark: str, text: str) -> None:
        """Add a line to the story."""
        if _suspicious(text):
            text = redact(text)
        event = Event(self._time(), identity, mark, text)
        self._keep(event)
        level = logging.INFO if mark == "=" else logging.DEBUG
        if log.isEnabledFor(level):
            log.log(level, "%s %s %s", mark, identity, text)
        if self.listener or self._listeners:
            self._tell(event)

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Tell ``listener`` too of each event from now on. Returns what ends that; calling it twice is fine."""
        self._listeners = (*self._listeners, listener)

        def end() -> None:
            self._listeners = tuple(each for each in self._listeners if each is not listener)

        return end

    def _tell(self, event: Event) -> None:
        for listener in (self.listener, *self._listeners):
            try:
                if listener:
                    listener(event)
            except Exception:  # whoever listens must not end a connection
                self.listener_failures += 1
                log.exception("! a listener of the trace failed")

    def save(self, path: str | Path) -> None:
        """Write what is in the ring to a file, which `trace_file.read_trace` reads. Raises OSError."""
        Path(path).write_text("".join(event.line() for event in self), encoding="ascii")

    def _keep(self, event: Event) -> None:
        """A ring of so many texts alone would hold gigabytes if a peer sends large ones."""
        events = self.events
        if not events:  # also after somebody cleared them
            self._bytes = 0
        elif len(events) == events.maxlen:
            self._bytes -= _size(events[0].text)
        events.append(event)
        self._bytes += _size(event.text)
        while self._bytes > self.max_bytes and len(events) > 1:
            self._bytes -= _size(events.popleft().text)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)


def _size(text: str) -> int:
    """Bytes of an event with this text, or somewhat less than that; asked twice, it says the same."""
    return _AN_EVENT + (len(text) if text.isascii() else 4 * len(text))


def redact(text: str) -> str:
    """The text without the value of an AuthorizationKey and without passwords. Of a text that is not JSON, every value
    beside such a name goes."""
    try:
        shown = _hide(told := msgspec.json.decode(text))
        return text if shown == told else msgspec.json.encode(shown).decode()
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        text = _VALUE.sub(r'\1"***"', text) if _names_a_secret(text) or "\\u" in text else text
        return _IN_A_URL.sub(r"\1***", text)


def _suspicious(text: str) -> bool:
    """Whether it is worth a closer look: an escape may hide a name."""
    return "\\u" in text or ('"key"' in text and _names_a_secret(text)) or ("@" in text and "/" in text)


def _names_a_secret(text: str) -> bool:
    text = text.lower()
    return any(secret in text for secret in _SECRETS)


def _hide(node: Any) -> Any:
    if isinstance(node, list):
        return [_hide(item) for item in node]
    if isinstance(node, str):
        return _IN_A_URL.sub(r"\1***", node)
    if not isinstance(node, dict):
        return node
    if _names_a_secret(str(node.get("key"))) and "value" in node:
        node = node | {"value": "***"}
    return {key: _hide(value) for key, value in node.items()}
