"""`OrderEnd`: how an operator's order ended, in one word, and whether the charge point did it."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import msgspec

from ..errors import CallFailed, OcppError

DONE = frozenset({"Accepted", "AcceptedCanceled", "RebootRequired", "Scheduled", "Unlocked"})
"""Statuses of answers that mean yes."""


class OrderEnd(NamedTuple):
    """``said`` is the status of the answer, or the error. ``done``: None means that nobody can know. ``answer`` is the
    response, if one came."""

    said: str
    done: bool | None
    answer: Any = None

    @classmethod
    def of(cls, response: Any) -> Self:
        """Of an answer; one without a status means yes."""
        status = msgspec.structs.asdict(response).get("status")
        return cls(status or "answered", status is None or status in DONE, response)

    @classmethod
    def of_error(cls, error: BaseException) -> Self:
        """Of an order that got no answer, or none that means anything."""
        said = error.code if isinstance(error, CallFailed) else type(error).__name__
        return cls(said, False if isinstance(error, OcppError) and error.definite else None)

    @property
    def state(self) -> str:
        """What becomes of a record of it: ``held``, ``refused``, or ``unknown``."""
        return {True: "held", False: "refused", None: "unknown"}[self.done]
