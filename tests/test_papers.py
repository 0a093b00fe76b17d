"""The papers of the house agree with it: the page on its architecture, CONTRIBUTING, the citation, the workflow."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import tomllib
from functools import cache
from types import ModuleType
from typing import Any

import pytest
import yaml

from ocpp_lab import errors
from tests.house import ROOT, tracked
from tools import rooms

STEP = re.compile(r"^\d+\. `(\w+)` · `([\w.]+)`")
NAME = re.compile(r"`([\w.]+)`")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text under the headings of docs/architecture.md that begin so."""
    parts = re.split(r"^## ", read("docs/architecture.md"), flags=re.MULTILINE)
    return "\n".join(part for part in parts if part.startswith(title))


# --- docs/architecture.md -----------------------------------------------------------------------------------------


@cache
def modules(room: str = "") -> tuple[ModuleType, ...]:
    """Those of a room, or all that need nothing but the stack's own dependencies."""
    top = importlib.import_module(f"ocpp_lab.{room}" if room else "ocpp_lab")
    left_out = ("simulation", "cli", "__main__", "checks", "lab")
    names = [part.name for part in pkgutil.walk_packages(getattr(top, "__path__", []), f"{top.__name__}.")]
    return top, *(importlib.import_module(name) for name in names if name.split(".")[1] not in left_out)


def find(name: str, room: str = "") -> Any:
    """What a dotted name means: ``Session.call`` in the room session, ``codec.decode_payload`` anywhere."""
    first, *rest = name.split(".")
    for module in modules(room):
        if hasattr(module, first):
            found = getattr(module, first)
            for part in rest:
                found = getattr(found, part)
            return found
    raise AttributeError(f"nothing in {room or 'ocpp_lab'} is called {first}")


STEPS: list[str] = re.findall(r"^\d+\. .*", section("The way of"), re.MULTILINE)


def test_three_ways_are_told() -> None:
    assert len(re.findall(r"^The way of", section("The way of"), re.MULTILINE)) == 3
    assert len(STEPS) > 20


@pytest.mark.parametrize("step", STEPS)
def test_a_step_names_a_room_and_what_does_it_there(step: str) -> None:
    found = STEP.match(step)
    assert found, "expected: 1. `room` · `function or Class.method` …"
    room, name = found.groups()
    assert room in [each.name for each in rooms.stack()]
    there = find(name, room)
    assert callable(there)
    assert inspect.unwrap(there).__module__.startswith(f"ocpp_lab.{room}"), "it only comes through that room"


@pytest.mark.parametrize("name", sorted(set(NAME.findall(section("The way of"))) - {r.name for r in rooms.stack()}))
def test_every_name_in_the_ways_exists(name: str) -> None:
    find(name)


@pytest.mark.parametrize("name", ["Session.fly", "Sesion.call", "codec.decode_pay_load"])
def test_a_name_that_does_not_exist_is_not_found(name: str) -> None:
    with pytest.raises(AttributeError):
        find(name)


def test_the_layout_names_every_folder() -> None:
    told = re.findall(r"^(\w+)/ ", section("Layout"), re.MULTILINE)
    there = {path.relative_to(ROOT).parts[0] for path in tracked() if len(path.relative_to(ROOT).parts) > 1}
    assert sorted(told) == sorted(name for name in there if not name.startswith("."))


def test_the_page_tells_of_every_error_what_is_known_then() -> None:
    """As the classes say when they are imported; the page is made from their source."""
    lines = {match[1]: line for line in section("Errors").splitlines() if (match := re.search(r"(\w+)  ", line))}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.OcppError)]
    assert len(kinds) > 8
    for kind in kinds:
        known = {True: ["definite"], False: ["indefinite"], None: []}[kind.definite] + ["reported"] * kind.reported
        assert re.findall(r"\b(?:in)?definite\b|\breported\b", lines[kind.__name__]) == known


