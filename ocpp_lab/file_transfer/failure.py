"""`TransferFailed`: why a file did not go, or come, and whether it is worth another attempt."""

from __future__ import annotations

from typing import Literal

TransferFailure = Literal["not supported", "forbidden", "unreachable", "unreadable", "too large", "failed"]
"""No way that we know leads there; we may not, or the server says so; nobody answers; what came is no HTTP; it is
larger than we take; the server said no."""


class TransferFailed(Exception):
    """A file could not be fetched or sent. ``why`` says in words what was expected and what came."""

    def __init__(self, failure: TransferFailure, why: str) -> None:
        super().__init__(why)
        self.failure: TransferFailure = failure

    @property
    def is_final(self) -> bool:
        """Whether the next attempt would fail for the same reason."""
        return self.failure in ("not supported", "forbidden", "too large")
