"""What the central system may do to a transaction: remote start and stop (core 5.11, 5.12)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from .. import messages as m
from ..transaction_ids import TransactionIds
from .authorization import Authorizer
from .charging import Charging
from .configuration import Configuration
from .connector import Connector
from .transactions import Transactions


class RemoteStart:
    """Answers first, then does it: ``later(work, what)`` runs once the handler has answered."""

    def __init__(
        self,
        connectors: Mapping[int, Connector],
        transactions: Transactions,
        transaction_ids: TransactionIds,
        configuration: Configuration,
        authorizer: Authorizer,
        charging: Charging,
        *,
        later: Callable[[Coroutine[Any, Any, object], str], None],
    ) -> None:
        self.connectors = connectors
        self.transactions = transactions
        self.transaction_ids = transaction_ids
        self.configuration = configuration
        self.authorizer = authorizer
        self.charging = charging
        self.later = later

    async def on_remote_start(self, request: m.RemoteStartTransactionRequest) -> m.RemoteStartTransactionResponse:
        """Accepted if a connector is ready; the transaction begins after the answer (core 5.11)."""
        wanted = [request.connector_id] if request.connector_id else [number for number in self.connectors if number]
        ready = [number for number in wanted if number in self.connectors and self.connectors[number].ready]
        if not ready:
            return m.RemoteStartTransactionResponse(status="Rejected")
        self.later(self._start(ready[0], request.id_tag), "RemoteStartTransaction")
        return m.RemoteStartTransactionResponse(status="Accepted")

    async def _start(self, connector: int, id_tag: str) -> None:
        ask = self.configuration.enabled("AuthorizeRemoteTxRequests")
        if ask and await self.authorizer.authorize(id_tag) != "Accepted":
            return
        if self.charging.may_start(connector):
            self.charging.start(connector, id_tag)

    async def on_remote_stop(self, request: m.RemoteStopTransactionRequest) -> m.RemoteStopTransactionResponse:
        """Accepted if that transaction runs here (core 5.12)."""
        # Among those that run: a central system that lost its memory gives old ids again.
        ours = (t for t in self.transactions if self.transaction_ids.get(t.name) == request.transaction_id)
        running = next(ours, None)
        if running is None:
            return m.RemoteStopTransactionResponse(status="Rejected")
        self.later(self._stop(running.connector), "RemoteStopTransaction")
        return m.RemoteStopTransactionResponse(status="Accepted")

    async def _stop(self, connector: int) -> None:
        self.charging.stop(connector, "Remote")
