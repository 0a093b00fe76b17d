"""The drill of capstone 3: faults at moments that the learner chooses, under broken stacks and under their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from ocpp_lab.central_system import Ledger
from ocpp_lab.errors import ConnectionLost
from ocpp_lab.messages import (
    IdTagInfo,
    Request,
    Response,
    StartTransactionRequest,
    StartTransactionResponse,
    StopTransactionRequest,
    StopTransactionResponse,
)
from ocpp_lab.outbox import Outbox

from ..kit import Kit
from .boxes import Boxes, start, stop

MOMENTS = ("sent", "acted", "told")
FAULTS = (None, "cut", "power")
MOST_CONNECTIONS = 12
Drill = Callable[[str, str, int], Any]


def drill(moment: str, action: str, copy: int) -> str | None:
    """Ours: one fault for each way in which a message can be lost or come twice."""
    return {("sent", 1): "cut", ("acted", 2): "cut", ("told", 3): "power"}.get((moment, copy))


class DeletesFirst(Outbox):
    """Strikes a message out, and sends it then."""

    async def drain(self, call: Any, probe: Any, *, prepare: Any, on_result: Any, **limits: Any) -> None:  # type: ignore[override]
        while entry := self.head():
            self.delete(entry.key)
            on_result(entry, await call(prepare(entry)))


class TellsLast(Outbox):
    """Strikes a message out when it was answered, and looks at the answer then."""

    async def drain(self, call: Any, probe: Any, *, prepare: Any, on_result: Any, **limits: Any) -> None:  # type: ignore[override]
        while entry := self.head():
            response = await call(prepare(entry))
            self.delete(entry.key)
            on_result(entry, response)


class KnowsNoRepeat(Ledger):
    """Takes every start for a new one."""

    def start(self, identity: str, request: StartTransactionRequest) -> int:
        later = request.timestamp + timedelta(seconds=len(self.rows()))
        return super().start(identity, msgspec.structs.replace(request, timestamp=later))


BROKEN: dict[str, tuple[Any, Any]] = {
    "deletes first": (DeletesFirst, Ledger),
    "knows no repeat": (Outbox, KnowsNoRepeat),
    "tells last": (TellsLast, Ledger),
}


class PowerCut(BaseException):
    """Nothing more runs in this life of the charge point."""


class Night:
    """One driver comes and goes; a start and a stop have to reach the ledger, through whatever the drill does."""

    def __init__(self, kit: Kit, boxes: Boxes, ledger: Any, drill: Drill) -> None:
        self.kit = kit
        self.boxes = boxes
        self.ledger = ledger
        self.drill = drill
        self.copies: Counter[str] = Counter()
        self.known: dict[str, int] = {}
        """Transaction ids that were learnt, as a charge point has them in its file."""
        self.path = kit.path()
        """Of the box as it is now; after a power cut it lies in another folder."""

    async def play(self, box: Any) -> bool:
        """Whether all was delivered, within `MOST_CONNECTIONS`."""
        for _ in range(MOST_CONNECTIONS):
            try:
                limits = {"attempts": 3, "retry_interval": 1.0}
                await box.drain(self.call, self.probe, prepare=self.prepare, on_result=self.on_result, **limits)
            except ConnectionLost:
                continue
            except PowerCut:
                box = self.boxes.open(self.path)
                continue
            return True
        return False

    def prepare(self, entry: Any) -> Request[Any]:
        request: Request[Any] = entry.request
        if isinstance(request, StopTransactionRequest):
            return msgspec.structs.replace(request, transaction_id=self.known.get("ours", -1))
        return request

    async def call(self, request: Request[Any]) -> Response:
        self.copies[request.action] += 1
        self._moment("sent", request.action)
        response: Response
        if isinstance(request, StartTransactionRequest):
            number = self.ledger.start("CP_1", request)
            response = StartTransactionResponse(transaction_id=number, id_tag_info=IdTagInfo(status="Accepted"))
        else:
            self.ledger.stop("CP_1", request)
            response = StopTransactionResponse()
        self._moment("acted", request.action)
        return response

    async def probe(self) -> bool:
        return True

    def on_result(self, entry: Any, response: Any) -> None:
        self._moment("told", entry.request.action)
        if isinstance(response, StartTransactionResponse):
            self.known["ours"] = response.transaction_id

    def _moment(self, moment: str, action: str) -> None:
        fault = self.drill(moment, action, self.copies[action])
        known = f"`drill` returns None, 'cut' or 'power', and returned {fault!r}."
        self.kit.require(fault in FAULTS, f"{fault!r}", known)
        here = "after `told` nothing is on the wire that could be cut; only the power can go there."
        self.kit.require((moment, fault) != ("told", "cut"), "cut at told", here)
        if fault == "cut":
            raise ConnectionLost(f"cut at {moment}")
        if fault == "power":
            self.path = self.boxes.power_cut(Path(self.path).parent)
            raise PowerCut


async def survives(kit: Kit, outbox: Any, ledger: Any, drill: Drill) -> bool:
    """Whether exactly one transaction, whole, is in the ledger after such a night. Refuses a drill without an end."""
    with Boxes(outbox, kit) as boxes, Boxes(ledger, kit) as ledgers:
        box, books = boxes.open(), ledgers.open(kit.path("ledger.db"))
        begun, ended = start(kit), stop(kit)
        box.put(begun, "ours")
        box.put(ended, "ours")
        delivered = await Night(kit, boxes, books, drill).play(box)
        said = f"after {MOST_CONNECTIONS} connections messages still wait; let one copy of each through in the end."
        kit.require(delivered, "it never ends", said)
        rows = [(row["meter_start"], row["meter_stop"]) for row in books.rows()]
    for file in kit.folder.iterdir():
        if file.is_file():
            file.unlink()  # the next night begins with new files
    return rows == [(begun.meter_start, ended.meter_stop)]
