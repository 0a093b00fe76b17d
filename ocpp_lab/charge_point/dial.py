"""`dial`: from an endpoint and an identity to an open pipe, or the reason why not (J-spec 3); `Dialler` does it again
and again with the credentials of the moment."""

from __future__ import annotations

import socket
import ssl as tls
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, NegotiationError, WebSocketException

from ..credentials import basic_auth, check_identity
from ..errors import HandshakeRefused, NotConnected
from ..pipe import CLOSE_TIMEOUT, OPEN_TIMEOUT, SUBPROTOCOL, WIRE_LOG, Note, WebSocketPipe, is_loopback
from .dial_failed import DialFailed, OutOfDate, why_no_handshake, why_no_tls
from .options import Connecting, Security
from .routes import Route

PONG_TIMEOUT = 5.0  # seconds; libocpp's WebsocketPongTimeout


def pings(seconds: float | None) -> dict[str, float | None]:
    """How often a silent connection is tested, as `dial` takes it; 0 and None mean never (J-spec 5.3, 7).

    A half-open connection is noticed after that time, and the seconds that a pong may take.
    """
    return {"ping_interval": seconds or None, "ping_timeout": min(seconds, PONG_TIMEOUT) if seconds else None}


def connection_url(endpoint: str, identity: str) -> str:
    """Endpoint, slash, percent-encoded identity (J-spec 3.1.1). Raises ValueError with what is wrong with either."""
    scheme = urlsplit(endpoint).scheme
    if scheme not in ("ws", "wss"):
        raise ValueError(f"expected an endpoint such as ws://host:port/path, came {endpoint!r}")
    check_identity(identity)
    return f"{endpoint.rstrip('/')}/{quote(identity, safe='')}"


async def dial(
    url: str,
    *,
    authorization: str | None = None,
    ssl: tls.SSLContext | None = None,
    note: Note = lambda mark, text: None,
    send_buffer: int | None = None,
    open_timeout: float | None = OPEN_TIMEOUT,
    judge: Callable[[Any], str | None] | None = None,
    **options: Any,
) -> WebSocketPipe:
    """Connect once. Raises OSError if nobody is there, `DialFailed` (an OSError too) if it is nobody who speaks
    WebSocket or TLS as we do, with the reason, and `HandshakeRefused` if we are not let in.

    ``open_timeout`` (s, None: for ever) is how long connecting and shaking hands may take; then it is a TimeoutError,
    which is an OSError. ``judge(secured)`` is asked about the central system's certificate before anything is sent, a
    password included; what it says ends the dial with `OutOfDate`. Other ``options`` are those of
    `websockets.asyncio.client.connect`.

    A central system that agrees on no subprotocol is closed at once (J-spec 3.2). Without ``ssl`` a ``wss://`` endpoint
    is checked against the certificates that the operating system trusts.
    """
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "wss"
    where = host if parts.port is None else f"{host}:{parts.port}"  # not all of the URL: a password may stand in it
    if ssl:
        options["ssl"] = ssl  # None would be taken for "no TLS", and wss:// refused
    attempt = connect(
        url,
        subprotocols=[SUBPROTOCOL],
        additional_headers={"Authorization": authorization} if authorization else None,
        proxy=None if is_loopback(host) else True,  # websockets would ask a proxy for 127.0.0.1 too
        logger=WIRE_LOG,
        open_timeout=open_timeout,
        create_connection=partial(JudgedConnection, judge, where),  # type: ignore[arg-type]
        **options,
    )
    try:
        websocket = await attempt
    except InvalidStatus as refused:
        raise HandshakeRefused(refused.response.status_code, refused.response.reason_phrase) from None
    except OSError as error:  # first: an SSLCertVerificationError is a ValueError too
        if secure and (reason := why_no_tls(error)):
            raise DialFailed(f"no TLS with {where}: {reason}") from error
        raise
    except NegotiationError as refused:
        raise HandshakeRefused(101, str(refused)) from None
    except (WebSocketException, ValueError) as strange:  # no HTTP, or a redirect to nowhere: what came, not our mistake
        reason = why_no_handshake(strange, secure=secure)
        raise DialFailed(f"expected a WebSocket handshake from {where}: {reason}") from strange
    if websocket.subprotocol is None:
        await websocket.close(1002, "expected the subprotocol ocpp1.6")
        raise HandshakeRefused(101, "the central system did not agree on the subprotocol ocpp1.6")
    if send_buffer:
        _shrink(websocket, send_buffer)
    return WebSocketPipe(websocket, note)


def _shrink(websocket: ClientConnection, send_buffer: int) -> None:
    """Small buffers between us and the wire, as on a slow modem: back-pressure is felt after a few frames."""
    websocket.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    websocket.transport.set_write_buffer_limits(high=send_buffer)


