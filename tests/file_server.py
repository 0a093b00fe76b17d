"""A web server for tests: what it has, what it got, and what it does wrong when told to. It speaks bytes, not h11."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

from tests.pair import on


class Got(NamedTuple):
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class FileServer:
    """``files`` by path are what it gives; ``received`` are the requests. ``answers`` are whole texts, each given once
    before anything else; an empty one is a connection that is closed without a word, None is silence for ever."""

    def __init__(self, **files: bytes) -> None:
        self.files = {f"/{name}": content for name, content in files.items()}
        self.received: list[Got] = []
        self.answers: list[bytes | None] = []
        self.knows = {"GET", "PUT", "POST"}
        self.drip = 0.0
        """Seconds between two bytes."""
        self.tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task: asyncio.Task[None] = asyncio.current_task()  # type: ignore[assignment]
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            got = await self._read(reader)
            self.received.append(got)
            answer = self.answers.pop(0) if self.answers else self._answer(got)
            if answer is None:
                await reader.read()  # until the client gives up
            elif self.drip:
                await self._dribble(answer, writer)
            else:
                writer.write(answer)
                await writer.drain()
        writer.close()

    def close(self, listening: asyncio.Server) -> None:
        """Nobody is served any more."""
        listening.close()
        for task in self.tasks:
            task.cancel()

    async def _read(self, reader: asyncio.StreamReader) -> Got:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        body = b""
        while len(body) < int(headers.get("content-length", 0)):  # readexactly of so much hangs under simulation
            body += await reader.read(65_536)
        return Got(method, path, headers, body)

    def _answer(self, got: Got) -> bytes:
        if got.method not in self.knows:
            return told(405)
        if got.method == "GET":
            return told(200, self.files[got.path]) if got.path in self.files else told(404)
        return told(201)

    async def _dribble(self, answer: bytes, writer: asyncio.StreamWriter) -> None:
        for byte in answer:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(self.drip)


def told(status: int, body: bytes = b"", *headers: str) -> bytes:
    """An answer of a server, as bytes."""
    lines = [f"HTTP/1.1 {status} So", f"Content-Length: {len(body)}", *headers]
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body


@asynccontextmanager
async def file_server(**files: bytes) -> AsyncIterator[FileServer]:
    """On its own simulated machine, at http://files:8080."""
    server = FileServer(**files)
    listening = await on("files", asyncio.start_server(server.serve, "files", 8080))
    try:
        yield server
    finally:
        server.close(listening)


@asynccontextmanager
async def real_file_server(
    context: ssl.SSLContext | None = None, **files: bytes
) -> AsyncIterator[tuple[FileServer, str]]:
    """On the loopback interface, and the URL of its root."""
    server = FileServer(**files)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
    port = listening.sockets[0].getsockname()[1]
    try:
        yield server, f"{'https' if context else 'http'}://127.0.0.1:{port}"
    finally:
        server.close(listening)
