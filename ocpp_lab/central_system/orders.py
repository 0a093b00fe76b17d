"""`Orders`: how every order of the operator goes: checked, written down, sent, and its outcome written down."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from ..codec import encode_payload
from ..errors import CallTimeout, Forbidden, OcppError, PayloadError
from ..messages import (
    RegistrationStatus,
    RemoteStartTransactionRequest,
    RemoteStopTransactionRequest,
    Request,
    Response,
)
from .order_end import OrderEnd
from .records import Records

log = logging.getLogger(__name__)

Settle = Callable[[OrderEnd], object]
"""Told how an order ended; once more if its answer comes after its timeout."""


class Reachable(Protocol):
    """What brings a request to a charge point: its session."""

    async def call[R: Response](self, request: Request[R]) -> R:
        """Send it and return its response; raises what `Session.call` raises."""


class Orders:
    """``reach(identity)`` is whoever brings requests there, or raises `NotConnected`; ``known`` is what the newest boot
    of each charge point got."""

    def __init__(
        self,
        reach: Callable[[str], Reachable],
        records: Records,
        known: Mapping[str, RegistrationStatus],
        now: Callable[[], datetime],
    ) -> None:
        self.reach = reach
        self.records = records
        self.known = known
        self.now = now

    async def send[R: Response](
        self, identity: str, request: Request[R], ask: Callable[[], Settle] = lambda: lambda outcome: None
    ) -> R:
        """Send an order and return the answer, also one that refuses.

        ``ask`` writes down what is about to be sent, in a book of its own, and returns who is told of the outcome.
        Raises `Forbidden`, `NotConnected` and `StoreFailed` before anything is sent, and what `Session.call` raises. An
        outcome that cannot be written down is logged, and the answer returned all the same.
        """
        self._check(identity, request)
        way = self.reach(identity)
        number = self.records.orders.ask(identity, request, self.now())
        told: list[Settle] = [lambda outcome: self.records.orders.settle(number, outcome.said)]

        def end(outcome: OrderEnd) -> None:
            for settle in told:
                try:
                    settle(outcome)
                except OcppError as error:  # it was done there, or not; that nobody could write it down changes nothing
                    log.error("! %s: how %s ended could not be kept: %s", identity, request.action, error)

        try:
            told.append(ask())
            response = await way.call(request)
        except BaseException as error:
            end(OrderEnd.of_error(error))
            if isinstance(error, CallTimeout):
                error.on_late_result(lambda late: end(OrderEnd.of(late)))
            raise
        end(OrderEnd.of(response))
        return response

    def _check(self, identity: str, request: Request[Response]) -> None:
        status = self.known.get(identity)
        if status == "Rejected":
            raise Forbidden(f"{request.action}: {identity} was rejected, and gets no call until it boots (core 4.2)")
        remote = isinstance(request, RemoteStartTransactionRequest | RemoteStopTransactionRequest)
        if status == "Pending" and remote:
            raise Forbidden(f"{request.action}: {identity} is Pending, and may not be asked for this (core 4.2)")
        try:
            encode_payload(request)
        except PayloadError as error:
            raise Forbidden(f"{request.action}: {error.description} (the declaration of the payload)") from error
