"""Attacks on the grader: each earns nothing, reads nothing, changes nothing, and costs nobody else anything."""

from __future__ import annotations

import csv
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ocpp_course.checks import step
from ocpp_course.grading.graded import Graded, Hearing, expected
from ocpp_course.grading.plain import plain
from ocpp_course.grading.submission import Unreadable, find, opened, read
from tests import attacks, submissions
from tests.house import ROOT, scaled

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="grading needs a system that can fork")
WORKS = "works-well"
EVERY = scaled(12, 1)
"""Of the attacks, which are tried: a process is needed for each."""
POINTS = dict(list(attacks.POINTS.items())[::EVERY])
INSIDE = dict(list(attacks.INSIDE.items())[::EVERY])
OUTSIDE = dict(list(attacks.OUTSIDE.items())[::EVERY])


def command(*arguments: object, code: str = "from ocpp_course.__main__ import app; app()") -> list[str]:
    return [sys.executable, "-c", code, "grade", *map(str, arguments)]


def graded(folder: Path, *arguments: object, code: str = "") -> dict[str, Any]:
    """The report on a folder, submissions by the first part of their names."""
    report = folder.parent / f"{folder.name}.json"
    line = command(folder, "--json", report, *arguments, **({"code": code} if code else {}))
    done = subprocess.run(line, capture_output=True, text=True, timeout=500, cwd=ROOT, env=os.environ | {"SECRET": "1"})
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(report.read_text())
    by_name = {each["name"].rpartition("_04_")[0]: each for each in told["submissions"]}
    return {"by name": by_name, "text": done.stdout, "walls": told["isolation"]}


# --- points -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def thieves(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("thieves")
    submissions.write(submissions.answered("4.1"), folder, WORKS)
    for name, tail in POINTS.items():
        submissions.write(submissions.wrong("4.1", "oldest-first", tail=tail), folder, name)
    for name, tail in INSIDE.items():
        submissions.write(submissions.answered("4.1", tail=tail), folder, name)
    return graded(folder, "--seconds", 120)


@pytest.mark.parametrize("name", POINTS)
def test_a_wrong_answer_earns_nothing_whatever_it_does(thieves: dict[str, Any], name: str) -> None:
    it = thieves["by name"][name]
    assert it["points"] == 0, it["steps"]
    assert it["of"] == 20
    assert it["steps"][0]["state"] in ("wrong", "tampered", "not judged")


def test_nobody_else_pays(thieves: dict[str, Any]) -> None:
    assert thieves["by name"][WORKS]["points"] == 2


@pytest.mark.parametrize("name", INSIDE)
def test_the_checker_s_memory_is_not_handed_out(thieves: dict[str, Any], name: str) -> None:
    """What asks for it gets an error, and no more: an honest answer may have asked too."""
    first = thieves["by name"][name]["steps"][0]
    assert any(error in first["note"] for error in ("PermissionError", "ImportError", "ModuleNotFound")), first
    assert first["state"] == "passed"


# --- the world outside --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def precious(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file of somebody else, and a Unix socket that somebody listens at."""
    folder = tmp_path_factory.mktemp("precious")
    (folder / "thesis.txt").write_text("three years")
    (folder / "thesis.txt").chmod(0o600)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(folder / "door"))
        door.listen()
        yield folder


@pytest.fixture(scope="module")
def burglars(tmp_path_factory: pytest.TempPathFactory, precious: Path) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("burglars")
    places = {
        "neighbour": str(submissions.write(submissions.answered("4.1"), folder, WORKS)),
        "class_folder": str(folder),
        "home": str(Path.home()),
        "precious": str(precious / "thesis.txt"),
        "door": str(precious / "door"),
    }
    for name, (tail, _) in OUTSIDE.items():
        submissions.write(submissions.answered("4.1", tail=tail.format(**places)), folder, name)
    return graded(folder, "--seconds", 120)


@pytest.mark.parametrize("name", OUTSIDE)
def test_it_does_not_get_out(burglars: dict[str, Any], name: str) -> None:
    if "NOT" in burglars["walls"]:
        pytest.skip(f"this system does not grant every wall, and the report says so: {burglars['walls']}")
    first = burglars["by name"][name]["steps"][0]
    assert OUTSIDE[name][1] in first["note"], first
    assert first["state"] == "passed", "what stands above it counts"


def test_the_file_of_somebody_else_is_as_it_was(burglars: dict[str, Any], precious: Path) -> None:
    facts = (precious / "thesis.txt").stat()
    assert (precious / "thesis.txt").read_text() == "three years"
    if "NOT" not in burglars["walls"]:
        assert facts.st_mode & 0o777 == 0o600 and facts.st_mtime > 1


# --- files that are no notebooks ----------------------------------------------------------------------------------


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    folder = tmp_path / "odd"
    folder.mkdir()
    return folder


