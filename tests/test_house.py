"""The house rules of DESIGN.md that a machine can check: who imports whom, what is installed, what files contain."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import groupby
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house import ROOT, name_of, tracked
from tools.rooms import PACKAGES, imports, room_of, rooms_imported, sources, stack

# Bottom to top, as the map at the top of ocpp_lab/__init__.py has it. A room imports only from rooms before it; the
# course from the whole stack, never the other way round.
MAP = stack()
STACK = [room.name for room in MAP]
COURSE = ["saving", "checks", "grading", "explain", "lab", "cli", "__main__"]
ROOMS = [*(f"ocpp_lab.{room}" for room in STACK), *(f"ocpp_course.{room}" for room in COURSE)]
NOT_EXPORTED = {
    f"ocpp_lab.{room}" for room in ("simulation", "logs", "cli", "__main__")
}  # ocpp_lab/__init__.py leaves them out
ONLY_IN = {
    "matplotlib": {"ocpp_course.lab"},
    "ipywidgets": {"ocpp_course.lab"},
    "IPython": {"ocpp_course.lab"},
    "simloop": {"ocpp_lab.simulation", "ocpp_course.checks", "ocpp_course.lab"},
    "threading": {"ocpp_lab.simulation", "ocpp_course.checks", "ocpp_course.lab"},
    "typer": {"ocpp_lab.cli", "ocpp_course.cli"},
}
WHOLES = {
    "ocpp_lab.central_system": "central_system",
    "ocpp_lab.charge_point": "charge_point",
    "ocpp_lab.chaos_proxy": "proxy",
}
"""Folders whose parts know nothing of the whole that holds them, and the file of that whole."""
PIECES = {"Transport", "Session", "Pending", "Router", "Outbox", "Ledger", "Heartbeat", "Machine", "WebSocketPipe"}
"""What may be somebody else's."""
ASKING_NOBODY = [f"ocpp_lab.{room}" for room in STACK if room != "cli"]
FOREIGN_NAMES = {"max_size", "method", "action", "details", "__qualname__", "__module__", "_streams"}
"""Looked up on what is no piece: asyncio's transport, a request of websockets, what a user registers, simloop's net."""
MAX_LINES = 350


# --- who imports whom ---------------------------------------------------------------------------------------------


def test_both_packages_are_read() -> None:
    """A rule that reads no file holds everywhere."""
    read = {package: [path for path in sources() if path.is_relative_to(ROOT / package)] for package in PACKAGES}
    assert len(read["ocpp_lab"]) > 50 and len(read["ocpp_course"]) > 50


def test_every_room_is_in_the_list() -> None:
    unknown = {room_of(path) for path in sources()} - set(ROOMS) - set(PACKAGES)
    assert not unknown, f"add {unknown} to the map in ocpp_lab/__init__.py or to COURSE here, after all that it imports"


def test_the_map_is_true() -> None:
    """Every room once, in words that fit on a line, and only milestones that there are."""
    assert len(STACK) > 25, "a map that cannot be read lists nothing, and every rule about rooms holds"
    assert {f"ocpp_lab.{name}" for name in STACK} == {room for room in map(room_of, sources()) if "_lab." in room}
    assert len(set(STACK)) == len(STACK)
    assert [room.name for room in MAP if not room.band or len(room.purpose) > 70] == []
    notebooks = {int(path.name[:2]) for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.py")} - {0}
    assert {number for room in MAP for number in room.milestones} - {0} == notebooks


def test_bands_are_said_once() -> None:
    """The map's headings: a band that comes twice would be drawn as one, with others in between."""
    bands = [band for band, _ in groupby(MAP, lambda room: room.band)]
    assert len(bands) == len(set(bands))


@pytest.mark.parametrize("line", ["frames  text", "frames  text  seven", "frames text  1"])
def test_a_line_of_the_map_that_is_none_is_refused(tmp_path: Path, line: str) -> None:
    """Or the room would be missing in silence."""
    (tmp_path / "ocpp_lab").mkdir()
    text = f'"""Words. ::\n\n    a band\n        errors  what can go wrong  1\n        {line}\n\nMore words.\n"""\n'
    (tmp_path / "ocpp_lab" / "__init__.py").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="expected a room"):
        stack(tmp_path)


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_imports_point_down(path: Path) -> None:
    """DESIGN.md, Layout: a room imports only from rooms below it, and the stack nothing of the course."""
    room = room_of(path)
    match room:
        case "ocpp_lab":
            below = set(ROOMS[: len(STACK)]) - NOT_EXPORTED
        case "ocpp_course":
            below = {"ocpp_course.checks", "ocpp_course"}
        case _:
            below = {room, *ROOMS[: ROOMS.index(room)], *(["ocpp_lab"] if room.startswith("ocpp_course") else [])}
    wrong = rooms_imported(path) - below
    assert not wrong, f"{name_of(path)} imports {wrong}, which is not below it"


