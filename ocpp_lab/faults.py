"""`Faults`: what a central system does wrong on purpose.

Rules are tried in the order in which they were added; the first that fits is applied, and one with ``times`` is used up
by it. So a script is a list: ignore two boots, refuse one, then behave.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from random import Random
from typing import Any, Literal

from .bounded import Bounded
from .frames import ERROR_CODES, Call

log = logging.getLogger(__name__)

Kind = Literal[
    "ignore", "delay", "CallError", "answer twice", "wrong id", "wrong payload", "garbage", "close", "abort",
    "stop reading", "refuse",
]  # fmt: skip

CLOSE_CODES = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015)})
"""Those below 3000 that may go over the wire."""


MOST_UNDONE = 1000
"""Connections on which one rule has a lasting effect; each is held until it is undone."""


@dataclass
class Fault:
    """One rule. ``action`` or ``identity`` None means any; ``times`` None means until cleared.

    ``effect``: whether the request is acted on although its answer goes wrong (the reply is lost, not the request).
    """

    kind: Kind
    action: str | None = None
    identity: str | None = None
    times: int | None = None
    probability: float = 1.0
    effect: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    hits: int = 0
    undo: dict[str, Callable[[], None]] = field(default_factory=lambda: _undo(), repr=False, compare=False)
    """By identity, what ends its lasting effect on the newest connection; of the newest `MOST_UNDONE`, for a peer may
    invent identities. For one more the oldest effect ends now."""

    def fits(self, action: str | None, identity: str) -> bool:
        """Whether this rule speaks of that action from that charge point, and is not used up."""
        spent = self.times is not None and self.hits >= self.times
        return not spent and self.action in (None, action) and self.identity in (None, identity)

    def end(self) -> None:
        """Undo what it still does."""
        for undo in self.undo.values():
            undo()
        self.undo.clear()

    def __str__(self) -> str:
        left = "" if self.times is None else f" ×{self.times - self.hits}"
        chance = "" if self.probability == 1.0 else f" p={self.probability:g}"
        options = "".join(f" {key}={value}" for key, value in self.options.items())
        return f"{self.kind} {self.action or 'any call'} of {self.identity or 'anybody'}{left}{chance}{options}"


def _undo() -> Bounded[str, Callable[[], None]]:
    return Bounded(MOST_UNDONE, gone=lambda identity, undo: undo())


class Faults:
    """The rules in force. Every method adds one and returns it; ``remove`` or ``clear`` ends it.

    All take ``action`` (None: any), and by keyword ``identity``, ``times``, ``probability`` and ``effect`` as `Fault`
    explains. ``applied`` counts by kind what really happened. Same seed, same choices.
    A probability beyond 0 to 1 is a ValueError.
    """

    def __init__(self, seed: int = 0) -> None:
        self.rules: list[Fault] = []
        self.applied: dict[str, int] = {}
        self._listeners: tuple[Callable[[Fault, str, Call | None], object], ...] = ()
        self._random = Random(seed)

    def ignore(self, action: str | None = None, **rule: Any) -> Fault:
        """Say nothing. With ``effect=True`` the request is acted on, and only its reply is lost."""
        return self._add("ignore", action, rule)

    def delay(self, action: str | None = None, *, seconds: float, **rule: Any) -> Fault:
        """Act and answer, but only after so many seconds."""
        return self._add("delay", action, rule, seconds=seconds)

    def call_error(
        self, action: str | None = None, *, code: str = "InternalError", description: str = "", **rule: Any
    ) -> Fault:
        """Answer with a CallError instead of acting. Raises ValueError for a code that OCPP does not have."""
        if code not in ERROR_CODES:
            raise ValueError(f"expected one of {', '.join(sorted(ERROR_CODES))}, came {code!r}")
        return self._add("CallError", action, rule, code=code, description=description)

    def answer_twice(self, action: str | None = None, **rule: Any) -> Fault:
        """Act once and send the answer two times."""
        return self._add("answer twice", action, {"effect": True, **rule})

    def wrong_id(self, action: str | None = None, **rule: Any) -> Fault:
        """Act, and answer under an id that nobody sent."""
        return self._add("wrong id", action, {"effect": True, **rule})

    def wrong_payload(self, action: str | None = None, *, payload: Any = None, **rule: Any) -> Fault:
        """Act, and answer with a CallResult of the wrong shape. In a reply an unknown field is let pass, so the default
        is wrong only where some field is required; ``payload=["no object"]`` is wrong everywhere."""
        payload = {"surprise": True} if payload is None else payload
        return self._add("wrong payload", action, {"effect": True, **rule}, payload=payload)

    def garbage(self, action: str | None = None, *, text: str = '{"no": frame', **rule: Any) -> Fault:
        """Answer with a text that is no frame."""
        return self._add("garbage", action, rule, text=text)

    def close(self, action: str | None = None, *, code: int = 1001, reason: str = "", **rule: Any) -> Fault:
        """Close the WebSocket instead of answering. For 1006, which is never sent, there is ``abort``.

        Raises ValueError for a code that may not be sent.
        """
        if code not in CLOSE_CODES and not 3000 <= code <= 4999:
            raise ValueError(
                f"expected a close code that may be sent (RFC 6455 7.4), such as 1001 or 3000, came {code}"
            )
        return self._add("close", action, rule, code=code, reason=reason)

    def abort(self, action: str | None = None, **rule: Any) -> Fault:
        """Cut the TCP connection instead of answering."""
        return self._add("abort", action, rule)

    def stop_reading(self, action: str | None = None, *, seconds: float | None = None, **rule: Any) -> Fault:
        """Answer this call and then read no more, for so many seconds or until the rule ends."""
        return self._add("stop reading", action, {"effect": True, **rule}, seconds=seconds)

    def refuse(self, *, status: int = 503, **rule: Any) -> Fault:
        """Refuse the WebSocket handshake with an HTTP status. Raises ValueError for one that refuses nothing."""
        if status not in set(HTTPStatus) or status < 400:
            raise ValueError(f"expected an HTTP status from 400 to 599 that has a name, came {status}")
        return self._add("refuse", None, rule, status=status)

    def remove(self, fault: Fault) -> None:
        """End one rule; fine if it is gone already."""
        fault.end()
        if fault in self.rules:
            self.rules.remove(fault)

    def clear(self) -> None:
        """Behave again, and read again what was not read."""
        for fault in self.rules:
            fault.end()
        self.rules.clear()

    def pick(self, action: str | None, identity: str, *, door: bool = False, call: Call | None = None) -> Fault | None:
        """The rule that applies to this call (or, with ``door``, to this handshake), now used once more.

        ``call`` is for a subclass that wants to know what exactly was asked.
        """
        for rule in self.rules:
            if (
                (rule.kind == "refuse") is door
                and rule.fits(action, identity)
                and self._random.random() < rule.probability
            ):
                rule.hits += 1
                self.applied[rule.kind] = self.applied.get(rule.kind, 0) + 1
                self._tell(rule, identity, call)
                return rule
        return None

    def subscribe(self, listener: Callable[[Fault, str, Call | None], object]) -> Callable[[], None]:
        """Tell ``listener(rule, identity, call)`` whenever a rule is applied. Returns what ends that."""
        self._listeners = (*self._listeners, listener)

        def end() -> None:
            self._listeners = tuple(each for each in self._listeners if each is not listener)

        return end

    def _tell(self, rule: Fault, identity: str, call: Call | None) -> None:
        for listener in self._listeners:
            try:
                listener(rule, identity, call)
            except Exception:  # whoever looks on must not change an answer
                log.exception("! a listener to the faults failed")

    def _add(self, kind: Kind, action: str | None, rule: dict[str, Any], **options: Any) -> Fault:
        fault = Fault(kind, action, **rule, options=options)
        if not 0.0 <= fault.probability <= 1.0:
            raise ValueError(f"expected a probability from 0 to 1, came {fault.probability}")
        self.rules.append(fault)
        return fault

    def __str__(self) -> str:
        return "\n".join(map(str, self.rules)) or "no faults"
