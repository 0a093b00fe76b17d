"""Two runs: a central system or a charge point, from its options to Ctrl-C, the story on the screen."""

from __future__ import annotations

import asyncio
import errno
import signal
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from ..central_system import CentralSystem
from ..charge_point import ChargePoint
from ..errors import HandshakeRefused, NotConnected, StoreFailed
from ..metrics import forgiven, watch_central_system
from ..trace import Trace
from .auto_driver import STREET_TAGS, AutoDriver
from .console import EXAMPLE, Console
from .driver_console import A_DRIVER_SAYS, DriverConsole
from .inputs import BadInput, open_trace_file
from .story import LogLines, Story
from .typed import TypedLines


async def run_central_system(*, raw: bool, file: Path | None = None, metrics: bool = False, **options: Any) -> None:
    """Serve until Ctrl-C or SIGTERM; then close every connection with 1001. The trace also goes into ``file``; with
    ``metrics`` there is a page for Prometheus.

    Raises `BadInput` if it cannot listen, or not write there.
    """
    stop = stop_on_signals()
    story = Story(raw=raw, on_closed=stop.set)
    with closing(story), LogLines(story), _told(story, file) as trace:
        central_system = CentralSystem(trace=trace, **options)
        try:
            await central_system.start()
        except OSError as error:
            raise BadInput(why_not_listening(central_system.host, central_system.port, error)) from None
        if metrics:
            watch_central_system(central_system)
            story.say("=", f"metrics at {central_system.url.replace('ws', 'http', 1)}/metrics")
        await _serve(central_system, story, stop)
        tell_forgiven(story, forgiven(central_system.tally, central_system.notes))


async def _serve(central_system: CentralSystem, story: Story, stop: asyncio.Event) -> None:
    """Charge points are served by the central system itself; the group holds what the operator calls."""
    async with asyncio.TaskGroup() as group:
        console = Console(central_system, group, story.say, story.show)
        typed = TypedLines(console.typed, partial(story.say, "!"), tab=console.tab)
        typing = f"type help, who, or a call such as: {EXAMPLE} - " if typed.open() else ""
        story.say("=", f"{typing}stop with Ctrl-C")
        try:
            await stop.wait()
        finally:
            typed.close()
            await central_system.stop()  # here, not after the group: calls still out then end with ConnectionLost


async def run_charge_point(
    url: str, identity: str, *, raw: bool, file: Path | None = None, auto: int | None = None, **options: Any
) -> None:
    """Stay connected until Ctrl-C or SIGTERM; a driver does what is typed. The trace also goes into ``file``.

    ``auto``: a driver comes and goes by himself at each connector; it is the seed of what he does. Raises `BadInput`
    for an identity that no charge point can have, and for a file that cannot be written.
    """
    stop = stop_on_signals()
    story = Story(raw=raw, on_closed=stop.set)
    with closing(story), LogLines(story, hint), _told(story, file) as trace:
        try:
            charge_point = ChargePoint(url, identity, trace=trace, **options)
        except ValueError as error:
            raise BadInput(str(error)) from None
        except StoreFailed as error:
            raise BadInput(f"--path {error}") from None
        async with charge_point:
            await _drive(charge_point, story, stop, auto)
        tell_forgiven(story, forgiven(charge_point.tally, charge_point.router.notes))


async def _drive(charge_point: ChargePoint, story: Story, stop: asyncio.Event, auto: int | None) -> None:
    """The drivers, those who type and those who come by themselves, until it shall stop or the charge point ends."""
    async with asyncio.TaskGroup() as group:
        console = DriverConsole(charge_point, group, story.say)
        typed = TypedLines(console.typed, partial(story.say, "!"))
        typing = f"type what a driver does, such as: {A_DRIVER_SAYS}, or help - " if typed.open() else ""
        story.say("=", f"dials {charge_point.dialler.url}; {typing}stop with Ctrl-C", charge_point.identity)
        ended = group.create_task(_ended(charge_point), name="end of the charge point")
        asked = group.create_task(stop.wait(), name="end of the run")
        beside = [ended, asked, *_drivers(charge_point, group, auto)]
        try:
            await asyncio.wait([ended, asked], return_when=asyncio.FIRST_COMPLETED)
        finally:
            typed.close()
            for task in beside:
                task.cancel()


def _drivers(charge_point: ChargePoint, group: asyncio.TaskGroup, auto: int | None) -> list[asyncio.Task[None]]:
    if auto is None:
        return []
    return [
        group.create_task(
            AutoDriver(charge_point, number, Random(f"{auto} {number}"), STREET_TAGS).run(), name=f"driver {number}"
        )
        for number in charge_point.connectors
        if number
    ]


@contextmanager
def _told(story: Story, path: Path | None) -> Iterator[Trace]:
    """A trace that is told on the screen, and in a file if one is wanted."""
    trace = Trace(1)
    file = open_trace_file(path, lambda trouble: story.say("!", f"--trace-file {trouble}"))
    if file:
        trace.subscribe(file.tell)
    trace.subscribe(story.tell)
    with file or nullcontext():
        yield trace
    if file and file.missed:
        story.say("!", f"--trace-file {path}: {file.missed} events are missing in it")


def tell_forgiven(story: Story, what: Mapping[str, int]) -> None:
    """Say at the end what the peer did not do as it is written, and was let pass."""
    counts = [f"{name}: {count}" for name, count in what.items() if count]
    if counts:
        story.say("!", f"payloads that were let pass, by what was wrong with them: {', '.join(counts)}")


def stop_on_signals() -> asyncio.Event:
    """An event that Ctrl-C or SIGTERM sets. A second one, later, does not wait for the farewells."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]

    def first() -> None:
        stop.set()
        loop.call_later(0.5, forget)  # not at once: timeout(1) and others send a signal twice

    def forget() -> None:
        for signum in signals:
            loop.remove_signal_handler(signum)

    with suppress(
        NotImplementedError
    ):  # Windows: Ctrl-C arrives as KeyboardInterrupt, which asyncio turns into a cancel
        for signum in signals:
            loop.add_signal_handler(signum, first)
    return stop


async def _ended(charge_point: ChargePoint) -> None:
    """A charge point never ends by itself, but for a bug; leaving its `async with` then raises it."""
    with suppress(NotConnected):
        await charge_point.wait_for("stopped")


def why_not_listening(host: str, port: int, error: OSError) -> str:
    """One line about a port that cannot be had."""
    where = f"{host}:{port}"
    if error.errno == errno.EADDRINUSE:
        return f"expected a free port, but {where} is in use; choose another with --port, or --port 0 for a free one"
    if error.errno == errno.EACCES:
        return f"expected a port that you may open, came {where}; choose one above 1023 with --port"
    return f"expected an address of this machine, came {where}: {error.strerror or error}; choose another with --host"


def hint(error: object) -> str | None:
    """What to try when dialling fails."""
    match error:
        case HandshakeRefused(status=400):
            return "check the URL; a port that speaks wss:// answers so to ws://"
        case HandshakeRefused(status=401):
            return "check the key in --password-file"
        case HandshakeRefused(status=404):
            return "check --identity and the URL: the central system does not know this charge point"
        case ConnectionRefusedError():
            return "is the central system running there?"
        case TimeoutError():
            return "check the URL: its host, its port, and whether it should begin with ws:// or with wss://"
    return None