def parts_imported(folder: Path, root: Path = ROOT) -> dict[str, set[str]]:
    """Which part of a folder imports which; a part is a file or a folder in it."""
    package = ".".join(folder.relative_to(root).parts)
    found: dict[str, set[str]] = {}
    for path in sorted(folder.rglob("*.py")):
        part = path.relative_to(folder).parts[0].removesuffix(".py")
        inside = [name for name in imports(path, root) if f"{name}.".startswith(f"{package}.")]
        others = {_part_named(name.removeprefix(package).split(".")[1:], folder) for name in inside} - {part}
        found.setdefault(part, set()).update(others)
    return found


def _part_named(names: list[str], folder: Path) -> str:
    """What is neither a file nor a folder comes from the folder's ``__init__``."""
    part = names[0] if names else "__init__"
    return part if (folder / part).is_dir() or (folder / f"{part}.py").is_file() else "__init__"


def circle(graph: dict[str, set[str]]) -> str:
    """``a imports b imports a``, or "" if there is an order in which each part imports only from parts before it."""
    try:
        TopologicalSorter({part: sorted(others) for part, others in graph.items()}).prepare()
    except CycleError as error:
        names = error.args[1][:0:-1]  # it comes the other way round, and its last name is its first
        first = names.index(min(names))
        return " imports ".join([*names[first:], *names[: first + 1]])
    return ""


@pytest.mark.parametrize("folder", sorted({path.parent for path in sources()}), ids=name_of)
def test_imports_inside_a_folder_form_no_circle(folder: Path) -> None:
    """DESIGN.md, Layout: no part imports the whole that holds it, not even for type checking."""
    found = circle(parts_imported(folder))
    assert not found, f"the imports in {name_of(folder)} form a circle: {found}"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("from .other import Other", ""),
        ("import asyncio", ""),
        ("from .whole import Whole", "part imports whole imports part"),
        ("from . import whole", "part imports whole imports part"),
        ("import pack.room.whole", "part imports whole imports part"),
        ("if TYPE_CHECKING:\n    from .whole import Whole", "part imports whole imports part"),
        ("def late():\n    from .whole import Whole", "part imports whole imports part"),
        ("from . import Whole", "__init__ imports whole imports part imports __init__"),
        ("from pack.room import Whole", "__init__ imports whole imports part imports __init__"),
        ("from .inner.leaf import Leaf", "inner imports part imports inner"),
    ],
)
def test_a_planted_circle_is_found(tmp_path: Path, line: str, found: str) -> None:
    room = tmp_path / "pack" / "room"
    (room / "inner").mkdir(parents=True)
    texts = {"__init__": "from .whole import Whole", "whole": "from .part import Part", "other": "", "part": line}
    for name, text in (texts | {"inner/leaf": "from ..part import Part"}).items():
        (room / f"{name}.py").write_text(text)
    assert circle(parts_imported(room, tmp_path)) == found


