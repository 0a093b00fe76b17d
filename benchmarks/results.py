"""`Results`: the numbers of one run, and the file that keeps them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from .chapter import Chapter
from .entries import ENTRIES
from .machine import Machine

DIGITS = 5
"""Significant digits that are kept: more than any of these numbers is worth."""


class Results(msgspec.Struct, frozen=True):
    """``found``: what each entry found, by its name."""

    machine: Machine
    quick: bool
    found: dict[str, Any]

    def chapters(self) -> list[Chapter]:
        """Of all entries that were measured, in their order."""
        measured = [(entry, self.found[name]) for name, entry in ENTRIES.items() if name in self.found]
        return [chapter for entry, found in measured for chapter in entry.chapters(found)]


def save(results: Results, path: Path) -> None:
    """Write JSON, one figure on a line, so that two runs can be compared."""
    plain = _rounded(msgspec.to_builtins(results, str_keys=True))
    path.write_bytes(msgspec.json.format(msgspec.json.encode(plain), indent=1) + b"\n")


def load(path: Path) -> Results:
    """Read what `save` wrote. Raises `msgspec.ValidationError` if it was another edition that did."""
    results = msgspec.json.decode(path.read_bytes(), type=Results)
    found = {
        name: msgspec.convert(results.found[name], entry.kind, str_keys=True)
        for name, entry in ENTRIES.items()
        if name in results.found
    }
    return Results(results.machine, results.quick, found)


def _rounded(value: Any) -> Any:
    match value:
        case float():
            return float(f"{value:.{DIGITS}g}")
        case dict():
            return {key: _rounded(each) for key, each in value.items()}
        case list() | tuple():
            return [_rounded(each) for each in value]
    return value
