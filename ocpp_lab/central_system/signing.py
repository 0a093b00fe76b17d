"""`Signing`: SignCertificate is answered, and the certificate follows (whitepaper A02, A03).

The authority is the operator's, and may be far away: here it is only asked (A02.FR.04). What it is asked to sign was
looked at before: that the name in the request is that of the charge point who sent it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from .. import messages as m
from .. import security
from ..errors import CallTimeout, OcppError
from ..session import Session, current_session
from .order_end import OrderEnd
from .recording import Recording
from .registry import UNREGISTERED, Registered

log = logging.getLogger(__name__)


class Signs(Protocol):
    """A certificate authority, as we need one: `security.Authority`."""

    def sign(self, request: str, /) -> str:
        """The chain (PEM) for a certificate signing request (PEM). Raises ValueError for one that it does not sign."""


class Signing:
    """``authority`` None signs nothing: every request is Rejected (A02.FR.12)."""

    def __init__(
        self,
        registry: Mapping[str, Registered],
        ledger: Recording,
        now: Callable[[], datetime],
        authority: Signs | None = None,
    ) -> None:
        self.authority = authority
        self._registry = registry
        self._ledger = ledger
        self._now = now
        self._under_way: dict[str, Session] = {}
        """By identity, the session on which a certificate is made or on its way: one at a time, whatever a charge point
        asks for meanwhile; `_sign` takes it out, or the next session takes its place."""

    async def on_sign_certificate(self, request: m.SignCertificateRequest) -> m.SignCertificateResponse:
        """Accepted if it can be signed (A02.FR.11); then CertificateSigned follows."""
        session = current_session()
        why = "another one is under way" if self._under_way.get(session.identity) is session else None
        why = why or self._trouble(session.identity, request.csr)
        if why:
            log.warning("! %s: its certificate is not signed: %s", session.identity, why)
            return m.SignCertificateResponse(status="Rejected")
        self._under_way[session.identity] = session
        session.spawn(self._sign(session, request.csr), "CertificateSigned")
        return m.SignCertificateResponse(status="Accepted")

    def make(self, identity: str, request: str) -> str:
        """The chain (PEM) for a request (PEM) of this charge point. Raises ValueError with what is wrong with it."""
        if why := self._trouble(identity, request):
            raise ValueError(why)
        assert self.authority is not None
        return self.authority.sign(request)

    def _trouble(self, identity: str, request: str) -> str | None:
        known = self._registry.get(identity, UNREGISTERED)
        if self.authority is None:
            return "there is no authority"
        if not known.serial or not known.owner:
            return "nobody has registered its serial number and owner"
        why = security.request_trouble(request, serial=known.serial, owner=known.owner)
        return why and f"{why}: expected a request (PEM) with CN {known.serial} and O {known.owner}"

    async def _sign(self, session: Session, request: str) -> None:
        """The charge point never hears of what goes wrong here: the operator has to (A02, error handling)."""
        try:
            await self.send(session, request)
        except (OcppError, ValueError) as error:
            log.warning("! %s: its certificate was not delivered: %s", session.identity, error)
        finally:
            if self._under_way.get(session.identity) is session:
                del self._under_way[session.identity]

    async def send(self, session: Session, request: str) -> m.CertificateSignedResponse:
        """Have it signed, keep it, send it. Raises ValueError if it is not signed, and what a call does."""
        assert self.authority is not None
        chain = self.authority.sign(request)
        number = self._ledger.keep_certificate(session.identity, chain, self._now())

        def answered(outcome: OrderEnd) -> None:
            try:
                self._ledger.certificate_answered(number, outcome.said)
            except OcppError as error:  # it has it, or not, all the same
                log.error("! %s: what its certificate got could not be kept: %s", session.identity, error)

        try:
            answer = await session.call(m.CertificateSignedRequest(certificate_chain=chain))
        except OcppError as error:
            answered(OrderEnd.of_error(error))
            if isinstance(error, CallTimeout):
                error.on_late_result(lambda late: answered(OrderEnd.of(late)))
            raise
        answered(OrderEnd.of(answer))
        return answer
