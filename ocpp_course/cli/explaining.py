"""The command `explain`, with its options: what stands in anybody's OCPP log, and what is wrong there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ocpp_lab.cli.inputs import BadInput

from .commands import ready

explaining = typer.Typer()
"""`explain`."""

FOUND = 1
"""Exit code if something is wrong in a log, so that a script can tell."""


@explaining.command("explain")
def explain(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Logs; - reads from stdin.")],
    identity: Annotated[str | None, typer.Option("--id", metavar="NAME", help="Only this charge point.")] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Only what happened since: 2026-06-06T20:15, or 20:15 of the log's last day."
        ),
    ] = None,
    summary: Annotated[bool, typer.Option("--summary", help="The summary alone, without details.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object for each log, for programs.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Also write a page with ladders to step through.")
    ] = None,
    anonymise: Annotated[
        bool,
        typer.Option(
            "--anonymise",
            help="Write the log itself instead, with identities, tags and serial numbers replaced and secrets masked.",
        ),
    ] = False,
) -> None:
    """Explain a log: who charged how much, and what went wrong.

    Any log with OCPP 1.6-J frames in it is read, whoever wrote it: SteVe, Home
    Assistant, evcc, MicroOcpp, EVerest, mobilityhouse/ocpp, or a trace file of
    this program. Nothing leaves this machine.

    Exit status: 0 nothing is wrong, 1 something is, 2 the log cannot be read.

    \b
    Examples:
      ocpp-lab explain steve.log
      ocpp-lab explain steve.log --id CP_1 --since 20:15 --html report.html
      docker logs evcc | ocpp-lab explain -
      ocpp-lab explain steve.log --anonymise > to-show.log
    """
    with ready():
        from . import explanation as work

        if anonymise and (as_json or html or summary or identity or since):
            raise BadInput("--anonymise writes the whole log and nothing else: leave out the other options")
        if anonymise:
            work.anonymise(files)
            return
        told = work.digests(files, identity, since)
        if html:
            work.write_page(told, html)
        work.show_json(told) if as_json else work.show(told, details=not summary)
        if any(each.findings for each in told):
            raise typer.Exit(FOUND)
        if not all(each.frames for each in told):
            raise BadInput(work.NO_FRAMES)