def problem_of(path: Path) -> str:
    try:
        os.close(opened(path))
    except Unreadable as problem:
        return str(problem)
    return ""


def test_a_link_is_not_followed(odd: Path) -> None:
    """``evil.ipynb -> /dev/zero`` has no end, and ``mine.ipynb -> ../other/hers.ipynb`` is not mine."""
    for name, target in {
        "zero": "/dev/zero",
        "hers": str(submissions.write(submissions.answered(), odd, WORKS)),
    }.items():
        (odd / f"{name}.ipynb").symlink_to(target)
        assert "came: a link" in problem_of(odd / f"{name}.ipynb")


def test_a_linked_folder_is_not_entered(odd: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    submissions.write(submissions.answered(), tmp_path / "elsewhere", WORKS)
    (odd / "folder").symlink_to(tmp_path / "elsewhere")
    assert find([odd]) == []


def test_only_plain_files_of_a_sane_size_are_opened(odd: Path) -> None:
    os.mkfifo(odd / "pipe.ipynb")
    (odd / "folder.ipynb").mkdir()
    with (odd / "sparse.ipynb").open("wb") as file:
        file.truncate(10**12)
    assert "a folder, a pipe or a device" in problem_of(odd / "pipe.ipynb")
    assert "a folder, a pipe or a device" in problem_of(odd / "folder.ipynb")
    assert "expected at most 20,000,000 bytes, came 1,000,000,000,000" in problem_of(odd / "sparse.ipynb")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe{}",
        b"[" * 100_000,
        b'{"cells": 5}',
        b'{"cells": [5]}',
        b'{"cells": {"a": 1}}',
        b'{"cells": [{"cell_type": "code", "source": 5, "metadata": []}, NaN]}',
        b'{"nbformat": 99}',
        b"null",
        b"1e999",
    ],
)
def test_what_is_no_notebook_is_told(data: bytes) -> None:
    with pytest.raises(Unreadable):
        read("04_x.ipynb", data)


def test_odd_cells_are_read_as_text() -> None:
    """Metadata of any kind, sources of any kind: none of it is run or trusted."""
    cells = [{"cell_type": "code", "source": [1, None], "metadata": None}, {"cell_type": "code", "source": {"a": 1}}]
    cells += [{"cell_type": "code", "metadata": {"ocpp_lab": {"role": ["answer"], "step": {}}}, "source": "%%bash\nls"}]
    found = read("x_04_y.ipynb", json.dumps({"cells": cells}).encode())
    assert [cell.role for cell in found.cells] == ["own", "own", "own"]
    assert found.milestone == "4"


