"""`fit`: a piece of the exercises, made whole for the stack.

::

    ChargePoint(url, "CP_1", **fit(session=Session, pending=Pending))
    CentralSystem(**fit(ledger=Ledger("ledger.db")))

An exercise asks for less than the stack needs. What is missing is added by an adapter, one for each kind of piece: it
looks at what passes through the piece, and never at a name that no step speaks of. The docstring of each says what it
adds, and what cannot be known. ``piece`` is what it was given.
"""

from __future__ import annotations

from typing import Any

from ocpp_lab.central_system import Ledger
from ocpp_lab.heartbeat import Heartbeat
from ocpp_lab.outbox import Outbox
from ocpp_lab.pending import Pending
from ocpp_lab.session import Session
from ocpp_lab.states import Machine
from ocpp_lab.transport import Transport

from .heartbeat import FittedHeartbeat
from .ledger import FittedLedger
from .machine import FittedMachine
from .outbox import FittedOutbox
from .pending import FittedPending
from .pipe import SeenPipe
from .session import FittedSession
from .transport import FittedTransport

__all__ = [
    "fit",
    "FittedTransport",
    "FittedPending",
    "FittedSession",
    "FittedOutbox",
    "FittedLedger",
    "FittedHeartbeat",
    "FittedMachine",
    "SeenPipe",
]

MAKERS: dict[str, tuple[type, Any]] = {
    "transport": (Transport, FittedTransport),
    "session": (Session, FittedSession),
    "pending": (Pending, FittedPending),
    "heartbeat": (Heartbeat, FittedHeartbeat),
    "machine": (Machine, FittedMachine),
}
"""What goes in as a class, or as a function that makes one: the package's own, and the adapter."""
OBJECTS: dict[str, tuple[type, Any]] = {"outbox": (Outbox, FittedOutbox), "ledger": (Ledger, FittedLedger)}
"""What goes in as an object; a class or a function is good too where something that makes one is wanted."""


def fit(**pieces: Any) -> dict[str, Any]:
    """Your pieces as arguments for a `ChargePoint` or a `CentralSystem`: ``**fit(outbox=outbox, machine=Machine)``.

    A router and ``delays`` need no fitting. A piece of the package's own stays as it is. Raises TypeError for a name
    that is no piece.
    """
    kinds = MAKERS | OBJECTS
    if strange := pieces.keys() - kinds.keys():
        raise TypeError(f"expected pieces called {', '.join(kinds)}, came {', '.join(sorted(strange))}")
    return {name: _fitted(name, piece) for name, piece in pieces.items()}


def _fitted(name: str, piece: Any) -> Any:
    whole, adapter = (MAKERS | OBJECTS)[name]
    if isinstance(piece, type) and issubclass(piece, whole):
        return piece
    if name in OBJECTS and not callable(piece):
        return piece if isinstance(piece, whole | adapter) else adapter(piece)

    def make(*args: Any, **options: Any) -> Any:
        return _fitted(name, piece(*args, **options)) if name in OBJECTS else adapter(piece, *args, **options)

    make.__wrapped__ = piece  # type: ignore[attr-defined]  # whoever judges it finds the learner's
    return make
