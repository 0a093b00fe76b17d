"""`Peer`: a scripted central system at the other end of `drain`, and what it heard."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ocpp_lab.errors import OcppError
from ocpp_lab.messages import (
    IdTagInfo,
    MeterValuesResponse,
    Request,
    Response,
    StartTransactionRequest,
    StartTransactionResponse,
    StopTransactionResponse,
)

from ..kit import Kit
from ..step import Wrong

FIRST_ID = 41
ATTEMPTS, INTERVAL = 3, 60.0
NIGHT = 20_000.0
"""Seconds that a drain may take."""
MOST_SENDS = 30
"""More than any check needs: a drain that sends the same message for ever gets no answer from then on."""


def _nothing(moment: str, number: int) -> None:
    """Nobody looks."""


class Peer:
    """Answers each send after so many ``seconds``, or fails as the script says: an error for each send, None: answer.

    ``look(moment, number)`` is told when a send begins and ends.
    """

    def __init__(self, kit: Kit, *script: Exception | None, seconds: float = 0.5, alive: bool = True) -> None:
        self.kit = kit
        self.script = script
        self.seconds = seconds
        self.alive = alive
        self.sent: list[Request[Any]] = []
        self.begun: list[float] = []
        self.ended: list[float] = []
        self.answered: list[Request[Any]] = []
        self.probes = 0
        self.most = 0
        """Sends under way at once, at most."""
        self.look: Callable[[str, int], None] = _nothing
        self._under_way = 0

    async def call(self, request: Request[Any]) -> Response:
        number = len(self.sent)
        if number >= MOST_SENDS:
            await asyncio.Event().wait()
        self.sent.append(request)
        self.begun.append(self.kit.time)
        self._under_way += 1
        self.most = max(self.most, self._under_way)
        self.look("send", number)
        try:
            await asyncio.sleep(self.seconds)
            self.ended.append(self.kit.time)
            self.look("answer", number)
            if number < len(self.script) and (error := self.script[number]) is not None:
                raise error
            self.answered.append(request)
            return self._response(request)
        finally:
            self._under_way -= 1

    async def probe(self) -> bool:
        self.probes += 1
        await asyncio.sleep(0.1)
        return self.alive

    def _response(self, request: Request[Any]) -> Response:
        match request.action:
            case "StartTransaction":
                starts = sum(isinstance(each, StartTransactionRequest) for each in self.answered)
                info = IdTagInfo(status="Accepted")
                return StartTransactionResponse(transaction_id=FIRST_ID + starts - 1, id_tag_info=info)
            case "StopTransaction":
                return StopTransactionResponse()
        return MeterValuesResponse()


async def drained(kit: Kit, box: Any, peer: Peer, said: str | None = None, **options: Any) -> None:
    """Drain the box; refused if that takes for ever, and soon if we know ``said``, the mistake behind it."""
    settings = {"attempts": ATTEMPTS, "retry_interval": INTERVAL} | options
    patience = 100.0 if said else NIGHT
    try:
        await kit.within(patience, box.drain(peer.call, peer.probe, **settings), "it never returns", said)
    except Wrong as wrong:
        again = (
            f"{MOST_SENDS} sends and no end: a message that was answered, or dropped, is deleted, and the next is sent."
        )
        if len(peer.sent) >= MOST_SENDS:
            raise Wrong(wrong.got, again) from None
        raise
    except OcppError as error:
        if not any(error is each for each in peer.script):
            raise
        name = type(error).__name__
        let_go = f"`call` raised {name}, and `drain` let it through; catch it, and ask `verdict` what to do."
        raise Wrong(f"{name} left `drain`", let_go) from None


def begin(box: Any, peer: Peer, **options: Any) -> asyncio.Task[None]:
    settings = {"attempts": ATTEMPTS, "retry_interval": INTERVAL} | options
    return asyncio.create_task(box.drain(peer.call, peer.probe, **settings), name="drain")


def told(box_of: list[Request[Any]], sent: list[Request[Any]]) -> str:
    """Which messages were sent, by their number."""
    return "sent " + ", ".join(str(box_of.index(each) + 1) if each in box_of else "?" for each in sent)


def order_of(written: list[Request[Any]], sent: list[Request[Any]]) -> str:
    """What is wrong with the order in which messages were sent, some of them again."""
    numbers = [written.index(each) for each in sent if each in written]
    if len(numbers) < len(sent):
        return "a message was sent that nobody put into the box."
    if numbers != sorted(numbers):
        return "transaction messages keep their order even when the head waits (core 3.7)."
    return "a message that was refused is sent again until it is answered, and one that was answered never again."


def side_by_side(old: Peer, new: Peer) -> str:
    """A second drain sent while the first one was at work."""
    twice = "a fast reconnect started a second drain, and one StartTransaction went out twice without a lost reply."
    return twice if new.sent[0] in old.sent else "a second drain sent while the first one was at work; it waits."
