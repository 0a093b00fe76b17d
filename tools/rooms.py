"""The rooms of both packages: their order, read from the map in `ocpp_lab/__init__.py`, and who imports whom, by `ast`.

Nothing here imports what it reads, so it also reads a house that does not stand.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("ocpp_lab", "ocpp_course")
MOVED_AWAY = {"ocpp_lab.checks", "ocpp_lab.lab"}  # they say where to, and nothing else

_BAND = re.compile(r"^ {4}(\S.*)$")
_ROOM = re.compile(r"^ {8}(?P<name>\w+) {2,}(?P<purpose>\S.*?) {2,}(?P<milestones>\d(?:, \d)*|all|-)$")


class Room(NamedTuple):
    """A line of the map. ``milestones``: where the course builds it; ``(0,)`` is all of them, ``()`` none."""

    name: str
    band: str
    purpose: str
    milestones: tuple[int, ...]


def stack(root: Path = ROOT) -> list[Room]:
    """The rooms of `ocpp_lab`, bottom to top, as the map at the top of its ``__init__.py`` lists them."""
    text = ast.get_docstring(ast.parse((root / "ocpp_lab" / "__init__.py").read_text(encoding="utf-8"))) or ""
    rooms: list[Room] = []
    band = ""
    for line in text.partition("::\n")[2].splitlines():
        if found := _ROOM.match(line):
            rooms.append(Room(found["name"], band, found["purpose"], _numbers(found["milestones"])))
        elif found := _BAND.match(line):
            band = found[1]
        elif line.startswith(" "):
            raise ValueError(f"expected a room, what it is for and its milestones, two spaces apart, came {line!r}")
        elif line:
            break  # the map is over
    return rooms


def _numbers(text: str) -> tuple[int, ...]:
    return {"all": (0,), "-": ()}.get(text) or tuple(int(number) for number in re.findall(r"\d", text))


def sources(root: Path = ROOT) -> list[Path]:
    """Every file of both packages, but those that only say where something has gone."""
    found = (path for package in PACKAGES for path in (root / package).rglob("*.py"))
    return sorted(path for path in found if room_of(path, root) not in MOVED_AWAY)


def room_of(path: Path, root: Path = ROOT) -> str:
    """``ocpp_lab/charge_point/core.py`` is in ``ocpp_lab.charge_point``; ``ocpp_lab/__init__.py`` in ``ocpp_lab``."""
    package, first = path.relative_to(root).parts[:2]
    room = first.removesuffix(".py")
    return package if room == "__init__" else f"{package}.{room}"


def imports(path: Path, root: Path = ROOT) -> tuple[str, ...]:
    """Absolute names of what a file imports, wherever in it: ``ocpp_lab.frames.Call``, ``asyncio``."""
    return _imported(path.read_text(encoding="utf-8"), path.relative_to(root).parent.parts)


@cache
def _imported(text: str, parents: tuple[str, ...]) -> tuple[str, ...]:
    """Of a source in this folder. Many ask, of copies of the house too, and few files change."""
    found: list[str] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            base = parents[: len(parents) + 1 - node.level] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            found += [f"{module}.{alias.name}" for alias in node.names]
    return tuple(found)


def rooms_imported(path: Path, root: Path = ROOT) -> set[str]:
    """Names of rooms; what the package itself exports comes from ``ocpp_lab``."""

    def is_a_room(package: str, room: str = "") -> bool:
        return bool(room) and ((root / package / room).is_dir() or (root / package / f"{room}.py").is_file())

    inside = [name.split(".")[:2] for name in imports(path, root) if name.split(".")[0] in PACKAGES]
    return {".".join(parts) if is_a_room(*parts) else parts[0] for parts in inside}


def graph(root: Path = ROOT) -> dict[str, set[str]]:
    """Of every room of both packages: the other rooms that it imports."""
    found: dict[str, set[str]] = {}
    for path in sources(root):
        room = room_of(path, root)
        found.setdefault(room, set()).update(rooms_imported(path, root) - {room})
    return found


def below(imported: dict[str, set[str]], rooms: set[str]) -> set[str]:
    """Everything that these rooms import, and what that imports, and so on."""
    found: set[str] = set()
    queue = list(rooms)
    while queue:
        new = imported.get(queue.pop(), set()) - found
        found |= new
        queue += new
    return found


def thinned(imported: dict[str, set[str]]) -> dict[str, set[str]]:
    """The same graph without what is imported through another room as well (its transitive reduction)."""
    return {
        room: {other for other in others if other not in below(imported, others - {other})}
        for room, others in imported.items()
    }