@pytest.mark.parametrize("path", [path for path in sources() if room_of(path) in WHOLES], ids=name_of)
def test_no_part_imports_the_whole(path: Path) -> None:
    """DESIGN.md, Layout: a part imports neither the file of the whole nor what the folder shows, not even for types."""
    room = room_of(path)
    if path.stem in ("__init__", WHOLES[room]):
        return
    others = {f"{room}.{other.stem}" for other in path.parent.glob("*.py")} - {f"{room}.{WHOLES[room]}"}
    inside = {name for name in imports(path) if name.startswith(f"{room}.")}
    wrong = {name for name in inside if ".".join(name.split(".")[:3]) not in others}
    assert not wrong, f"{name_of(path)} imports {wrong}, which holds it"


def questions(tree: ast.AST) -> Iterator[str]:
    """What code asks of a value whose type it does not trust: is it one of ours, does it have that name?"""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="isinstance"), args=[_, kind]):
                named = {each.id for each in ast.walk(kind) if isinstance(each, ast.Name)} & PIECES
                yield from (f"isinstance(…, {name})" for name in named)
            case ast.Call(func=ast.Name(id="hasattr" | "getattr" as word), args=[_, ast.Constant(value=name), *_]):
                if name not in FOREIGN_NAMES:
                    yield f"{word}(…, {name!r})"


@pytest.mark.parametrize("path", [path for path in sources() if room_of(path) in ASKING_NOBODY], ids=name_of)
def test_the_stack_asks_nobody_whether_it_is_ours(path: Path) -> None:
    """DESIGN.md, Layout: what a room needs of a piece is a Protocol, whole; a smaller piece is fitted to it outside."""
    found = sorted(questions(ast.parse(path.read_text(encoding="utf-8"))))
    assert not found, f"{name_of(path)} asks {found}"


def test_such_questions_are_found() -> None:
    asked = (
        "isinstance(x, int | Transport)\nhasattr(pipe, 'abort')\ngetattr(ledger, 'register', None)\nisinstance(y, Call)"
    )
    assert len(list(questions(ast.parse(asked)))) == 3


def names_made(tree: ast.Module) -> Iterator[str]:
    """The public classes, types and constants of a module."""
    for node in tree.body:
        match node:
            case (
                ast.ClassDef(name=name)
                | ast.AnnAssign(target=ast.Name(id=name))
                | ast.TypeAlias(name=ast.Name(id=name))
            ):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)]):
                yield name


