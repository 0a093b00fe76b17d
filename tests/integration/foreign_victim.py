"""The package ``ocpp`` as a central system process that is going to be killed. It books, says so, and then answers.

``python -m tests.integration.foreign_victim PORT BOOK [ACTION]``; port 0 is a free one. What is in the book survives
a kill -9. The lines are ``listening PORT``, then ``booked ACTION``; with ACTION, it never answers one of that kind. It
ends with its standard input. It knows no repeats: a second copy of a start is a second transaction to it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]  # its grammar takes a second, in each life

from ocpp.routing import on
from ocpp.v16 import call_result

from tests.integration.foreign import Accepting, as_json, foreign_central_system, theirs

INFO = {"idTagInfo": {"status": "Accepted"}}
FIRST = 101
"""Its first transaction id."""


def entries(book: Path) -> list[dict[str, Any]]:
    """All that was ever booked, in its order: action, payload, answer."""
    return [json.loads(line) for line in book.read_text().splitlines()] if book.exists() else []


def write(book: Path, action: str, payload: Any) -> Any:
    """Book what came, durable on return; returns the answer to it."""
    number = FIRST + sum(entry["action"] == "StartTransaction" for entry in entries(book))
    answers = {"StartTransaction": INFO | {"transactionId": number}, "StopTransaction": INFO}
    answer = answers.get(action, {})
    with book.open("a") as file:
        file.write(json.dumps({"action": action, "payload": payload, "answer": answer}) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return answer


class Booking(Accepting):
    """Their central system with a book on the disk. ``book`` and ``mute`` are set on a class of their own."""

    book: Path
    mute: str | None = None
    """The action that it books and never answers."""

    async def enter(self, action: str, payload: Any) -> Any:
        answer = theirs(call_result, action, write(self.book, action, as_json(payload)))
        print("booked", action, flush=True)
        if action == self.mute:
            await asyncio.get_running_loop().create_future()
        return answer

    @on("StartTransaction")  # type: ignore[untyped-decorator]
    async def on_StartTransaction(self, **payload: Any) -> Any:
        return await self.enter("StartTransaction", payload)

    @on("MeterValues")  # type: ignore[untyped-decorator]
    async def on_MeterValues(self, **payload: Any) -> Any:
        return await self.enter("MeterValues", payload)

    @on("StopTransaction")  # type: ignore[untyped-decorator]
    async def on_StopTransaction(self, **payload: Any) -> Any:
        return await self.enter("StopTransaction", payload)


async def until_nobody_reads() -> None:
    """Wait for the end of standard input: whoever started us is gone."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


async def main(port: str, book: str, mute: str | None = None) -> None:
    kind = type("Victim", (Booking,), {"book": Path(book), "mute": mute})
    async with foreign_central_system(kind, int(port)) as (url, _):
        print("listening", url.rpartition(":")[2], flush=True)
        await until_nobody_reads()
        os._exit(0)  # the muted one never ends by itself


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
