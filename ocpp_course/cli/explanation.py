"""What `ocpp-lab explain` does: logs in, text, JSON or a page out."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import typer

from ocpp_lab.cli.inputs import BadInput
from ocpp_lab.logs import Log, Seen, chapters
from ocpp_lab.logs.lines import bytes_in, bytes_of

from ..explain.anonymise import Anonymiser, flattened
from ..explain.as_json import as_json
from ..explain.details import details
from ..explain.digest import Digest, digest
from ..explain.ink import Ink
from ..explain.summary import summary

STDIN = "-"
LONG = 4_000_000
"""Bytes; a file that is longer shows how far it is read."""
NO_FRAMES = "expected OCPP frames, came none; turn on what is said above, and try again"
CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")


def digests(files: Sequence[str], identity: str | None, since: str | None) -> list[Digest]:
    """One for each log, cut down to what was asked for. Raises `BadInput` for what cannot be read, or is not there."""
    told = [_digest(name) for name in files]
    known = {name for each in told for name in each.stations}
    if identity is not None and identity not in known:
        there = ", ".join(sorted(filter(None, known))) or "none: this log names no charge point"
        raise BadInput(f"--id: expected one of {there}, came {identity!r}")
    if identity is None and since is None:
        return told
    return [each.only(identity, _instant(since, each)) for each in told]


def _digest(name: str) -> Digest:
    try:
        return digest("stdin" if name == STDIN else name, _chapters(name))
    except OSError as problem:
        raise BadInput(f"expected a log, came {name!r}: {problem.strerror or problem}") from None


def _chapters(name: str) -> Iterable[Log]:
    if name == STDIN:
        return chapters(sys.stdin.buffer)
    path = _file(name)
    with_progress = path.stat().st_size > LONG and sys.stderr.isatty()
    return chapters(path, progress=_progress(path) if with_progress else None)


def _file(name: str) -> Path:
    path = Path(name)
    if path.is_dir():
        raise BadInput(f"expected a log, came the folder {name!r}; name a file in it")
    if not path.exists():
        raise BadInput(f"expected a log, came {name!r}: there is no such file")
    return path


def _progress(path: Path) -> Callable[[int], None]:
    size = max(path.stat().st_size, 1)

    def tell(done: int) -> None:
        share = min(100 * done // size, 100)
        typer.echo(f"\r  {path.name}: {share} % read", nl=share >= 100, err=True)

    return tell


def _instant(text: str | None, of: Digest) -> datetime | None:
    """What ``--since`` means: an instant, or a time of day on the last day of the log."""
    if text is None:
        return None
    try:
        if CLOCK.fullmatch(text):
            last = of.last or datetime(1970, 1, 1, tzinfo=UTC)
            return datetime.combine(last.date(), time.fromisoformat(text.zfill(5)), last.tzinfo)
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"--since: expected a time such as 2026-06-06T20:15 or 20:15, came {text!r}") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


# --- out ----------------------------------------------------------------------------------------------------------


def show(told: Sequence[Digest], *, details: bool) -> None:
    """As text; coloured if it is a terminal that shows it, and NO_COLOR is not set."""
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    ink = Ink(colour, shutil.get_terminal_size().columns)
    _write("\n\n\n".join("\n".join(_lines(each, ink, details)) for each in told) + "\n")


def _lines(each: Digest, ink: Ink, with_details: bool) -> list[str]:
    return [*summary(each, ink), *(details(each, ink) if with_details else [])]


def show_json(told: Sequence[Digest]) -> None:
    """One object a line."""
    _write("".join(json.dumps(as_json(each)) + "\n" for each in told))


def write_page(told: Sequence[Digest], path: Path) -> None:
    """The page with pictures. Raises `BadInput` if it cannot be written."""
    from ..lab.report import page

    try:
        path.write_text(page(told), encoding="utf-8")
    except OSError as problem:
        raise BadInput(f"--html: expected a file that can be written, came {path}: {problem.strerror}") from None
    typer.echo(f"written: {path}", err=True)


def anonymise(files: Sequence[str]) -> None:
    """The logs themselves, without names. Each is read three times: for its frames, its names, and to be written."""
    for name in files:
        lines = _lines_of(name)
        identities: set[str] = set()
        frames: dict[int, Seen] = {}
        for log in chapters(lines()):
            identities |= {each for each in log.identities if each}
            frames |= {seen.line: seen for seen in log.seen if seen.last_line > seen.line}
        anonymiser = Anonymiser(sorted(identities))
        for line in flattened(lines(), frames.values()):
            anonymiser.learn(line)
        for line in flattened(lines(), frames.values()):
            _write(anonymiser.line(line))
        told = ", ".join(f"{count} {kind}" for kind, count in anonymiser.names.items()) or "nothing"
        typer.echo(f"{name}: replaced {told}; look through it before you show it", err=True)


def _lines_of(name: str) -> Callable[[], Iterable[str]]:
    if name == STDIN:
        kept = [line.decode("utf-8", "replace") for line in bytes_of(sys.stdin.buffer)]
        return lambda: kept
    path = _file(name)

    def lines() -> Iterator[str]:
        yield from (line.decode("utf-8", "replace") for line in bytes_in(path))

    return lines


def _write(text: str) -> None:
    out: Any = sys.stdout
    if hasattr(out, "reconfigure"):
        out.reconfigure(errors="backslashreplace")  # a terminal without arrows is no reason to fail
    out.write(text)