def test_one_name_means_one_thing() -> None:
    """DESIGN.md, Words: in the stack no two classes, types or constants have one name; a logger is called log."""
    places: dict[str, list[str]] = {}
    for path in (path for path in sources() if path.is_relative_to(ROOT / "ocpp_lab")):
        for name in names_made(ast.parse(path.read_text(encoding="utf-8"))):
            if not name.startswith("_") and name != "log":
                places.setdefault(name, []).append(name_of(path))
    assert len(places) > 400
    twice = {name: paths for name, paths in places.items() if len(paths) > 1}
    assert not twice, f"two things have one name; rename one, or import it: {twice}"


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_heavy_imports_stay_in_their_rooms(path: Path) -> None:
    """DESIGN.md, Layout: only lab/ plots; only simulation, checks/ and lab/ simulate or start a thread."""
    found = {name.split(".")[0] for name in imports(path)}
    wrong = {name for name, rooms in ONLY_IN.items() if name in found and room_of(path) not in rooms}
    assert not wrong, f"{name_of(path)} imports {wrong}; allowed in {[ONLY_IN[name] for name in wrong]}"


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = [
        "matplotlib",
        "ipywidgets",
        "simloop",
        "typer",
        "nbformat",
        "IPython",
        "jsonschema",
        "numpy",
        "cryptography",
    ]
    code = f"import sys, ocpp_lab; print(*(name for name in {heavy} if name in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert loaded.stdout.split() == []


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_a_file_fits_in_the_head(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_LINES, f"{lines} lines; a file is one noun: split it"


@pytest.mark.parametrize(
    ("file", "line", "banned"),
    [
        ("ocpp_lab/session.py", "import time\ntime.time()", True),
        ("ocpp_lab/session.py", "from time import sleep\nsleep(1)", True),
        ("ocpp_lab/session.py", "from datetime import UTC, datetime\ndatetime.now(UTC)", True),
        ("ocpp_lab/session.py", "import random\nrandom.random()", True),
        ("ocpp_lab/session.py", "import random\nrandom.Random(1).random()", False),
        ("ocpp_lab/clock.py", "from datetime import UTC, datetime\ndatetime.now(UTC)", False),
        ("ocpp_lab/charge_point/core.py", "import time\ntime.monotonic()", True),
        ("ocpp_course/cli/course.py", "import time\ntime.time()", True),
        ("ocpp_course/checks/run.py", "import time\ntime.perf_counter()", False),
    ],
)
def test_clocks_and_chance_are_banned(file: str, line: str, banned: bool) -> None:
    """DESIGN.md, decision 7: time, chance and identity come from outside."""
    command = [sys.executable, "-m", "ruff", "check", "--select=TID251", f"--stdin-filename={file}", "-"]
    found = subprocess.run(command, input=line + "\n", capture_output=True, text=True, cwd=ROOT)
    assert ("TID251" in found.stdout) == banned, found.stdout + found.stderr


# --- what is installed --------------------------------------------------------------------------------------------


def pyproject() -> dict[str, Requirement]:
    """Everything that pyproject.toml names, runtime and extras, by canonical name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    return {canonicalize_name(requirement.name): requirement for requirement in map(Requirement, lines)}


def test_conda_installs_the_same() -> None:
    """environment.yml repeats pyproject.toml, name by name and bound by bound, plus Python, pip and this package."""
    lines = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    conda = [line for line in lines if isinstance(line, str)]
    [from_pip] = [line["pip"] for line in lines if isinstance(line, dict)]
    assert conda[:2] == ["python=3.12", "pip"], "repo2docker finds the version only in this form"
    assert from_pip[-1] == "-e ."
    there = {canonicalize_name(each.name): each.specifier for each in map(Requirement, [*conda[2:], *from_pip[:-1]])}
    assert there == {name: requirement.specifier for name, requirement in pyproject().items()}


def test_constraints_pin_what_pyproject_names() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    versions = {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pins}
    assert all(str(pin.specifier).startswith("==") for pin in pins)
    for name, requirement in pyproject().items():
        assert name in versions, f"constraints.txt does not pin {name}: `make pins`"
        assert requirement.specifier.contains(versions[name]), f"{requirement} excludes the pinned {versions[name]}"


# --- what files may contain ---------------------------------------------------------------------------------------

FOREIGN = {  # written in pieces, so that this file does not contain them itself
    "a folder of one machine": rf"(?<![\w.])/(?:{'|'.join(['work', 'root', 'home/[a-z]+', 'Users/[a-z]+'])})/\w",
    "a registry's host": "|".join(
        re.escape(".".join(parts))
        for parts in [("pypi", "org"), ("files", "pythonhosted"), ("registry", "npmjs"), ("deb", "debian")]
    ),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_no_file_contains(what: str) -> None:
    """What is true on one machine only has no place in the repository."""
    found = []
    for path in tracked():
        text = path.read_bytes().decode(errors="ignore")
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in re.finditer(FOREIGN[what], text)]
    assert not found, f"{what} in {found}"


def test_the_search_for_foreign_text_finds_it() -> None:
    for what, text in {
        "a folder of one machine": "/".join(["", "home", "me", "x"]),
        "a registry's host": "pypi" + ".org",
    }.items():
        assert re.search(FOREIGN[what], text)
