"""`CentralSystemWatch`: tells at once when the central system sent a frame that it should not have sent."""

from __future__ import annotations

from ..central_system import CentralSystem
from ..frames import Call, CallError, CallResult
from ..trace import Event
from .invariants import Invariants
from .misfit import misfit


class CentralSystemWatch:
    """``hear`` every event of its trace; `begin` when a life of it begins."""

    def __init__(self, invariants: Invariants) -> None:
        self.invariants = invariants
        self.strange_replies = 0
        """Replies that do not fit their declaration, over all lives; faults may do that on purpose."""
        self._central_system: CentralSystem | None = None  # the newest life, from `begin`; None before the first
        self._asked: dict[str, dict[str, str]] = {}  # actions of the charge points' calls, by identity and unique id
        self._in_flight: dict[str, str] = {}  # unique id of its own call that awaits an answer, by identity

    def begin(self, central_system: CentralSystem) -> None:
        """A life begins."""
        self._central_system = central_system

    def hear(self, event: Event) -> None:
        """One event of the central system's trace."""
        asked = self._asked.setdefault(event.identity, {})
        match event.mark, event.frame:
            case "<", Call() as call:
                asked[call.unique_id] = call.action
            case ">", Call() as call:
                self._call_left(call, event)
            case ">", CallResult() as result:
                action = asked.get(result.unique_id, "")
                if action and misfit(action, "response", result.payload):
                    self._strange_reply(event)
            case (("<" | "!"), CallResult() | CallError() as reply):
                if self._in_flight.get(event.identity) == reply.unique_id:
                    del self._in_flight[event.identity]
            case "=", _ if event.text == "power cut":
                self._in_flight.clear()
            case "=", _ if event.text.startswith(("connected", "disconnected")):
                self._in_flight.pop(event.identity, None)

    def _call_left(self, call: Call, event: Event) -> None:
        if event.identity in self._in_flight:
            self.invariants.broken("one own call in flight", f"{call.action} left too early", event.identity)
        self._in_flight[event.identity] = call.unique_id
        self.invariants.expect(not misfit(call.action, "request", call.payload), "every frame is valid", event.text)

    def _strange_reply(self, event: Event) -> None:
        self.strange_replies += 1
        applied = self._central_system.faults.applied if self._central_system else {}
        on_purpose = applied.get("wrong payload", 0)
        self.invariants.expect(self.strange_replies <= on_purpose, "every frame is valid", event.text, event.identity)
