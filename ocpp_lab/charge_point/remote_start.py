"""What the central system may do to a transaction: remote start and stop (core 5.11, 5.12)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from .. import messages as m
from ..station.connector import Connector
from ..transaction_ids import TransactionIds
from .authorization import Authorizer
from .charging import Charging
from .configuration import Configuration
from .or_else import or_else
from .transactions import Transactions


class RemoteStart:
    """Writes first, then answers; what was written is sent after the answer. Rejected if it cannot be written.

    ``once(what, work)`` does something once the handler has answered, or says False: the same is still to be begun.
    ``has_room()`` says whether the outbox takes what nobody here has done: a central system that answers no transaction
    message could have any number of them written down.
    """

    def __init__(
        self,
        connectors: Mapping[int, Connector],
        transactions: Transactions,
        transaction_ids: TransactionIds,
        configuration: Configuration,
        authorizer: Authorizer,
        charging: Charging,
        *,
        once: Callable[[str, Callable[[], Coroutine[Any, Any, object]]], bool],
        has_room: Callable[[], bool],
    ) -> None:
        self.connectors = connectors
        self.transactions = transactions
        self.transaction_ids = transaction_ids
        self.configuration = configuration
        self.authorizer = authorizer
        self.charging = charging
        self.once = once
        self.has_room = has_room

    @or_else(m.RemoteStartTransactionResponse(status="Rejected"))
    async def on_remote_start(self, request: m.RemoteStartTransactionRequest) -> m.RemoteStartTransactionResponse:
        """Accepted if a connector is ready and the start is written down: accepted means that it will try (core 5.11).

        With AuthorizeRemoteTxRequests the tag has to be asked for first, and nobody knows yet what comes of it. While
        another one waits to be asked for at that connector: Rejected.
        """
        wanted = [request.connector_id] if request.connector_id else [number for number in self.connectors if number]
        ready = [number for number in wanted if self._is_ready(number)]
        if not ready or not self.has_room():
            return m.RemoteStartTransactionResponse(status="Rejected")
        if self.configuration.enabled("AuthorizeRemoteTxRequests"):
            ask = partial(self._ask_and_start, ready[0], request.id_tag)
            asks = self.once(f"RemoteStartTransaction {ready[0]}", ask)
            return m.RemoteStartTransactionResponse(status="Accepted" if asks else "Rejected")
        self.charging.start(ready[0], request.id_tag)
        return m.RemoteStartTransactionResponse(status="Accepted")

    def _is_ready(self, connector: int) -> bool:
        place = self.connectors.get(connector)
        return place is not None and place.ready and self.charging.may_start(connector)

    async def _ask_and_start(self, connector: int, id_tag: str) -> None:
        """If the start cannot be written, the connector stays as it is, and whoever runs this hears of it."""
        if await self.authorizer.authorize(id_tag) == "Accepted" and self.charging.may_start(connector):
            self.charging.start(connector, id_tag)

    @or_else(m.RemoteStopTransactionResponse(status="Rejected"))
    async def on_remote_stop(self, request: m.RemoteStopTransactionRequest) -> m.RemoteStopTransactionResponse:
        """Accepted if that transaction runs here and its stop is written down (core 5.12)."""
        # Among those that run: a central system that lost its memory gives old ids again.
        ours = (t for t in self.transactions if self.transaction_ids.get(t.name) == request.transaction_id)
        running = next(ours, None)
        if running is None:
            return m.RemoteStopTransactionResponse(status="Rejected")
        self.charging.stop(running.connector, "Remote")
        return m.RemoteStopTransactionResponse(status="Accepted")
