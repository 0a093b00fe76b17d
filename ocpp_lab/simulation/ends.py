"""`Ends`: which calls of a peer have no end yet. Each has one: its answer, or the end of its connection."""

from __future__ import annotations

from ..frames import Call, CallError, CallResult


class Ends:
    """Of the calls that reached one living session."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[str, float]] = {}  # action, and when it came, by unique id

    def came(self, call: Call, at: float) -> None:
        """A call was read."""
        self._open[call.unique_id] = call.action, at

    def went(self, reply: CallResult | CallError) -> None:
        """An answer left."""
        self._open.pop(reply.unique_id, None)

    def clear(self) -> None:
        """The connection is over, and with it all of them."""
        self._open.clear()

    def older_than(self, at: float) -> dict[str, str]:
        """The actions, by unique id, of those that came before this instant and have no end."""
        return {unique_id: action for unique_id, (action, came) in self._open.items() if came < at}
