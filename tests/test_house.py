"""The house rules of DESIGN.md that a machine can check: who imports whom, what is installed, what files contain."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house import ROOT

# Bottom to top. A room imports only from rooms before it; the course from the whole stack, never the other way round.
STACK = [
    "errors",
    "clock",
    "credentials",
    "backoff",
    "frames",
    "messages",
    "tolerance",
    "codec",
    "pipe",
    "transport",
    "states",
    "router",
    "tally",
    "pending",
    "trace",
    "session",
    "heartbeat",
    "database",
    "store",
    "outbox",
    "transaction_ids",
    "faults",
    "chaos_proxy",
    "connection",
    "charge_point",
    "central_system",
    "timeline",
    "metrics",
    "simulation",
    "cli",
    "__main__",
]
COURSE = ["checks", "grading", "lab", "cli", "__main__"]
ROOMS = [*(f"ocpp_lab.{room}" for room in STACK), *(f"ocpp_course.{room}" for room in COURSE)]
PACKAGES = ("ocpp_lab", "ocpp_course")
MOVED_AWAY = {"ocpp_lab.checks", "ocpp_lab.lab"}  # they say where to, and nothing else
NOT_EXPORTED = {
    f"ocpp_lab.{room}" for room in ("simulation", "cli", "__main__")
}  # ocpp_lab/__init__.py leaves them out
ONLY_IN = {
    "matplotlib": {"ocpp_course.lab"},
    "ipywidgets": {"ocpp_course.lab"},
    "IPython": {"ocpp_course.lab"},
    "simloop": {"ocpp_lab.simulation", "ocpp_course.checks", "ocpp_course.lab"},
    "threading": {"ocpp_lab.simulation", "ocpp_course.checks", "ocpp_course.lab"},
    "typer": {"ocpp_lab.cli", "ocpp_course.cli"},
}
MAX_LINES = 350


# --- who imports whom ---------------------------------------------------------------------------------------------


def sources() -> list[Path]:
    """Every file of both packages, but the two that only say where something has gone."""
    found = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return sorted(path for path in found if room_of(path) not in MOVED_AWAY)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def room_of(path: Path) -> str:
    """``ocpp_lab/charge_point/core.py`` is in ``ocpp_lab.charge_point``; ``ocpp_lab/__init__.py`` in ``ocpp_lab``."""
    package, first = path.relative_to(ROOT).parts[:2]
    room = first.removesuffix(".py")
    return package if room == "__init__" else f"{package}.{room}"


def imports(path: Path, root: Path = ROOT) -> Iterator[str]:
    """Absolute names of what a file imports, wherever in it: ``ocpp_lab.frames.Call``, ``asyncio``."""
    parents = path.relative_to(root).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            base = parents[: len(parents) + 1 - node.level] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def rooms_imported(path: Path) -> set[str]:
    """Names of rooms; what the package itself exports comes from ``ocpp_lab``."""
    inside = [name.split(".") for name in imports(path) if name.split(".")[0] in PACKAGES]
    rooms = {".".join(parts[:2]) for parts in inside if _is_a_room(*parts[:2])}
    return rooms | {parts[0] for parts in inside if not _is_a_room(*parts[:2])}


def _is_a_room(package: str, room: str = "") -> bool:
    return bool(room) and ((ROOT / package / room).is_dir() or (ROOT / package / f"{room}.py").is_file())


def test_both_packages_are_read() -> None:
    """A rule that reads no file holds everywhere."""
    read = {package: [path for path in sources() if path.is_relative_to(ROOT / package)] for package in PACKAGES}
    assert len(read["ocpp_lab"]) > 50 and len(read["ocpp_course"]) > 50


def test_every_room_is_in_the_list() -> None:
    unknown = {room_of(path) for path in sources()} - set(ROOMS) - set(PACKAGES)
    assert not unknown, f"add {unknown} to the lists in {Path(__file__).name}, above all that it imports"


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


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_heavy_imports_stay_in_their_rooms(path: Path) -> None:
    """DESIGN.md, Layout: only lab/ plots; only simulation, checks/ and lab/ simulate or start a thread."""
    found = {name.split(".")[0] for name in imports(path)}
    wrong = {name for name, rooms in ONLY_IN.items() if name in found and room_of(path) not in rooms}
    assert not wrong, f"{name_of(path)} imports {wrong}; allowed in {[ONLY_IN[name] for name in wrong]}"


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = ["matplotlib", "ipywidgets", "simloop", "typer", "nbformat", "IPython", "jsonschema", "numpy"]
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


def tracked() -> list[Path]:
    """All files that are in git or would be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


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
