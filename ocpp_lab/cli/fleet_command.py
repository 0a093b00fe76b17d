"""`ocpp-lab fleet`: its options, its run, its progress."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from ..clock import utc_now
from ..pipe import is_loopback
from .app import one_line_errors
from .fast_loop import FastLoop
from .fleet import Fleet
from .fleet_report import progress, summary, turned_away
from .inputs import BadInput, client_tls, endpoint, within
from .run import stop_on_signals

MOST = 10_000
"""Charge points of one fleet. One takes some 150 kB, and a file descriptor."""
SPARE = 64
"""File descriptors that are not for connections."""

fleets = typer.Typer()
"""`fleet`."""


@fleets.command("fleet")
def fleet(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where the central system is; identities are appended.")],
    count: Annotated[int, typer.Option(metavar="NUMBER", help="How many charge points.")] = 50,
    connectors: Annotated[int, typer.Option(metavar="NUMBER", help="How many connectors each has.")] = 1,
    seed: Annotated[int, typer.Option(metavar="NUMBER", help="What the drivers do; the same seed, the same.")] = 1,
    hours: Annotated[float, typer.Option(metavar="HOURS", help="How long the drivers come and go.")] = 1.0,
    speed: Annotated[
        float, typer.Option(metavar="NUMBER", help="So many times faster passes their time: 60 is an hour a minute.")
    ] = 1.0,
    prefix: Annotated[str, typer.Option(metavar="TEXT", help="What all identities begin with.")] = "FLEET_",
    ca: Annotated[Path | None, typer.Option(metavar="FILE", help="Certificate (PEM) to trust, for wss://.")] = None,
    anywhere: Annotated[
        bool, typer.Option("--anywhere", help="Also dial another machine. Ask its owner before you do.")
    ] = False,
    lenient: Annotated[bool, typer.Option("--lenient", help="Let pass, and count, what is nearly right.")] = False,
) -> None:
    """Be many charge points with drivers, against anybody's central system.

    They boot, drivers come and go, energy flows. At the end: how fast the
    answers came, which errors, how many transactions, how much energy.

    \b
    Examples:
      ocpp-lab fleet ws://127.0.0.1:9000 --count 500 --hours 2 --speed 60
      ocpp-lab fleet ws://127.0.0.1:9000 --count 20 --seed 7
    """
    with one_line_errors():
        _at_home(url, anywhere)
        seconds = _within(hours, 0.001, 1000.0, "--hours") * 3600
        speed = _within(speed, 0.1, 1000.0, "--speed")
        within(connectors, 1, 100, "--connectors")
        _make_room(within(count, 1, MOST, "--count"))
        options: dict[str, Any] = {
            "count": count,
            "connectors": connectors,
            "seed": seed,
            "speed": speed,
            "prefix": prefix,
            "ssl": client_tls(url, ca),
            "lenient": lenient,
        }
        with asyncio.Runner(loop_factory=lambda: FastLoop(speed)) as runner:
            runner.run(_run(url, seconds, **options))


def _at_home(url: str, anywhere: bool) -> None:
    """`BadInput` for the URL of another machine that nobody has asked for."""
    host = urlsplit(endpoint(url)).hostname or ""
    if not anywhere and not is_loopback(host):
        raise BadInput(f"URL: expected this machine, came {host}; ask its owner, then add --anywhere")


async def _run(url: str, seconds: float, *, speed: float, **options: Any) -> None:
    loop = asyncio.get_running_loop()
    began, stop = loop.time(), stop_on_signals()
    first = utc_now() - timedelta(seconds=seconds - seconds / speed)  # so that no timestamp is in the future

    def now() -> datetime:
        return first + timedelta(seconds=loop.time() - began)

    try:
        many = Fleet(url, speed=speed, now=now, **options)
    except ValueError as error:
        raise BadInput(str(error)) from None
    shown = sys.stderr.isatty()

    async def tick(them: Fleet) -> None:
        while True:
            line = progress(them, min((loop.time() - began) / seconds, 1.0))
            typer.echo(f"\r{line:<78}" if shown else line, err=True, nl=not shown)
            await asyncio.sleep((1.0 if shown else 10.0) * speed)

    await many.run(seconds, stop, tick)
    if shown:
        typer.echo("", err=True)
    for line in summary(many, (loop.time() - began) / speed):
        typer.echo(line)
    if came := turned_away(many):
        raise BadInput(
            f"URL: expected a central system that lets them in, came: {came}; is it there, and does it know them?"
        )


def _within(value: float, low: float, high: float, option: str) -> float:
    if not low <= value <= high:
        raise BadInput(f"{option}: expected a number from {low:g} to {high:g}, came {value:g}; choose another")
    return value


def _make_room(count: int) -> None:
    """As many file descriptors as it takes, or `BadInput`."""
    try:
        import resource  # Windows has none, and no such limit
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + SPARE
    if hard != resource.RLIM_INFINITY and wanted > hard:
        raise BadInput(
            f"--count: expected at most {hard - SPARE}, which is what this system lets us open, came {count}"
        )
    if soft != resource.RLIM_INFINITY and wanted > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