@pytest.mark.parametrize("name", ["docs/architecture.md", "CONTRIBUTING.md", "docs/instructors.md"])
def test_what_a_page_links_to_exists(name: str) -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", read(name)) if "://" not in link]
    assert [link for link in links if not (ROOT / name).parent.joinpath(link).exists()] == []


# --- CONTRIBUTING.md ----------------------------------------------------------------------------------------------


def test_contributing_begins_with_the_layout_and_fits_on_two_screens() -> None:
    text = read("CONTRIBUTING.md")
    assert re.findall(r"^## (.*)", text, re.MULTILINE)[0] == "General layout"
    assert len(text.splitlines()) <= 120


def test_its_targets_and_files_exist() -> None:
    text = read("CONTRIBUTING.md")
    targets = set(re.findall(r"(?:^|`)make ([a-z]+)\b", text, re.MULTILINE))
    assert {"lab", "test", "soak"} <= targets
    assert [target for target in targets if f"\n{target}:" not in read("Makefile")] == []
    paths = [name for name in re.findall(r"`([\w.]+/[\w./]*)`", text) if "NN" not in name and "0N" not in name]
    assert len(paths) > 10
    assert [path for path in paths if not (ROOT / path).exists()] == []


# --- the citation, the workflow, pre-commit -----------------------------------------------------------------------


def test_the_citation_is_that_of_this_version() -> None:
    """CFF 1.2.0: these keys are required, and a version is text."""
    cff = yaml.safe_load(read("CITATION.cff"))
    project = tomllib.loads(read("pyproject.toml"))["project"]
    assert {"cff-version", "message", "title", "authors"} <= set(cff)
    assert set(cff) <= {
        "cff-version",
        "message",
        "title",
        "authors",
        "type",
        "abstract",
        "version",
        "license",
        "keywords",
    }
    assert (cff["cff-version"], cff["title"], cff["type"]) == ("1.2.0", "OCPP Lab", "software")
    assert (cff["version"], cff["license"]) == (project["version"], project["license"])
    assert cff["authors"] == [{"name": "OCPP Lab contributors"}]


def workflow() -> dict[Any, Any]:
    loaded: dict[Any, Any] = yaml.safe_load(read(".github/workflows/test.yml"))
    return loaded


def test_the_workflow_runs_on_the_pythons_that_we_promise() -> None:
    """Both ends of what pyproject.toml and .python-version say, on two systems, and none of them silently another."""
    matrix = workflow()["jobs"]["test"]["strategy"]["matrix"]
    oldest = tomllib.loads(read("pyproject.toml"))["project"]["requires-python"].removeprefix(">=")
    assert matrix["python"] == [oldest, read(".python-version").strip()]
    assert [system.split("-")[0] for system in matrix["os"]] == ["ubuntu", "macos"]
    runs = [step["run"] for step in workflow()["jobs"]["test"]["steps"] if "run" in step]
    assert runs[0] == "python -m venv .venv" and "matrix.python" in runs[1] and runs[-1] == "make test"


def test_the_makefile_keeps_an_environment_that_is_there() -> None:
    """The workflow counts on it for its matrix."""
    assert "if [ ! -x $(PYTHON) ]; then" in read("Makefile")


def test_soak_is_on_a_schedule_and_only_there() -> None:
    on = workflow()[True]  # YAML 1.1 reads the key `on` as a boolean
    assert on["schedule"][0]["cron"]
    assert "schedule" in workflow()["jobs"]["soak"]["if"] and "push" in workflow()["jobs"]["test"]["if"]
    assert workflow()["jobs"]["soak"]["steps"][-1] == {"run": "make soak"}
    assert "cancel-in-progress" in workflow()["concurrency"]


def test_pre_commit_has_the_ruff_of_the_constraints() -> None:
    [repo] = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    [pin] = re.findall(r"^ruff==(.*)", read("constraints.txt"), re.MULTILINE)
    assert repo["rev"] == f"v{pin}", "`make pins` writes both"
    assert [hook["id"] for hook in repo["hooks"]] == ["ruff-check", "ruff-format"]
