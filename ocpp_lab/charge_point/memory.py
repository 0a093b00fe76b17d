"""`Memory`: everything of a charge point that survives a power cut, in the one `Store`."""

from __future__ import annotations

from math import ceil

from ..outbox import Outbox
from ..store import Store
from ..transaction_ids import TransactionIds
from .authorization import AuthorizationCache
from .configuration import Configuration
from .delivery import TransactionMessages
from .kept_jobs import KeptJobs
from .kept_profiles import KeptProfiles
from .kept_reservations import KeptReservations
from .kept_sessions import KeptSessions
from .local_list import LocalList
from .options import ChargingOptions, Connecting, Pieces
from .phase_rotation import as_wired
from .transaction_data import TransactionData
from .transactions import Transactions


class Memory:
    """Everything that is kept in a store; an ``outbox`` from outside may keep its messages elsewhere.

    ``keys`` are what the configuration says before the central system changed it.
    """

    def __init__(self, store: Store, outbox: TransactionMessages | None = None, **keys: object) -> None:
        self.store = store
        self.outbox: TransactionMessages = Outbox(self.store) if outbox is None else outbox  # an empty one is false
        self.transaction_ids = TransactionIds(self.store)
        self.transactions = Transactions(self.store)
        self.sessions = KeptSessions(self.store)
        self.transaction_data = TransactionData(self.store)
        self.cache = AuthorizationCache(self.store)
        self.local_list = LocalList(self.store)
        self.reservations = KeptReservations(self.store)
        self.profiles = KeptProfiles(self.store)
        self.jobs = KeptJobs(self.store)
        self.configuration = Configuration(self.store, **keys)

    def close(self) -> None:
        """Close the file. An outbox that came from outside stays open: whoever made it closes it."""
        self.store.close()


def open_memory(
    path: Store | str, identity: str, connecting: Connecting, charging: ChargingOptions, pieces: Pieces
) -> Memory:
    """The memory of this charge point, and of no other. Raises `StoreFailed` as `Store.move_in` does."""
    store = Store(path, owner=identity) if isinstance(path, str) else path  # nobody else is in it before it is read
    store.move_in(identity)
    return Memory(
        store,
        pieces.outbox,
        NumberOfConnectors=charging.connectors,
        ConnectorPhaseRotation=as_wired(charging.connectors),
        ConnectorPhaseRotationMaxLength=charging.connectors + 1,
        MessageTimeout=round(connecting.timeout),
        WebSocketPingInterval=ceil(connecting.ping_interval or 0),
    )
