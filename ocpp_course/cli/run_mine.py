"""`run_mine`: the stack that a learner has written, with its instruments, where it has to work.

Live on loopback against the real central system and against a foreign one, then under chaos by seed; in the end a fault
that nobody names. Every piece goes in by an argument that `ChargePoint` or `CentralSystem` has. Where the learner has
none yet, the package's goes in, and the first lines say so.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from random import Random
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

from ocpp_lab import messages as m
from ocpp_lab.central_system import CentralSystem, Policy
from ocpp_lab.charge_point import ChargePoint
from ocpp_lab.cli.inputs import BadInput
from ocpp_lab.clock import utc_now
from ocpp_lab.errors import CallFailed, CallTimeout, OcppError
from ocpp_lab.simulation import World, chaos, explore

from ..checks.dispatch_and_router.deploy_night import central_system as with_router
from ..checks.fitted import fit
from ..checks.integration_and_metrics.capstone import close_the_books
from ..checks.integration_and_metrics.hours import SECONDS, SEEDS, VERDICTS, hour
from ..checks.integration_and_metrics.instrumented import Instrumented
from ..checks.session_reconnect.capstone import NIGHT, Books
from ..checks.shelf import Shelf
from ..checks.smoke_tests.in_the_stack import InTheStack
from ..checks.step import step
from .course import exercises_folder
from .foreign_peer import ForeignCentralSystem, is_installed

WANTED = {
    "decode": "1.1",
    "encode": "1.2",
    "Transport": "1.4",
    "Router": "2.6",
    "backoff": "3.1",
    "Machine": "3.2",
    "Outbox": "3.6",
    "Ledger": "3.7",
    "Pending": "4.5",
    "Session": "4.7",
    "Heartbeat": "5.3",
    "Instruments": "6.1",
    "imbalance": "6.4",
    "diagnose": "6.5",
}
"""The pieces that the stack has a place for, and the step in which each was finished."""

PATIENCE = 15.0
"""Seconds that one line of the live part may take."""
FASTER = 100
"""The learner's waits are divided by this where time is real."""
CHUNK = 5
"""Nights between two lines of progress."""
AUTHORIZE = m.AuthorizeRequest(id_tag="TAG_A")

Say = Callable[[str], object]


class Stack:
    """The pieces, by name: ``stack.my.Session``. ``yours`` are those that the learner wrote."""

    def __init__(self, shelf: Shelf) -> None:
        self.my = SimpleNamespace()
        self.yours: list[str] = []
        for name, number in WANTED.items():
            this = step(number)
            kept = _load(shelf, number)
            piece = dict(zip(this.names, kept or this.references(), strict=True))[name]
            setattr(self.my, name, piece)
            if kept:
                self.yours.append(name)

    def __str__(self) -> str:
        theirs = [f"{name} ({number})" for name, number in WANTED.items() if name not in self.yours]
        said = f"{len(self.yours)} of {len(WANTED)} pieces are yours"
        return f"{said}; the package's: {', '.join(theirs)}" if theirs else said

    def charge_point(self, it: Instrumented, judge: Any) -> dict[str, Any]:
        """The arguments of a `ChargePoint` that are pieces; ``judge.broken(…)`` hears of a frame that is misread."""
        return fit(
            session=it.session(self.my.Session),
            transport=lambda pipe, **options: InTheStack(self.my, judge, it.pipe(pipe), **options),
            pending=self.my.Pending,
            machine=self.my.Machine,
            heartbeat=self.my.Heartbeat,
        )

    def central_system(self, rng: Random, ledger: Any, **options: Any) -> CentralSystem:
        """The real central system, with the learner's router and ledger."""
        return with_router(self.my.Router, rng, ledger=ledger, **options)


def _load(shelf: Shelf, number: str) -> tuple[Any, ...] | None:
    try:
        return shelf.load(step(number))
    except Exception as error:  # it passed once; whatever was made of the file since, its name is what helps
        path = shelf.module_path(number)
        raise BadInput(f"expected {path} as the check kept it; it cannot be imported: {error!r}") from None


