"""`Mischief`: a central system that answers badly, by chance, but not more often than a message survives."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any, Literal

from msgspec.structs import fields

from ..faults import Fault, Faults
from ..frames import Call
from ..messages import ACTIONS, TRANSACTION_ACTIONS
from .book import key_of
from .profile import Profile

HARMLESS = ("delay", "answer twice", "close", "abort", "SecurityError", "lost reply")
"""What consumes no attempt: the message is answered late, twice, or not refused by anybody."""
REPORTED = ("ignore", "ignore, with effect", "CallError", "wrong payload", "wrong id", "garbage", "long delay")
"""What consumes one."""

Mood = Literal["slow", "late", "turned away"]
"""What the weather makes of the central system for a while. *slow*: every answer takes longer than any timeout. *late*:
only those to transaction messages do, and not all. *turned away*: transaction messages get SecurityError."""
SLOW, LATE = (35.0, 200.0), (31.0, 100.0)
"""Seconds that such an answer takes."""
UNANSWERED = ("ignore", "wrong id", "garbage", "delay")
"""Faults that leave a call without an answer, or for long, on a connection that lives on."""

_CODES = (
    "InternalError",
    "GenericError",
    "NotSupported",
    "PropertyConstraintViolation",
    "OccurenceConstraintViolation",
)

Message = tuple[str, str, bytes]
"""Identity, action, and the payload that all copies share."""


class Mischief(Faults):
    """``active`` while there is chaos; poisoned messages fail afterwards too."""

    def __init__(self, rng: Random, profile: Profile) -> None:
        super().__init__()
        self.profile = profile
        self.active = True
        """The scenario clears it when it is to be calm."""
        self.mood: Mood | None = None
        """Set and cleared by the weather."""
        self.spoilt: dict[tuple[str, str], Fault] = {}
        """What went wrong on purpose, by identity and unique id of the call."""
        self._rng = rng
        self._share = rng.uniform(0.0, profile.mischief)  # of the calls whose answer goes wrong, under this seed
        self._failed: Counter[Message] = Counter()  # how often a message consumed an attempt so far
        self._poisoned: dict[Message, str | None] = {}  # what `_poison` decided when a message came first

    def pick(self, action: str | None, identity: str, *, door: bool = False, call: Call | None = None) -> Fault | None:
        """The fault for this call or handshake, drawn by chance; None: all goes well."""
        if door or call is None:
            return super().pick(action, identity, door=door)
        kind = self._choose(identity, call)
        if kind is None:
            return None
        fault = self._fault(kind, call.action)
        self.applied[fault.kind] = self.applied.get(fault.kind, 0) + 1
        self.spoilt[identity, call.unique_id] = fault
        return fault

    def without_end(self, identity: str, unique_id: str) -> bool:
        """Whether this call was left without an answer on purpose, or its answer takes its time."""
        fault = self.spoilt.get((identity, unique_id))
        return fault is not None and fault.kind in UNANSWERED

    def _choose(self, identity: str, call: Call) -> str | None:
        message = (identity, *key_of(call.action, call.payload)) if call.action in TRANSACTION_ACTIONS else None
        if message and (poison := self._poison(message)):
            return poison
        kind = self._wanted(message) if self.active else None
        if message and kind not in (None, *HARMLESS):
            if self._failed[message] >= self.profile.failures:
                return None
            self._failed[message] += 1
        return kind

    def _wanted(self, message: Message | None) -> str | None:
        if self.mood == "slow":
            return "slow"
        if message and self.mood == "turned away":
            return "SecurityError"
        if message and self.mood == "late" and self._rng.random() < 0.5:
            return "late"
        return self._rng.choice(HARMLESS + REPORTED) if self._rng.random() < self._share else None

    def _poison(self, message: Message) -> str | None:
        """How every copy of this message fails, also when it is calm; most are fine."""
        if message not in self._poisoned:
            bad = self.active and self._rng.random() < self.profile.poison
            self._poisoned[message] = self._rng.choice(["ignore", "CallError", "wrong payload"]) if bad else None
        return self._poisoned[message]

    def _fault(self, kind: str, action: str) -> Fault:
        match kind:
            case "CallError":
                return Fault("CallError", options={"code": self._rng.choice(_CODES), "description": "on purpose"})
            case "SecurityError":
                return Fault("CallError", options={"code": "SecurityError", "description": "on purpose"})
            case "delay":
                return Fault("delay", options={"seconds": self._rng.uniform(0.1, 20.0)})
            case "long delay":
                return Fault("delay", options={"seconds": self._rng.uniform(31.0, 50.0)})
            case "slow":
                return Fault("delay", options={"seconds": self._rng.uniform(*SLOW)})
            case "late":
                return Fault("delay", options={"seconds": self._rng.uniform(*LATE)})
            case "ignore, with effect":
                return Fault("ignore", effect=True)
            case "wrong payload":
                effect = self._rng.random() < 0.5
                if payload := _misfit(action):
                    return Fault("wrong payload", effect=effect, options={"payload": payload})
                return Fault("CallError", options={"code": "InternalError", "description": "on purpose"})
            case "answer twice" | "wrong id":
                return Fault(kind, effect=True)
            case "garbage":
                return Fault("garbage", options={"text": '{"no": frame'})
            case "close":
                return Fault("close", options={"code": self._rng.choice([1001, 1011, 3000]), "reason": "on purpose"})
            case "lost reply":  # acted upon, and the connection dies before the answer
                return Fault("abort", effect=True)
            case _:
                return Fault("abort" if kind == "abort" else "ignore")


def _misfit(action: str) -> dict[str, Any]:
    """What cannot be read as the response to this action; {} if all objects can: unknown fields are let pass."""
    known = ACTIONS.get(action)
    return {field.encode_name: ["surprise"] for field in fields(known.response)[:1]} if known else {}
