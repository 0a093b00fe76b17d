"""`Guest`: a connection from its first byte on: TLS, if that is spoken here, then HTTP, then WebSocket.

asyncio and `websockets` drop in silence whoever fails at one of the first two: a charge point that dials ws:// where
wss:// is spoken, one that does not trust our certificate, a port scanner. Here each is told of, with its address.
"""

from __future__ import annotations

import asyncio
import ssl as tls
from collections.abc import Callable
from typing import Any, cast

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import SecurityError

from ..pipe import CLOSE_TIMEOUT, OPEN_TIMEOUT

BYTES_SHOWN = 40  # bytes of what is no handshake

CLIENT_HELLO = b"\x16\x03"
"""How TLS begins (RFC 8446 5.1): a handshake record, whatever the version."""


class Entrance:
    """Where guests come in. ``tls`` is the context of a ``wss://`` port; ``tell(kind, text)`` hears who did not get in.

    ``guest`` makes one, as the ``create_connection`` of `websockets.asyncio.server.serve` wants it.
    """

    def __init__(self, context: tls.SSLContext | None, tell: Callable[[str, str], None]) -> None:
        self.tls = context
        self.tell = tell
        self.guests: set[Guest] = set()
        """All that came and have not left."""

    def guest(self, *arguments: Any, **options: Any) -> Guest:
        """Who comes next; `websockets` asks for it."""
        return Guest(self, *arguments, **options)

    def shut(self) -> None:
        """Cut those that are not through the door yet; nobody waits for them."""
        for guest in list(self.guests):
            if guest.request is None:
                guest.leave()


class Guest(ServerConnection):
    """One connection. Once its request is there, it is a `ServerConnection` like any other."""

    def __init__(self, entrance: Entrance, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.entrance = entrance
        self.address = ""
        """``host:port`` at the other end, once it is there."""
        self._came_at = self.loop.time()
        self._heard = b""  # how what it says begins
        self._raw: asyncio.Transport | None = None  # under TLS
        self._securing: asyncio.Task[None] | None = None  # the TLS handshake, begun when it comes; `leave` cancels it
        self._early: list[bytes] = []  # came in the same instant as the end of the TLS handshake
        self._inside = False  # `websockets` has taken over
        self._told = False  # of it: once is enough; or nobody has to be told, because we cut it

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TLS first, if there is any; then `websockets` takes over."""
        self.entrance.guests.add(self)
        self.address = address_of(transport)
        if self.entrance.tls is None:
            self._come_in(transport)
            return
        self._raw = cast(asyncio.Transport, transport)
        # Eagerly, so that the first byte finds TLS and not us.
        work, name = self._secure(self._raw, self.entrance.tls), f"TLS with {self.address}"
        self._securing = asyncio.Task(work, loop=self.loop, name=name, eager_start=True)

    def _come_in(self, transport: asyncio.BaseTransport) -> None:
        self._inside = True
        super().connection_made(transport)

    async def _secure(self, raw: asyncio.Transport, context: tls.SSLContext) -> None:
        try:
            secure = await self.loop.start_tls(
                raw,
                self,
                context,
                server_side=True,
                ssl_handshake_timeout=OPEN_TIMEOUT,
                ssl_shutdown_timeout=CLOSE_TIMEOUT,
            )
        except OSError as error:  # SSLError is one
            self._gone("no TLS", why_no_tls(error))
            return
        if secure is None:  # it was cut without an error
            self._gone("no TLS", why_no_tls(ConnectionResetError()))
            return
        self._come_in(secure)
        for data in self._early:
            self.data_received(data)
        self._early.clear()

    def data_received(self, data: bytes) -> None:
        """A frame, or the first words of somebody new."""
        if self.request is not None:  # nearly always: a frame
            super().data_received(data)
        elif not self._inside:
            self._early.append(data)
        else:
            self._listen(data)

    def _listen(self, data: bytes) -> None:
        """Its first words. A method is in upper case (RFC 9110 9.1); what does not begin so is no request."""
        self._heard = self._heard or data[:BYTES_SHOWN]
        if not self._heard[:1].isupper():
            self.transport.close()
            return
        super().data_received(data)
        if self.protocol.handshake_exc is not None:  # no request, and an answer to it may be on its way
            self.transport.close()

    def eof_received(self) -> None:
        """The other end says no more."""
        if self._inside:
            super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone; one that left without a request is told of."""
        if self._inside:
            super().connection_lost(exc)
        if self.request is None:
            self._gone(*self._why())
        self.entrance.guests.discard(self)

    def _why(self) -> tuple[str, str]:
        """What kind of guest left without a request, and what it did."""
        if self._heard.startswith(CLIENT_HELLO):
            return "TLS on ws", "speaks TLS (wss://), and this port does not: it is ws://"
        if isinstance(problem := self.protocol.handshake_exc, SecurityError):  # lines that are too long, or too many
            return "no HTTP", f"sent no WebSocket handshake: {problem}"
        if self._heard:
            return "no HTTP", f"sent no WebSocket handshake, but {self._heard!r}"
        return "silent", f"said nothing, and was gone after {self.loop.time() - self._came_at:.1f} s"

    def _gone(self, kind: str, what: str) -> None:
        self.entrance.guests.discard(self)
        if not self._told:
            self._told = True
            self.entrance.tell(kind, f"{self.address} {what}")

    def leave(self) -> None:
        """Cut it; nobody has to be told."""
        self._told = True
        self.entrance.guests.discard(self)
        if self._securing and not self._securing.done():
            self._securing.cancel()
        for transport in (self._raw, self.transport if self._inside else None):
            if transport:
                transport.abort()


def why_no_tls(error: OSError) -> str:
    """What a guest did whose TLS handshake failed, as far as OpenSSL can tell."""
    reason = str(error.reason or "") if isinstance(error, tls.SSLError) else ""
    words = reason.lower().replace("_", " ")
    if reason == "HTTP_REQUEST":
        return "speaks HTTP without TLS (ws://), and this port does not: it is wss://"
    if "ALERT" in reason:  # it broke off and said why: of a certificate it is the judge
        return f"broke off the TLS handshake, saying: {words}"
    if reason:
        return f"failed at the TLS handshake: {words}"
    return f"left in the TLS handshake{f': {error}' if str(error) else ''}; does it trust this certificate?"


def came_from(connection: ServerConnection) -> str:
    """``from host:port``, for the end of a sentence."""
    return f"from {address_of(connection.transport)}"


def address_of(transport: asyncio.BaseTransport) -> str:
    """``host:port`` of the other end."""
    match transport.get_extra_info("peername"):
        case (str(host), int(port), *_):
            return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        case other:  # none where there are no sockets
            return str(other or "nowhere")
