"""`Gatekeeper`: who knocks is let in or refused, before there is a connection (J-spec 3.2)."""

from __future__ import annotations

import logging
import ssl as tls
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request as HttpRequest
from websockets.http11 import Response as HttpResponse

from ..credentials import MAX_IDENTITY
from ..faults import Faults
from ..security import chain_of
from .admission import Knock, refusal
from .door import identity_of, show
from .guest import came_from
from .keyring import Keyring
from .registry import UNREGISTERED, Registered, RequiredProfiles

log = logging.getLogger(__name__)


class Gatekeeper:
    """``knows(identity)`` says who may be here at all, the ``keyring`` whose key is good, the ``registry`` whom a
    certificate names, and ``required`` with which security profile; ``now()`` is the instant.

    ``pages`` are what plain GETs find: path to content type and text. ``ring(kind, what, identity)`` is told of
    everybody who was refused.
    """

    def __init__(
        self,
        knows: Callable[[str], bool],
        keyring: Keyring,
        registry: Mapping[str, Registered],
        required: RequiredProfiles,
        now: Callable[[], datetime],
        faults: Callable[[], Faults],
        pages: Mapping[str, Callable[[], tuple[str, str]]],
        ring: Callable[[str, str, str], None],
    ) -> None:
        self.refused: Counter[int] = Counter()
        """Handshakes refused, by HTTP status."""
        self._knows = knows
        self._keyring = keyring
        self._registry = registry
        self._required = required
        self._now = now
        self._faults = faults
        self._pages = pages
        self._ring = ring

    def process_request(self, connection: ServerConnection, request: HttpRequest) -> HttpResponse | None:
        """Let in or refuse. What fails in here (a page, a fault of somebody's own) is a refusal too."""
        try:
            return self._judge(connection, request)
        except Exception:
            log.exception("! a handshake failed")
            return self._refuse(connection, request, HTTPStatus.INTERNAL_SERVER_ERROR, "our own fault")

    def _judge(self, connection: ServerConnection, request: HttpRequest) -> HttpResponse | None:
        """An identity that is too long, an unknown one, then the password; the subprotocol comes after (J-spec 3.2)."""
        plain_get = "Upgrade" not in request.headers and getattr(request, "method", "GET") == "GET"
        if plain_get and (page := self._pages.get(request.path.partition("?")[0])):  # old websockets know only GET
            return show(connection, *page())
        identity = identity_of(request.path)
        if identity is not None and len(identity) > MAX_IDENTITY:
            why = f"expected an identity of at most {MAX_IDENTITY} characters, came one of {len(identity)}"
            return self._refuse(connection, request, HTTPStatus.REQUEST_URI_TOO_LONG, why)
        if identity is None or not self._knows(identity):
            return self._refuse(connection, request, HTTPStatus.NOT_FOUND, "no such charge point")
        if fault := self._faults().pick(None, identity, door=True):
            return self._refuse(connection, request, HTTPStatus(fault.options["status"]), "refused on purpose")
        return self._look_closer(connection, request, identity)

    def _look_closer(self, connection: ServerConnection, request: HttpRequest, identity: str) -> HttpResponse | None:
        """Security profile, certificate, password; who is let in has used what it may have been told to use."""
        knock = self._knock(connection, request, identity)
        levels = self._required.of(identity)
        known = self._registry.get(identity, UNREGISTERED)
        if no := refusal(knock, known, levels, self._keyring.opens):
            response = self._refuse(connection, request, no.status, no.why)
            if no.status is HTTPStatus.UNAUTHORIZED:
                response.headers["WWW-Authenticate"] = 'Basic realm="OCPP"'
            return response
        self._required.connected(identity, knock.profile)
        return None

    def _knock(self, connection: ServerConnection, request: HttpRequest, identity: str) -> Knock:
        header = request.headers.get_all("Authorization")
        secured = connection.transport.get_extra_info("ssl_object")
        asked = secured is not None and secured.context.verify_mode is not tls.CERT_NONE
        return Knock(
            identity,
            secured is not None,
            chain_of(secured) if asked else (),
            secured.context.get_ca_certs(binary_form=True) if asked else (),
            header[0] if header else None,
            self._now(),
        )

    def _refuse(self, connection: ServerConnection, request: HttpRequest, status: HTTPStatus, why: str) -> HttpResponse:
        self._refused(connection, request, status.value, why)
        return connection.respond(status, f"{why}\n")

    def process_response(self, connection: ServerConnection, request: HttpRequest, response: HttpResponse) -> None:
        """What `websockets` itself has refused: a plain HTTP request, or a handshake that is none."""
        if problem := connection.protocol.handshake_exc:
            self._refused(connection, request, response.status_code, f"no WebSocket handshake: {problem!s:.100}")

    def _refused(self, connection: ServerConnection, request: HttpRequest, status: int, why: str) -> None:
        self.refused[status] += 1
        what = f"refused with HTTP {status}: {why}, {came_from(connection)}"
        self._ring(f"HTTP {status}", what, identity_of(request.path) or "?")
