"""What every command line of the project has: plain text, one version option, one line for an error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Annotated

import typer

from .inputs import BadInput

BAD_INPUT = 2  # exit code, the same as for an unknown option


def command_line(text: str, *groups: typer.Typer) -> typer.Typer:
    """A command line that explains itself with this text and has the commands of these groups."""
    app = typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,  # plain text: readable in every terminal, pipe and log
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(help=text)(_version_option)
    for group in groups:
        app.add_typer(group)
    return app


def _version_option(
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", callback=lambda wanted: _version(wanted), is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None: ...


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ocpp-lab {version('ocpp-lab')}, OCPP 1.6-J")
        raise typer.Exit


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Bad input ends the program with one line and no traceback: `BadInput` becomes typer's Exit."""
    try:
        yield
    except BadInput as problem:
        typer.secho(f"error: {problem}", fg="red", err=True)
        raise typer.Exit(BAD_INPUT) from None