# --- names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Zoë_04.ipynb", "Zoë_04.ipynb"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
        ("abc\u202egnp.exe", r"abc\u202egnp.exe"),
        ("zero\u200bwidth\u2028line", r"zero\u200bwidth\u2028line"),
        (os.fsdecode(b"\xff.ipynb"), r"\udcff.ipynb"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_a_name_shows_what_it_is(text: str, shown: str) -> None:
    assert plain(text) == shown
    assert Graded(text).name == shown


def test_strange_names_end_no_class(odd: Path) -> None:
    names = [b"\x1b[31mred_04_x.ipynb", b"\xff_04_x.ipynb", b"two\nlines_04_x.ipynb", b"=1+1_04_x.ipynb"]
    for name in names:
        (odd / os.fsdecode(name)).write_text("{}")
    points = odd.parent / "points.csv"
    told = graded(odd, "--csv", points)
    assert not {each for each in told["text"] if ord(each) < 32} - {"\n"}
    assert r"two\nlines" in told["text"] and r"\udcff" in told["text"]
    with points.open(newline="", encoding="utf-8") as file:
        assert "'=1+1_04_x.ipynb" in [row["name"] for row in csv.DictReader(file)]


# --- what a process says ------------------------------------------------------------------------------------------


def heard(*lines: object, token: str = "t") -> Graded:
    hearing, result = Hearing("t"), Graded("x")
    for line in lines:
        text = line if isinstance(line, bytes) else json.dumps(line).encode()
        hearing.hear(token.encode() + b" " + text + b"\n", 0.0)
    hearing.result(result)
    return result


WELL = {"step": "4.1", "state": "passed", "passed": expected(step("4.1"))}


def test_points_are_those_of_the_table() -> None:
    result = heard({"milestone": "4"}, WELL | {"points": 8000, "of": 8000}, {"end": True})
    assert (result.points, result.of, result.problem) == (2, 20, "")


@pytest.mark.parametrize(
    "odd",
    [
        WELL | {"passed": WELL["passed"][:-1]},
        WELL | {"passed": []},
        WELL | {"passed": list(reversed(WELL["passed"]))},
        WELL | {"passed": "all"},
        WELL | {"state": "Passed"},
        WELL | {"state": ["passed"]},
        WELL | {"state": {"a": "passed"}},
        WELL | {"step": "9.9"},
        WELL | {"step": 4.1},
        WELL | {"step": ["4.1"]},
        {"step": "4.1"},
        [WELL],
        "passed",
        5,
        None,
        b"[" * 60_000,
        b"\xff\xff",
        b"",
        b'{"step": "4.1", "state": "passed", "passed"',
    ],
)
def test_an_odd_line_earns_nothing_and_ends_nothing(odd: object) -> None:
    """And what was said before it, and after it, counts."""
    after = {"step": "4.2", "state": "passed", "passed": expected(step("4.2"))}
    result = heard({"milestone": "4"}, odd, after, {"end": True})
    assert [each["points"] for each in result.steps[:2]] == [0, 2]


def test_the_first_word_on_a_step_counts() -> None:
    result = heard({"milestone": "4"}, WELL | {"state": "wrong"}, WELL, {"milestone": "5"}, {"end": True})
    assert (result.points, result.milestone) == (0, "4")


def test_without_the_token_nothing_is_heard() -> None:
    assert heard({"milestone": "4"}, WELL, {"end": True}, token="u").steps == []


def test_who_says_too_much_is_not_heard_to_the_end() -> None:
    assert not Hearing("t").hear(b"x" * 100_000, 0.0)
    hearing = Hearing("t")
    assert not all(hearing.hear(b"x" * 999 + b"\n", 0.0) for _ in range(2_000))


# --- where walls are missing --------------------------------------------------------------------------------------

WITHOUT = {
    "namespaces": (
        "import os\ndef no(*_): raise OSError(1, 'no')\nos.unshare = no",
        ["processes NOT in a table of their own", "disk NOT its own"],
    ),
    "landlock": (
        "import ocpp_course.grading.landlock as landlock\nlandlock.CREATE = 10_000",
        ["files of this account NOT protected", "files of this account NOT hidden"],
    ),
    "seccomp": ("import platform\nplatform.machine = lambda: 'vax'", ["system calls NOT filtered"]),
}
RUN = "\nfrom ocpp_course.__main__ import app\napp()"


@pytest.mark.parametrize("wall", [*WITHOUT, "all"])
def test_a_missing_wall_is_told_and_honest_work_still_counts(odd: Path, wall: str) -> None:
    submissions.write(submissions.answered("4.1"), odd, WORKS)
    chosen = WITHOUT.values() if wall == "all" else [WITHOUT[wall]]
    told = graded(odd, code="\n".join(code for code, _ in chosen) + RUN)
    assert told["by name"][WORKS]["points"] == 2, told
    assert told["by name"][WORKS]["problem"] == ""
    for _, words in chosen:
        assert all(word in told["walls"] and word in told["text"] for word in words), told["walls"]


def test_one_that_is_shut_in_less_well_says_so(odd: Path) -> None:
    """The kernel may grant a wall when it is tried, and refuse it later: too many namespaces, for one."""
    submissions.write(submissions.answered("4.1"), odd, WORKS)
    later = "import ocpp_course.cli.course as course\nfrom ocpp_course.grading import Walls\n"
    later += f"course.walls = lambda: Walls(*[True] * 6)\n{WITHOUT['seccomp'][0]}{RUN}"
    told = graded(odd, code=later)["by name"][WORKS]
    assert told["problem"] == "not shut in like the others: system calls NOT filtered"
    assert told["points"] == 2


def test_a_disk_that_is_not_its_own_has_an_end_too(odd: Path) -> None:
    """Where no file system of its own can be mounted, what it writes is counted while it runs."""
    writes = "for number in range(30): open(str(number), 'wb').write(bytes(15_000_000))\nwhile True: pass"
    submissions.write(submissions.answered("4.1", tail=writes), odd, "writer")
    told = graded(odd, "--seconds", 60, code=WITHOUT["namespaces"][0] + RUN)["by name"]["writer"]
    assert "it wrote over 64,000,000 bytes" in told["problem"]


NO_PROCESS = """
import os
fork, grader, asked = os.fork, os.getpid(), []
def sparing():
    if os.getpid() == grader:
        asked.append(1)
        if len(asked) == 2:  # the first tries the walls
            raise BlockingIOError(11, "Resource temporarily unavailable")
    return fork()
os.fork = sparing
"""


def test_one_for_which_no_process_can_be_started_ends_no_class(odd: Path) -> None:
    for name in ("a", "b"):
        submissions.write(submissions.answered("4.1"), odd, name)
    told = graded(odd, "--jobs", 1, code=NO_PROCESS + RUN)["by name"]
    assert "no process could be started for it: Resource temporarily" in told["a"]["problem"]
    assert (told["a"]["points"], told["b"]["points"]) == (0, 2)
