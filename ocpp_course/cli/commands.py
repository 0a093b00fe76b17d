"""The commands of the course, with their options. What they do is imported only when one is asked for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from ocpp_lab.cli.app import one_line_errors
from ocpp_lab.cli.inputs import BadInput, positive, within

INTERRUPTED = 130
"""Exit code of a command that Ctrl-C has ended, as shells have it."""
course = typer.Typer()
"""`progress`, `reset`, `grade` and `run-mine`."""


@course.command("progress")
def progress() -> None:
    """Show how far you are: every step of the exercises with its points."""
    with ready():
        from .course import your_board

        typer.echo(repr(your_board()))


@course.command("reset")
def reset(
    milestone: Annotated[str, typer.Argument(metavar="NN", help="The exercise: 01 to 06.")],
) -> None:
    """Make an exercise fresh. The old one is kept beside it; nothing is deleted."""
    with ready():
        from . import course as work

        typer.echo(work.reset(milestone))


@course.command("grade")
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
    with ready(), _interruptible():
        from . import course as work

        told = work.run_grading(
            paths or [],
            jobs=within(jobs, 0, 64, "--jobs") or work.cores(),
            seed=seed,
            seconds=positive(seconds, "--seconds"),
            json_file=json_file,
            csv_file=csv_file,
            bar=_progress_bar,
        )
        typer.echo(told)


@course.command("run-mine")
def run_mine(
    seeds: Annotated[int, typer.Option(metavar="N", help="Nights of chaos.")] = 100,
    number: Annotated[int, typer.Option("--fault", metavar="N", help="Draws the fault that is planted.")] = 1,
) -> None:
    """Run the stack that you wrote, with your instruments.

    Live against the central system and against a foreign one (the PyPI package
    ocpp), then in a hundred nights of chaos. In the end your diagnose has to name
    a planted fault. Where a step is not done yet, the package's piece goes in.
    """
    with ready():
        from . import run_mine as mine

        well = mine.run_mine(
            seeds=within(seeds, 1, 100_000, "--seeds"),
            number=within(number, 0, 10**9, "--fault"),
            say=typer.echo,
            progress=_nights_line(seeds),
        )
    raise typer.Exit(0 if well else 1)


@contextmanager
def ready() -> Iterator[None]:
    """Bad input ends with one line, and so does a missing extra of the installation."""
    with one_line_errors():
        try:
            yield
        except ModuleNotFoundError as missing:
            raise BadInput(
                f"this command needs the package {missing.name}, which is not installed; "
                "the extra `lab` brings it: pip install 'ocpp-lab[lab]', or `make lab` in a clone"
            ) from None


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C keeps what was graded, and says where it is."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("stopped; what was graded is in the files of --json and --csv", err=True)
        raise typer.Exit(INTERRUPTED) from None


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
