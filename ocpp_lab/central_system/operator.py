"""`Operator`: what an operator does to charge points: checked before it is sent, sent, and recorded in the ledger.

An answer that refuses is an answer, and is returned; then the records are as they were. If nobody can know whether it
was done, after a timeout or a loss, the record says unknown, until the answer comes after all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from ..messages import RegistrationStatus
from .core_orders import CoreOrders
from .job_orders import JobOrders
from .list_orders import ListOrders
from .orders import Orders, Reachable
from .policy import Policy
from .profile_orders import ProfileOrders
from .recording import Recording
from .registry import RequiredProfiles
from .reservation_orders import ReservationOrders
from .security_orders import SecurityOrders
from .signing import Signing


class Operator(CoreOrders, ReservationOrders, ListOrders, ProfileOrders, JobOrders, SecurityOrders):
    """All verbs in one place, by profile in their own files. ``reach(identity)`` is the session with a charge point;
    ``known`` is what the newest boot of each got; ``required`` which security profiles it may use."""

    def __init__(
        self,
        reach: Callable[[str], Reachable],
        ledger: Recording,
        policy: Policy,
        known: Mapping[str, RegistrationStatus],
        now: Callable[[], datetime],
        signing: Signing,
        required: RequiredProfiles,
    ) -> None:
        super().__init__(Orders(reach, ledger.records, known, now), ledger, policy, now, signing, required)