class Judge:
    """Says what holds and what does not, and remembers whether all did."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self.all_well = True

    def broken(self, invariant: str, message: str, identity: str = "") -> None:
        self.tell(False, f"{invariant}: {message}")

    def expect(self, holds: object, invariant: str, message: str, identity: str = "") -> None:
        if not holds:
            self.broken(invariant, message)

    def tell(self, holds: object, what: str) -> None:
        self.all_well &= bool(holds)
        self.say(f"  {'✓' if holds else '✗'} {what}")

    async def sees(self, what: str, work: Awaitable[object]) -> None:
        """Tell whether this comes true in time."""
        try:
            async with asyncio.timeout(PATIENCE):
                came = await work
        except TimeoutError:
            self.tell(False, f"{what}: not after {PATIENCE:g} s")
        except Exception as error:  # of the learner's pieces: whatever it is, it is told, and the rest goes on
            self.tell(False, f"{what}: {type(error).__name__}: {error}")
        else:
            self.tell(came is None or came, what)


class _Calm(Random):
    """No handler takes its time where time is real."""

    def random(self) -> float:
        return 1.0


# --- live


async def live(stack: Stack, judge: Judge) -> None:
    """Against the real central system: boot, calls both ways, a transaction, faults, a cut; and the books."""
    with TemporaryDirectory() as folder:
        ledger = Books().of(stack.my.Ledger(f"{folder}/ledger.db"))
        async with stack.central_system(_Calm(), ledger, policy=Policy(), now=utc_now) as central_system:
            async with _charge_point(stack, judge, central_system.url, folder) as (charge_point, it):
                await _talk(judge, charge_point, central_system)
                await _misbehave(judge, charge_point, central_system)
                await _charge(judge, charge_point, central_system)
            close_the_books(judge, it, stack.my.imbalance)
            judge.tell(not it.differences(), f"the page agrees with {it.started.total()} calls")
        ledger.close()


@asynccontextmanager
async def _charge_point(
    stack: Stack, judge: Judge, url: str, folder: str
) -> AsyncIterator[tuple[ChargePoint, Instrumented]]:
    it, chance = Instrumented(stack.my.Instruments), Random(1)

    def delays() -> Iterator[float]:
        return (wait / FASTER for wait in stack.my.backoff(chance))

    outbox = stack.my.Outbox(f"{folder}/outbox.db")
    pieces = stack.charge_point(it, judge) | fit(outbox=outbox)
    charge_point = ChargePoint(url, "CP_1", connectors=2, timeout=1.0, delays=delays, **pieces)
    try:
        async with charge_point:
            await judge.sees("it boots", charge_point.wait_for("online"))
            yield charge_point, it
    finally:
        outbox.close()


async def _talk(judge: Judge, charge_point: ChargePoint, central_system: CentralSystem) -> None:
    await judge.sees("its calls are answered", charge_point.call(AUTHORIZE))
    session = central_system["CP_1"]
    asked = asyncio.gather(*(session.call(m.GetConfigurationRequest()) for _ in range(20)))
    await judge.sees("it answers twenty calls", asked)


async def _misbehave(judge: Judge, charge_point: ChargePoint, central_system: CentralSystem) -> None:
    faults = central_system.faults
    faults.ignore("Authorize", times=1)
    await judge.sees("silence is a timeout", _raises(CallTimeout, charge_point))
    faults.call_error("Authorize", times=1)
    await judge.sees("a CallError is told", _raises(CallFailed, charge_point))
    for fault in (faults.answer_twice, faults.wrong_id):
        fault("Authorize", times=1)
        with_fault = _ends(charge_point)
        await judge.sees(f"it lives through {fault.__name__.replace('_', ' ')}", with_fault)


async def _raises(kind: type[Exception], charge_point: ChargePoint) -> bool:
    return isinstance(await _outcome(charge_point), kind)


async def _ends(charge_point: ChargePoint) -> bool:
    await _outcome(charge_point)
    return isinstance(await charge_point.call(AUTHORIZE), m.AuthorizeResponse)


async def _outcome(charge_point: ChargePoint) -> Any:
    try:
        return await charge_point.call(AUTHORIZE)
    except OcppError as error:
        return error


async def _charge(judge: Judge, charge_point: ChargePoint, central_system: CentralSystem) -> None:
    """The connection is cut after the StartTransaction took effect: it goes out twice, and one row is written."""
    ledger: Any = central_system.ledger
    old = charge_point.session
    central_system.faults.abort("StartTransaction", times=1, effect=True)
    charge_point.charging.plug_in(1)
    charge_point.charging.start(1, "TAG_A")
    back = _until(lambda: charge_point.state == "online" and charge_point.session not in (old, None))
    await judge.sees("it comes back after a cut", back)
    await judge.sees("the transaction is resent", _until(lambda: not len(charge_point.outbox)))
    charge_point.charging.unplug(1)
    await judge.sees("its end arrives too", _until(lambda: [row["stopped"] for row in ledger.rows() if row["stopped"]]))
    judge.tell(len(ledger.rows()) == 1, f"rows in the ledger: {len(ledger.rows())}")


async def _until(holds: Callable[[], object]) -> None:
    """Look now and then; whoever calls this has the patience."""
    while not holds():  # noqa: ASYNC110 - these are probes of many parts, and none has an event for all
        await asyncio.sleep(0.01)


# --- the foreign peer


async def foreign(stack: Stack, judge: Judge) -> None:
    """Against a central system of the PyPI package ``ocpp``: boot, calls both ways, a transaction."""
    async with ForeignCentralSystem() as theirs:
        with TemporaryDirectory() as folder:
            async with _charge_point(stack, judge, theirs.url, folder) as (charge_point, it):
                await judge.sees("its calls are answered", charge_point.call(AUTHORIZE))
                charge_point.charging.plug_in(1)
                charge_point.charging.start(1, "TAG_A")
                await judge.sees("a transaction begins", _until(lambda: it.ended["StartTransaction", "result"]))
                charge_point.charging.unplug(1)
                await judge.sees("and ends", _until(lambda: it.ended["StopTransaction", "result"]))
                await judge.sees("it answers a call", theirs.call(theirs.calls.GetConfiguration()))
            close_the_books(judge, it, stack.my.imbalance)


# --- by seed


async def night(world: World, stack: Stack) -> Counter[str]:
    """Two drivers in the rain; all that may be the learner's is theirs, on both ends."""
    waits, books, it = world.rng("waits of the learner"), Books(), Instrumented(stack.my.Instruments)
    handlers = world.rng("handlers")
    counted = await chaos(
        world,
        NIGHT,
        central_system=lambda **options: stack.central_system(handlers, **options),
        ledger=lambda path: books.of(stack.my.Ledger(f"{path}.ledger")),
        delays=lambda: stack.my.backoff(waits),
        **fit(outbox=lambda store: stack.my.Outbox(f"{store.path}.outbox")),
        **stack.charge_point(it, world),
    )
    close_the_books(world, it, stack.my.imbalance)
    return counted


