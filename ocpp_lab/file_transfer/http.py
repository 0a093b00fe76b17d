"""`exchange`: one HTTP/1.1 request and its answer over a connection of its own; the protocol itself is h11's."""

from __future__ import annotations

import asyncio
import ssl as tls
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import SplitResult, unquote

import h11

from ..credentials import basic_auth
from .failure import TransferFailed

_PIECE = 65_536  # bytes that are read or written at a time
_MOST_OF_A_REFUSAL = 65_536  # bytes of an answer that says no; more of it nobody wants


class Answer(NamedTuple):
    """What a server said. ``location`` is where a redirection leads, "" if it is none."""

    status: int
    location: str
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """``size`` (bytes) is the most that is read, ``silence`` (s) the longest wait for the next piece in either
    direction, ``ssl`` is for https (None: the authorities that the system knows)."""

    size: int
    silence: float
    ssl: tls.SSLContext | None = None


async def exchange(
    method: str, url: SplitResult, bounds: Bounds, body: bytes = b"", headers: Sequence[tuple[str, str]] = ()
) -> Answer:
    """Ask the server that the URL names, and read its answer. Raises `TransferFailed`."""
    try:
        reader, writer = await _open(url, bounds)
    except (OSError, TimeoutError) as error:
        raise TransferFailed("unreachable", f"{url.hostname}: {error or 'no connection in time'}") from None
    try:
        return await _Talk(reader, writer, bounds).ask(_request(method, url, body, headers), body)
    except TimeoutError:
        raise TransferFailed("unreachable", f"{url.hostname}: nothing for {bounds.silence:g} s") from None
    except OSError as error:
        raise TransferFailed("unreachable", f"{url.hostname}: {error}") from None
    except h11.ProtocolError as error:
        raise TransferFailed("unreadable", f"{url.hostname}: expected HTTP/1.1: {error}") from None
    finally:
        writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                await writer.wait_closed()


async def _open(url: SplitResult, bounds: Bounds) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    secure = url.scheme == "https"
    options: dict[str, Any] = {"ssl": bounds.ssl or tls.create_default_context()} if secure else {}
    async with asyncio.timeout(bounds.silence):
        return await asyncio.open_connection(url.hostname, url.port or (443 if secure else 80), **options)


def _request(method: str, url: SplitResult, body: bytes, headers: Sequence[tuple[str, str]]) -> h11.Request:
    host = url.netloc.rpartition("@")[2]
    all_headers = [("host", host), ("connection", "close"), ("accept-encoding", "identity"), *headers]
    if method != "GET":
        all_headers.append(("content-length", str(len(body))))
    if url.username:
        all_headers.append(("authorization", basic_auth(unquote(url.username), unquote(url.password or "").encode())))
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    try:
        return h11.Request(method=method, target=target, headers=all_headers)
    except (h11.ProtocolError, UnicodeError) as error:
        raise TransferFailed("not supported", f"{host}: expected a URL in ASCII: {error}") from None


class _Talk:
    """One request and its answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, bounds: Bounds) -> None:
        self.reader = reader
        self.writer = writer
        self.bounds = bounds
        self.http = h11.Connection(our_role=h11.CLIENT)

    async def ask(self, request: h11.Request, body: bytes) -> Answer:
        with suppress(ConnectionError):  # a server may refuse a large body while it comes, and close: read what it said
            await self._write(self.http.send(request))
            for start in range(0, len(body), _PIECE):
                await self._write(self.http.send(h11.Data(data=body[start : start + _PIECE])))
            await self._write(self.http.send(h11.EndOfMessage()))
        return await self._answer()

    async def _write(self, data: bytes | None) -> None:
        async with asyncio.timeout(self.bounds.silence):
            self.writer.write(data or b"")
            await self.writer.drain()

    async def _answer(self) -> Answer:
        response: h11.Response | None = None
        body = bytearray()
        while True:
            match await self._next():
                case h11.Response() as response:
                    pass
                case h11.Data(data=data):
                    body += data
                    self._check(response, body)
                case h11.EndOfMessage() if response is not None:
                    location = dict(response.headers).get(b"location", b"")
                    return Answer(response.status_code, location.decode("latin-1"), bytes(body))
                case h11.InformationalResponse():
                    pass
                case _:
                    raise h11.RemoteProtocolError("the connection was closed before the answer was whole")

    def _check(self, response: h11.Response | None, body: bytearray) -> None:
        said_no = response is not None and response.status_code >= 300
        if len(body) > min(self.bounds.size, _MOST_OF_A_REFUSAL if said_no else self.bounds.size):
            raise TransferFailed("too large", f"expected at most {self.bounds.size} bytes, came more")

    async def _next(self) -> Any:
        while (event := self.http.next_event()) is h11.NEED_DATA:
            async with asyncio.timeout(self.bounds.silence):
                self.http.receive_data(await self.reader.read(_PIECE))
        return event
