"""The house rules of DESIGN.md that a machine can check: who imports whom, what is installed, what files contain."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house import ROOT

PACKAGE = ROOT / "ocpp_lab"

# Bottom to top. A room imports only from rooms before it.
ROOMS = [
    "errors",
    "clock",
    "credentials",
    "backoff",
    "frames",
    "messages",
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
    "checks",
    "grading",
    "lab",
    "cli",
    "__main__",
]
NOT_EXPORTED = {"simulation", "checks", "grading", "lab", "cli", "__main__"}  # ocpp_lab/__init__.py leaves them out
ONLY_IN = {
    "matplotlib": {"lab"},
    "ipywidgets": {"lab"},
    "IPython": {"lab"},
    "simloop": {"simulation", "checks", "lab"},
    "threading": {"simulation", "checks", "lab"},
    "typer": {"__main__"},
}
MAX_LINES = 350


# --- who imports whom ---------------------------------------------------------------------------------------------


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    """``ocpp_lab/charge_point/core.py`` is in the room ``charge_point``; ``ocpp_lab/__init__.py`` in none: ""."""
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def imports(path: Path) -> Iterator[str]:
    """Absolute names of what a file imports, wherever in it: ``ocpp_lab.frames.Call``, ``asyncio``."""
    parents = ["ocpp_lab", *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            base = parents[: len(parents) + 1 - node.level] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def rooms_imported(path: Path) -> set[str]:
    inside = [name.split(".")[1] for name in imports(path) if name.startswith("ocpp_lab.")]
    return {room for room in inside if (PACKAGE / room).is_dir() or (PACKAGE / f"{room}.py").is_file()}


def test_every_room_is_in_the_list() -> None:
    unknown = {room_of(path) for path in sources()} - set(ROOMS) - {""}
    assert not unknown, f"add {unknown} to ROOMS in {Path(__file__).name}, above all that it imports"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    """DESIGN.md, Layout: a room imports only from rooms below it."""
    room = room_of(path)
    below = set(ROOMS) - NOT_EXPORTED if room == "" else {room, *ROOMS[: ROOMS.index(room)]}
    wrong = rooms_imported(path) - below
    assert not wrong, f"{room or 'ocpp_lab/__init__.py'} imports {wrong}, which is not below it"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_heavy_imports_stay_in_their_rooms(path: Path) -> None:
    """DESIGN.md, Layout: only lab/ plots; only simulation, checks/ and lab/ simulate or start a thread."""
    found = {name.split(".")[0] for name in imports(path)}
    wrong = {name for name, rooms in ONLY_IN.items() if name in found and room_of(path) not in rooms}
    assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}; allowed in {[ONLY_IN[name] for name in wrong]}"


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = ["matplotlib", "ipywidgets", "simloop", "typer", "nbformat", "IPython", "jsonschema", "numpy"]
    code = f"import sys, ocpp_lab; print(*(name for name in {heavy} if name in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert loaded.stdout.split() == []


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_fits_in_the_head(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_LINES, f"{lines} lines; a file is one noun: split it"


@pytest.mark.parametrize(
    ("file", "line", "banned"),
    [
        ("session.py", "import time\ntime.time()", True),
        ("session.py", "from time import sleep\nsleep(1)", True),
        ("session.py", "from datetime import UTC, datetime\ndatetime.now(UTC)", True),
        ("session.py", "import random\nrandom.random()", True),
        ("session.py", "import random\nrandom.Random(1).random()", False),
        ("clock.py", "from datetime import UTC, datetime\ndatetime.now(UTC)", False),
        ("charge_point/core.py", "import time\ntime.monotonic()", True),
    ],
)
def test_clocks_and_chance_are_banned(file: str, line: str, banned: bool) -> None:
    """DESIGN.md, decision 7: time, chance and identity come from outside."""
    command = [sys.executable, "-m", "ruff", "check", "--select=TID251", f"--stdin-filename=ocpp_lab/{file}", "-"]
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