class JudgedConnection(ClientConnection):
    """One whose peer is judged between TLS and HTTP."""

    def __init__(self, judge: Callable[[Any], str | None] | None, where: str, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._judge = judge
        self._where = where

    async def handshake(self, *arguments: Any, **options: Any) -> None:
        """That of WebSocket. Raises `OutOfDate` before it begins."""
        secured = self.transport.get_extra_info("ssl_object")
        if self._judge and secured is not None and (why := self._judge(secured)):
            raise OutOfDate(f"no TLS with {self._where}: its certificate {why}; check both clocks, or have it renewed")
        await super().handshake(*arguments, **options)


class Dialler:
    """Dials a charge point's endpoint of the moment. ``on_dial(error)`` is told how each attempt ended, None if it went
    well.

    Raises ValueError if ``endpoint``, one of `Security.endpoints` or ``identity`` cannot be dialled.
    """

    def __init__(
        self,
        endpoint: str,
        identity: str,
        security: Security,
        connecting: Connecting,
        *,
        note: Note = lambda mark, text: None,
        on_dial: Callable[[Exception | None], object] = lambda error: None,
    ) -> None:
        self.url = connection_url(endpoint, identity)
        self.identity = identity
        self.password = security.password
        """The key of the next dial; changed by ChangeConfiguration(AuthorizationKey)."""
        self._given = security.security_profile  # None: it follows from the endpoint and the password
        self.urls = {profile: connection_url(url, identity) for profile, url in (security.endpoints or {}).items()}
        """Endpoints by security profile, with the identity."""
        self.urls.setdefault(self.usual_profile(), self.url)
        _check_endpoints(self.urls)
        self.route: Callable[[], Route] = lambda: Route(self.usual_profile(), self.url, security.ssl)
        """Where the next dial goes; set by whoever knows of security profiles."""
        self.judge: Callable[[Any], str | None] | None = None
        """See `dial`; set by whoever knows what time it is."""
        self.on_end: Callable[[Route, Exception | None], object] = lambda route, error: None
        """Told how each attempt ended, before ``on_dial``."""
        self.secured: Any = None
        """The TLS of the newest connection (an SSLObject), None if it has none."""
        self.in_use: int | None = None
        """The security profile of the newest connection, set by its dial; None before the first."""
        self._newest: WebSocketPipe | None = None  # the newest connection; None before the first
        self.note = note
        self.on_dial = on_dial
        if security.ssl and self.url.startswith("ws:"):
            raise ValueError(f"expected a wss:// endpoint with an ssl context, came {endpoint!r}")
        self.options: dict[str, Any] = {
            "max_size": connecting.max_size,
            "compression": "deflate" if connecting.compression else None,
            **pings(connecting.ping_interval),
            "close_timeout": CLOSE_TIMEOUT,
            "send_buffer": connecting.send_buffer,
        }
        """What `dial` is given each time; changed by ChangeConfiguration(WebSocketPingInterval)."""

    async def dial(self) -> WebSocketPipe:
        """Connect once, with the credentials of this moment; raises what `dial` raises."""
        route = self.route()
        password = self.password if route.profile in (1, 2) else None
        authorization = basic_auth(self.identity, password) if password else None
        try:
            pipe = await dial(
                route.url,
                authorization=authorization,
                ssl=route.ssl,
                judge=self.judge,
                note=self.note,
                **self.options,
            )
        except (OSError, NotConnected) as error:
            self.on_end(route, error)
            self.on_dial(error)
            if isinstance(error, DialFailed):
                self.note("!", str(error))
            raise
        self.in_use, self._newest = route.profile, pipe
        self.secured = pipe.websocket.transport.get_extra_info("ssl_object")
        self.on_end(route, None)
        self.on_dial(None)
        return pipe

    def usual_profile(self) -> int:
        """The security profile that it was given; or 1 with a password, 2 with a password over TLS, else 0."""
        if self._given is not None:
            return self._given
        if not self.password:
            return 0
        return 2 if self.url.startswith("wss:") else 1

    def set_ping_interval(self, seconds: float) -> None:
        """How often a silent connection is tested, from now on; 0: never (J-spec 7)."""
        self.options |= pings(seconds)
        if self._newest:
            self._newest.test_silence(**pings(seconds))


def _check_endpoints(urls: Mapping[int, str]) -> None:
    """Raises ValueError: profiles 2 and 3 are TLS, and the others are not (but 0 may be: a test of TLS alone)."""
    for profile, url in urls.items():
        if profile not in range(4) or (profile >= 2) > url.startswith("wss:") or (profile == 1 and url[:4] == "wss:"):
            raise ValueError(f"expected ws:// for security profile 1 and wss:// for 2 and 3, came {url} for {profile}")
