"""Peers that flood: they send Heartbeats without end and throw the answers away. Bare sockets, so that they cost little
CPU themselves: what is measured is the other end."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

BLOCK = 1000  # frames that are written at a time
TEXT = b"\x81"  # the first byte of a final text frame (RFC 6455 5.2); no answer has it inside, for they are ASCII
BOOT = {"chargePointVendor": "OCPP Lab", "chargePointModel": "Flooder"}


def framed(text: str) -> bytes:
    """A text frame of a client. The mask is all zeros, which RFC 6455 5.3 frowns upon and no server notices."""
    data = text.encode()
    assert len(data) < 126
    return TEXT + bytes([0x80 | len(data)]) + bytes(4) + data


def block() -> bytes:
    """Heartbeats, each with its own id."""
    return b"".join(framed(f'[2,"{number}","Heartbeat",{{}}]') for number in range(BLOCK))


class Flooder:
    """One connection that has booted."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.answered = 0

    @classmethod
    async def dial(cls, port: int, number: int) -> Flooder:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = [
            f"GET /FLOOD_{number} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: b2NwcC1sYWItZmxvb2Rlcg==",
            "Sec-WebSocket-Protocol: ocpp1.6",
        ]
        writer.write("\r\n".join([*head, "", ""]).encode())
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        writer.write(framed(json.dumps([2, "boot", "BootNotification", BOOT], separators=(",", ":"))))
        assert b"Accepted" in await reader.read(1000)
        return cls(reader, writer)

    async def flood(self) -> None:
        """Until it is cancelled, or the connection ends."""
        heartbeats = block()
        with suppress(ConnectionError):
            async with asyncio.TaskGroup() as group:
                group.create_task(self._count(), name="flooder reads")
                while True:
                    self.writer.write(heartbeats)
                    await self.writer.drain()

    async def _count(self) -> None:
        while data := await self.reader.read(65_536):
            self.answered += data.count(TEXT)


class Flood:
    """A process of them; obeys as the ends of `end` do."""

    def __init__(self) -> None:
        self.flooders: list[Flooder] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def dial(self, port: int, connections: int) -> int:
        """So many connect, boot and begin to flood."""
        for number in range(connections):
            self.flooders.append(await Flooder.dial(port, number))
        self.tasks = [asyncio.create_task(flooder.flood(), name="flooder") for flooder in self.flooders]
        return len(self.flooders)

    async def answered(self) -> int:
        """Answers so far, of all of them."""
        return sum(flooder.answered for flooder in self.flooders)

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for flooder in self.flooders:
            flooder.writer.transport.abort()
