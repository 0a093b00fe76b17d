"""A web server of the test: gives files, takes files, and remembers who came when; in simulated time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.pair import on
from tests.simulated import clock

PORT = 8000
URL = f"http://cs:{PORT}"


class WebServer:
    """``files`` by path are given; what is sent to any path is ``taken``; ``refuses`` so many requests with 503."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.taken: dict[str, bytes] = {}
        self.refuses = 0
        self.asked: list[tuple[float, str]] = []
        """When (s), and the method and path of each request."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, path, _ = head.split(" ", 2)
            self.asked.append((clock(), f"{method} {path}"))
            body = await _body(head, reader)
            status, answer = self._answer(method, path, body)
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(answer)}\r\nConnection: close\r\n\r\n".encode())
            writer.write(answer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _answer(self, method: str, path: str, body: bytes) -> tuple[str, bytes]:
        if self.refuses:
            self.refuses -= 1
            return "503 Service Unavailable", b""
        if method in ("PUT", "POST"):
            self.taken[path] = body
            return "201 Created", b""
        return ("200 OK", self.files[path]) if path in self.files else ("404 Not Found", b"")


async def _body(head: str, reader: asyncio.StreamReader) -> bytes:
    fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
    if fields.get("transfer-encoding") == "chunked":
        parts = b""
        while size := int((await reader.readline()).split(b";")[0], 16):
            parts += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
        return parts
    return await reader.readexactly(int(fields.get("content-length", "0")))


@asynccontextmanager
async def web_server() -> AsyncIterator[WebServer]:
    """It listens at `URL`, on the machine of the central system."""
    web = WebServer()
    server = await on("cs", asyncio.start_server(web.serve, "cs", PORT))
    try:
        yield web
    finally:
        server.close()
        await server.wait_closed()