def nights(stack: Stack, judge: Judge, seeds: int, progress: Callable[[int], object]) -> None:
    """Chaos, seed by seed, until one breaks something."""
    for first in range(0, seeds, CHUNK):
        report = explore(lambda world: night(world, stack), range(first, min(first + CHUNK, seeds)))
        if failure := report.failure:
            judge.tell(False, f"seed {failure.seed}: {failure.message}")
            judge.say(failure.ladder)
            return
        progress(min(first + CHUNK, seeds))
    judge.tell(True, f"{seeds} nights survived, the books balance after each")


def planted(stack: Stack, judge: Judge, number: int) -> None:
    """An hour with a fault that is not named, for the learner's `diagnose`."""
    fault = Random(f"planted {number}").choice(VERDICTS)
    before, after = hour(fault, len(SEEDS) + number)
    try:
        said = stack.my.diagnose(before, after, SECONDS)
    except Exception as error:
        said = f"nothing, but raises {type(error).__name__}: {error}"
    judge.tell(said == fault, f"`diagnose` says {said}; it was {fault}")


def _run(judge: Judge, part: Coroutine[Any, Any, None]) -> None:
    """A piece that raises ends its part, and not the others."""
    try:
        asyncio.run(part)
    except Exception as error:
        judge.tell(False, f"it broke off: {type(error).__name__}: {error}")


def run_mine(*, seeds: int, number: int, say: Say, progress: Callable[[int], object]) -> bool:
    """All of it, told line by line. Whether everything held."""
    shelf = Shelf.here() or Shelf(exercises_folder() / "my_stack")
    stack, judge = Stack(shelf), Judge(say)
    logging.getLogger("ocpp_lab").addHandler(logging.NullHandler())  # trouble is made on purpose here
    say(str(stack))
    say("Live, against the central system:")
    _run(judge, live(stack, judge))
    if is_installed():
        say("Live, against the foreign central system (PyPI package ocpp):")
        _run(judge, foreign(stack, judge))
    else:
        say("No foreign central system: the PyPI package ocpp is not installed.")
    say(f"{seeds} nights of chaos, simulated:")
    nights(stack, judge, seeds, progress)
    say(f"A fault, planted (number {number}):")
    planted(stack, judge, number)
    return judge.all_well
