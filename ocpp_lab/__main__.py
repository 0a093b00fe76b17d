"""The command line: the two ends of a line, and the course. ``python -m ocpp_lab`` is the same as ``ocpp-lab``."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from . import messages as m
from .central_system import Ledger, Policy
from .cli.inputs import (
    BadInput,
    client_tls,
    endpoint,
    one_of,
    positive,
    read_password,
    read_passwords,
    server_tls,
    within,
)
from .cli.run import run_central_system, run_charge_point
from .codec import encode_payload
from .errors import PayloadError

BAD_INPUT = 2  # exit code, the same as for an unknown option
A_DAY = 86_400  # s; at least one heartbeat a day sets the clock (J-spec 5.3)
MAX_CONNECTORS = 1000  # ours; each is a StatusNotification at every boot

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,  # plain text: readable in every terminal, pipe and log
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ocpp-lab {version('ocpp-lab')}, OCPP 1.6-J")
        raise typer.Exit


@app.callback()
def ocpp_lab(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """A central system and a charge point that speak OCPP 1.6-J, and a course about them.

    Marks in the output: > sent, < received, = state, ! trouble.

    \b
    Try it, in two terminals:
      ocpp-lab central-system --interval 5
      ocpp-lab charge-point ws://127.0.0.1:9000 --identity CP_1

    \b
    In a clone of the project:
      ocpp-lab progress                  how far you are
      ocpp-lab grade exercises           the points of all your notebooks
      ocpp-lab run-mine                  the stack that you wrote, live and in chaos
    """


# The types of the options that both commands have.
Timeout = Annotated[float, typer.Option(metavar="SECONDS", help="How long a call of ours waits for its answer.")]
TraceFlag = Annotated[bool, typer.Option("--trace", help="Show frames as they are on the wire.")]


def _file(text: str) -> Any:
    return typer.Option(metavar="FILE", help=text)


@app.command("central-system")
def central_system(
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen; 0.0.0.0: everywhere.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="PORT", help="0 takes a free one.")] = 9000,
    identity: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Let in this charge point; repeat it for more. Default: everybody."),
    ] = None,
    password_file: Annotated[
        Path | None, _file("Lines of identity:key, # for comments. A key is text, or hex of 16 to 20 bytes.")
    ] = None,
    cert: Annotated[Path | None, _file("Certificate (PEM), for wss://; needs --key.")] = None,
    key: Annotated[Path | None, _file("Private key (PEM) of the certificate.")] = None,
    interval: Annotated[
        int, typer.Option(metavar="SECONDS", help="Heartbeat interval that a boot is answered with.")
    ] = 300,
    registration: Annotated[
        str, typer.Option(metavar="Accepted|Pending|Rejected", help="Status that a boot is answered with.")
    ] = "Accepted",
    unknown_tag: Annotated[
        str,
        typer.Option(
            metavar="Accepted|Blocked|Expired|Invalid|ConcurrentTx", help="What the tag of a driver is answered with."
        ),
    ] = "Accepted",
    timeout: Timeout = 30.0,
    ledger: Annotated[Path | None, _file("Keep transactions in this sqlite file. Default: in memory.")] = None,
    no_require_boot: Annotated[
        bool, typer.Option("--no-require-boot", help="Also answer calls that come before an accepted boot.")
    ] = False,
    trace: TraceFlag = False,
) -> None:
    """Be a central system, until Ctrl-C.

    Charge points connect to ws://ADDRESS:PORT/NAME. Without --password-file
    anybody who reaches it can be any charge point.

    While it runs, type a call and Enter to send it to a charge point.

    \b
    Examples:
      ocpp-lab central-system --interval 5
      ocpp-lab central-system --host 0.0.0.0 --password-file keys.txt \\
               --cert server.pem --key server.key
      CP_1 Reset {"type": "Soft"}                 (typed while it runs)
    """
    with _one_line_errors():
        policy = Policy(
            registration=one_of(registration, m.RegistrationStatus, "--registration"),
            interval=within(interval, 0, A_DAY, "--interval"),
            unknown_tag=one_of(unknown_tag, m.AuthorizationStatus, "--unknown-tag"),
        )
        options: dict[str, Any] = {
            "host": host,
            "port": within(port, 0, 65535, "--port"),
            "identities": identity or None,
            "passwords": read_passwords(password_file, identity) if password_file else None,
            "ssl": server_tls(cert, key),
            "policy": policy,
            "timeout": positive(timeout, "--timeout"),
            "require_boot": not no_require_boot,
        }
        with closing(_open_ledger(ledger)) as book:
            asyncio.run(run_central_system(raw=trace, ledger=book, **options))


@app.command("charge-point")
def charge_point(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where the central system is; the identity is appended.")],
    identity: Annotated[str, typer.Option(metavar="NAME", help="Who this charge point is.")] = "CP_1",
    connectors: Annotated[int, typer.Option(metavar="NUMBER", help="How many connectors it has.")] = 1,
    password_file: Annotated[Path | None, _file("One line with the key: text, or hex of 16 to 20 bytes.")] = None,
    ca: Annotated[
        Path | None, _file("Certificate (PEM) to trust, for wss://. Default: those of this computer.")
    ] = None,
    vendor: Annotated[str, typer.Option(metavar="TEXT", help="chargePointVendor of its boot.")] = "OCPP Lab",
    model: Annotated[str, typer.Option(metavar="TEXT", help="chargePointModel of its boot.")] = "One",
    timeout: Timeout = 30.0,
    trace: TraceFlag = False,
) -> None:
    """Be a charge point, until Ctrl-C.

    It connects, boots, sends heartbeats, answers the central system, and comes
    back after a loss.

    \b
    Examples:
      ocpp-lab charge-point ws://127.0.0.1:9000 --identity CP_1 --connectors 2
      ocpp-lab charge-point wss://csms.example/ocpp --identity CP_1 \\
               --password-file key.txt --ca ca.pem
    """
    with _one_line_errors():
        options: dict[str, Any] = {
            "connectors": within(connectors, 1, MAX_CONNECTORS, "--connectors"),
            "boot": _boot(vendor, model),
            "password": read_password(password_file, identity) if password_file else None,
            "ssl": client_tls(endpoint(url), ca),
            "timeout": positive(timeout, "--timeout"),
        }
        asyncio.run(run_charge_point(url, identity, raw=trace, **options))


# --- the course: imported only when asked for, because the checks bring a simulated network with them


@app.command("progress")
def progress() -> None:
    """Show how far you are: every step of the exercises with its points."""
    from .cli.course import your_board

    with _one_line_errors():
        typer.echo(repr(your_board()))


@app.command("reset")
def reset(
    milestone: Annotated[str, typer.Argument(metavar="NN", help="The exercise: 01 to 06.")],
) -> None:
    """Make an exercise fresh. The old one is kept beside it; nothing is deleted."""
    from .cli import course

    with _one_line_errors():
        typer.echo(course.reset(milestone))


@app.command("grade")
def grade(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[NOTEBOOK|FOLDER]...", help="Default: the folder exercises.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write all that was found.")] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write one row for each step.")] = None,
    jobs: Annotated[int, typer.Option(metavar="N", help="Notebooks at a time; 0: one for each core.")] = 0,
    seed: Annotated[int, typer.Option(metavar="N", help="Draws the inputs of the checks.")] = 0,
    seconds: Annotated[float, typer.Option(metavar="SECONDS", help="The most that one notebook may take.")] = 60.0,
) -> None:
    """Grade notebooks: one, or a folder with those of a class.

    Each is judged on a copy, in a process of its own with limits on time, memory,
    files and processes. The last line says what else this system could shut off.
    Points are given by the checks of the installed package alone.

    \b
    Examples:
      ocpp-lab grade exercises/03_session_reconnect.ipynb
      ocpp-lab grade class/ --csv points.csv --json points.json
    """
    from .cli import course

    with _one_line_errors():
        told = course.run_grading(
            paths or [],
            jobs=within(jobs, 0, 64, "--jobs") or course.cores(),
            seed=seed,
            seconds=positive(seconds, "--seconds"),
            json_file=json_file,
            csv_file=csv_file,
            bar=_progress_bar,
        )
        typer.echo(told)


@app.command("run-mine")
def run_mine(
    seeds: Annotated[int, typer.Option(metavar="N", help="Nights of chaos.")] = 100,
    number: Annotated[int, typer.Option("--fault", metavar="N", help="Draws the fault that is planted.")] = 1,
) -> None:
    """Run the stack that you wrote, with your instruments.

    Live against the central system and against a foreign one (the PyPI package
    ocpp), then in a hundred nights of chaos. In the end your diagnose has to name
    a planted fault. Where a step is not done yet, the package's piece goes in.
    """
    from .cli import run_mine as mine

    with _one_line_errors():
        well = mine.run_mine(
            seeds=within(seeds, 1, 100_000, "--seeds"),
            number=within(number, 0, 10**9, "--fault"),
            say=typer.echo,
            progress=_nights_line(seeds),
        )
    raise typer.Exit(0 if well else 1)


def _nights_line(seeds: int) -> Any:
    """On a terminal, a line that counts the nights; elsewhere nothing."""
    if not sys.stderr.isatty():
        return lambda done: None
    return lambda done: typer.echo(f"\r  {done} of {seeds} nights", nl=done >= seeds, err=True)


def _progress_bar(found: Any) -> Any:
    """On a terminal, a bar that moves with each notebook; elsewhere nothing."""
    if not sys.stderr.isatty():
        return lambda graded: None
    bar = typer.progressbar(length=len(found), label="grading", file=sys.stderr)
    return lambda graded: bar.update(1)


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """Bad input ends the program with one line and no traceback."""
    try:
        yield
    except BadInput as problem:
        typer.secho(f"error: {problem}", fg="red", err=True)
        raise typer.Exit(BAD_INPUT) from None


def _boot(vendor: str, model: str) -> m.BootNotificationRequest:
    request = m.BootNotificationRequest(charge_point_vendor=vendor, charge_point_model=model)
    try:
        encode_payload(request)
    except PayloadError as problem:
        raise BadInput(f"--vendor and --model: {problem.description}") from None
    return request


def _open_ledger(path: Path | None) -> Ledger:
    try:
        return Ledger(str(path)) if path else Ledger()
    except sqlite3.Error as error:
        raise BadInput(f"--ledger {path}: expected an sqlite file in a folder that exists: {error}") from None


if __name__ == "__main__":
    app()
