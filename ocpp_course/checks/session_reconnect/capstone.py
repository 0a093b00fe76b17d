"""Capstone 3: back-off, machine, outbox and ledger of the learner in the real stack, in fifty bad nights."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import msgspec

from ocpp_lab.backoff import backoff
from ocpp_lab.central_system import Ledger
from ocpp_lab.messages import StartTransactionRequest, StopTransactionRequest
from ocpp_lab.outbox import Outbox
from ocpp_lab.simulation import Profile, World, chaos
from ocpp_lab.states import Machine

from ..capstone import survives
from ..fitted import fit
from ..kit import Kit
from ..step import Step
from . import crowds
from .boxes import Boxes, start, stop
from .drills import BROKEN, drill
from .drills import survives as comes_through

step = Step(
    "3.capstone",
    "your pieces while the connection is cut",
    ("backoff", "Machine", "Outbox", "Ledger", "drill"),
    points=4,
    minutes=25,
    reference=lambda: (backoff, Machine, Outbox, Ledger, drill),
    capstone=True,
)

KEYS = ("id", "identity", "connector", "id_tag", "started", "meter_start", "stopped", "meter_stop", "reason")
# The wait before a retry is shorter than the shortest back-off: a drain that is cut short may forget the rest of it.
NIGHT = Profile(
    name="capstone",
    charge_points=1,
    connectors=2,
    seconds=180.0,
    pause=(8.0, 25.0),
    mischief=0.4,
    retry_interval=1.0,
)


class Books(Ledger):
    """Our ledger for readings and registrations, the learner's for transactions. ``mine`` may be made anew."""

    mine: Any

    def of(self, mine: Any) -> Books:
        """Go on with what the learner's ledger has in its file, as after a restart."""
        self.mine = mine
        return self

    def start(self, identity: str, request: StartTransactionRequest) -> int:
        number: int = self.mine.start(identity, request)
        return number

    def stop(self, identity: str, request: StopTransactionRequest) -> None:
        self.mine.stop(identity, request)
        if not self._knows(identity, request.transaction_id):
            super().stop(identity, request)

    def rows(self) -> list[dict[str, Any]]:
        return [_uniform(row) for row in self.mine.rows()]

    def close(self) -> None:
        """Only the learner's is closed: ours has no file, and lives as long as the night."""
        if close := getattr(self.mine, "close", None):
            close()

    def _knows(self, identity: str, transaction_id: int) -> bool:
        return any((row["identity"], row["id"]) == (identity, transaction_id) for row in self.mine.rows())


def _uniform(row: dict[str, Any]) -> dict[str, Any]:
    """A row as the accounts of the simulation read it: instants in UTC, no reason means Local (core 6.49)."""
    reason = (row["reason"] or "Local") if row["stopped"] else None
    return row | {"started": _utc(row["started"]), "stopped": _utc(row["stopped"]), "reason": reason}


def _utc(instant: Any) -> str | None:
    if instant is None:
        return None
    instant = instant if isinstance(instant, datetime) else datetime.fromisoformat(instant)
    return str(instant.astimezone(UTC).isoformat(timespec="milliseconds"))


async def night(world: World, *, profile: Profile, my: Any) -> Counter[str]:
    """Cars charge in the rain; all that may be the learner's is theirs."""
    waits, books = world.rng("waits of the learner"), Books()
    return await chaos(
        world,
        profile,
        delays=lambda: my.backoff(waits),
        ledger=lambda path: books.of(my.Ledger(f"{path}.ledger")),
        **fit(machine=my.Machine, outbox=lambda store: my.Outbox(f"{store.path}.outbox")),
    )


@step.check("`rows()` has the nine keys that the accounts read")
def rows_tell(my: Any, kit: Kit) -> str:
    """Whoever writes the invoice needs to know who, where, from when to when, and how much (core 6.45, 6.49)."""
    with Boxes(my.Ledger, kit) as ledgers:
        ledger = ledgers.open()
        number = ledger.start("CP_1", start(kit))
        ledger.stop("CP_1", msgspec.structs.replace(stop(kit), transaction_id=number))
        (row,) = ledger.rows()
        missing = [key for key in KEYS if key not in row]
        kit.require(not missing, f"{len(missing)} missing", f"`rows()` lacks {', '.join(missing)}.")
        said = "the row has another id or identity than its start."
        kit.equal((row["id"], row["identity"]), (number, "CP_1"), said)
    return "9 keys"


@step.check("your `drill` breaks three broken stacks, and not yours")
async def drilled(my: Any, kit: Kit) -> str:
    """A drill is worth something if it finds the stack that is broken, and fair if a right one comes through it."""
    for name, (outbox, ledger) in BROKEN.items():
        said = f"the stack that {name} came through your drill: its one transaction is whole. Which moment hurts it?"
        kit.require(not await comes_through(kit, outbox, ledger, my.drill), f"{name}: unhurt", said)
    said = "your own outbox and ledger did not come through your drill with one whole transaction."
    kit.require(await comes_through(kit, my.Outbox, my.Ledger, my.drill), "yours is hurt", said)
    return f"{len(BROKEN)} of {len(BROKEN)} broken, yours whole"


@step.check("a second drain waits, also while the first waits for a retry")
async def one_drain(my: Any, kit: Kit) -> str:
    """Each connection that is accepted begins a drain; one that is not over still has the message (step 3.6)."""
    await crowds.in_the_retry_wait(my, kit)
    return "it waits"


@step.check("50 nights: each transaction once, in order; back in time", seconds=20)
def bad_nights(my: Any, kit: Kit) -> str:
    """Cuts, crashes of both sides, lost replies, CallErrors: nothing is lost (core 3.7), nothing invoiced twice."""
    return survives(kit, night, profile=NIGHT, my=my)
