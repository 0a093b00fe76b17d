"""`Tally`: what sessions count, as plain numbers that outlive every one of them.

Every call that starts has exactly one counted end, so the accounts balance: started = result + error + timeout + lost +
cancelled + the one in flight. A difference is a bug. Nobody formats or locks anything here; `metrics` reads it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Protocol

from .errors import CallFailed, CallTimeout, ConnectionLost, MalformedReply, NotConnected
from .frames import ERROR_CODES, Call, CallError, CallResult

KINDS: dict[type, str] = {Call: "call", CallResult: "result", CallError: "error"}
"""How frames are called in `Tally.frames`."""

OUTCOMES = ("result", "error", "timeout", "lost", "cancelled")

_STRAYS = ("late", "repeated", "orphan", "malformed")


class Probes(Protocol):
    """What is counted of a transport: texts, and their bytes as UTF-8."""

    @property
    def bytes_sent(self) -> int:
        """Of the texts that the connection has taken."""

    @property
    def bytes_received(self) -> int: ...

    @property
    def queue_depth(self) -> int:
        """Texts that wait for the writer now."""

    @property
    def max_queue_depth(self) -> int: ...

    @property
    def writes_in_flight(self) -> int:
        """Texts that the connection is being given now and has not taken yet."""

    @property
    def max_writes_in_flight(self) -> int: ...


class Fates(Protocol):
    """What is counted of pending calls: how many there are; by name, how calls ended and which replies fitted none."""

    counts: Counter[str]
    notes: Counter[str]
    """What was let pass in replies."""

    def __len__(self) -> int: ...


class Counted(Protocol):
    """What a tally sees of a session; ``counts`` holds what came in that was no good, and what was answered."""

    counts: Counter[str]

    @property
    def transport(self) -> Probes: ...

    @property
    def pending(self) -> Fates: ...


class Tally:
    """The numbers of all sessions of one charge point, or of one central system.

    ``started`` by action, ``ended`` by action and outcome, ``frames`` by direction and type, ``errors`` by the code of
    the CallErrors that came in; a code that the specification does not know is "other". ``observe(outcome, seconds)``
    is told of every call that ends.
    """

    def __init__(self, observe: Callable[[str, float], None] | None = None) -> None:
        self.started: Counter[str] = Counter()
        self.ended: Counter[tuple[str, str]] = Counter()
        self.frames: Counter[tuple[str, str]] = Counter()
        self.errors: Counter[str] = Counter()
        self.observe = observe
        self.sessions: dict[Counted, None] = {}
        """The ones that live."""
        self._past: Counter[str] = Counter()  # the numbers of the sessions that are over, and their peaks;
        self._peaks: Counter[str] = Counter()  # `closed` adds them

    def call(self, action: str) -> Counting:
        """``with tally.call(action):`` counts a start and exactly one end."""
        return Counting(self, action)

    def opened(self, session: Counted) -> None:
        """A session lives: it is counted from now on."""
        self.sessions[session] = None

    def closed(self, session: Counted) -> None:
        """Keep the numbers of a session that is over."""
        if session in self.sessions:
            del self.sessions[session]
            self._past.update(_numbers(session))
            self._peaks |= _peaks(session)

    def totals(self) -> Counter[str]:
        """Bytes, strays and what was wrong with what came in, of all sessions, past and present."""
        totals = Counter(self._past)
        for session in self.sessions:
            totals.update(_numbers(session))
        return totals

    def peaks(self) -> Counter[str]:
        """The highest queue depth and the most writes in flight that any session has seen."""
        peaks = Counter(self._peaks)
        for session in self.sessions:
            peaks |= _peaks(session)
        return peaks

    def pending(self) -> int:
        """Calls that await their answers now."""
        return sum(len(session.pending) for session in self.sessions)

    def imbalance(self) -> dict[str, int]:
        """By action: starts without an end (positive) or ends without a start (negative); {} while all is well.

        What is in flight has started and not ended; look while nothing is, or expect it here.
        """
        balance = Counter(self.started)
        for (action, _), count in self.ended.items():
            balance[action] -= count
        return {action: count for action, count in balance.items() if count}


class Counting:
    """One call, from its start to its end."""

    __slots__ = ("action", "begun", "tally", "time")

    def __init__(self, tally: Tally, action: str) -> None:
        self.tally = tally
        self.action = action
        self.time = asyncio.get_running_loop().time
        self.begun = 0.0  # loop time (s), once it is in the block

    def __enter__(self) -> None:
        self.tally.started[self.action] += 1
        self.begun = self.time()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        outcome = outcome_of(error)
        self.tally.ended[self.action, outcome] += 1
        if isinstance(error, CallFailed):
            self.tally.errors[error.code if error.code in ERROR_CODES else "other"] += 1
        if self.tally.observe:
            self.tally.observe(outcome, self.time() - self.begun)


def outcome_of(error: BaseException | None) -> str:
    """How a call ended, as one of `OUTCOMES`. A reply that cannot be read is an error: the peer did answer."""
    match error:
        case None:
            return "result"
        case CallFailed() | MalformedReply():
            return "error"
        case CallTimeout():
            return "timeout"
        case ConnectionLost() | NotConnected():
            return "lost"
        case _:
            return "cancelled"


def _numbers(session: Counted) -> dict[str, int]:
    transport, fates, notes = session.transport, session.pending.counts, session.pending.notes
    strays = {fate: fates[fate] for fate in _STRAYS}
    passed = {f"forgiven {what}": count for what, count in notes.items()}
    return {
        "bytes out": transport.bytes_sent,
        "bytes in": transport.bytes_received,
        **strays,
        **passed,
        **session.counts,
    }


def _peaks(session: Counted) -> Counter[str]:
    transport = session.transport
    return Counter({"queue depth": transport.max_queue_depth, "writes in flight": transport.max_writes_in_flight})
