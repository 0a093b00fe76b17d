"""`Heard`: what came in at a central system, as its trace remembers it; for notebooks and tests."""

from __future__ import annotations

from ..frames import Call
from ..trace import Event, Trace


class Heard:
    """Of whoever has a ``trace``."""

    trace: Trace

    @property
    def received(self) -> list[Event]:
        """The frames that came in, oldest first, as far as the trace's ring reaches."""
        return [event for event in self.trace if event.mark == "<"]

    @property
    def heartbeats(self) -> list[float]:
        """When Heartbeats came, in loop time (s)."""
        return [event.at for event in self.received if (call := _call(event)) and call.action == "Heartbeat"]

    @property
    def last_boot_id(self) -> str | None:
        """The unique id of the newest BootNotification."""
        for event in reversed(self.received):
            if (boot := _call(event)) and boot.action == "BootNotification":
                return boot.unique_id
        return None


def _call(event: Event) -> Call | None:
    return frame if isinstance(frame := event.frame, Call) else None
