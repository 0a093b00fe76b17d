"""What moving the course out of the stack could break without anybody noticing."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

import ocpp_course.checks
import ocpp_course.checks.run
import ocpp_lab
from ocpp_course.checks import answer, check
from ocpp_course.grading.submission import checked, read
from tests.house import ROOT
from tests.submissions import answered, write


def in_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)


@pytest.mark.parametrize(
    ("step", "name"),
    [("4.5", "Pending"), ("4.7", "Session"), ("3.7", "Ledger"), ("1.4", "Transport"), ("2.6", "Router")],
)
def test_a_thin_subclass_is_the_package_s(step: str, name: str) -> None:
    """Code of ours under another name earns no points, whichever of the two packages it is from."""
    piece = type(name, (getattr(ocpp_lab, name),), {})
    assert check(step, piece).state == "reference"


@pytest.mark.parametrize(
    "line", ["from ocpp_lab.pending import Pending", "import ocpp_lab\nPending = ocpp_lab.Pending"]
)
def test_what_is_taken_from_the_stack_is_the_package_s(line: str, tmp_path: Path) -> None:
    names: dict[str, Any] = {}
    source = tmp_path / "cell.py"
    source.write_text(f"{line}\nclass Mine(Pending):\n    def __len__(self): return len(self._entries)\n")
    exec(compile(source.read_text(), str(source), "exec"), names)
    assert check("4.1", names["Mine"]).state == "reference"


@pytest.mark.parametrize(
    "code",
    [
        "from ocpp_lab import frames as _f\ndef decode(text): return _f.decode(text)\n",
        "import ocpp_lab.frames as _f\ndef decode(text): return _f.decode(text)\n",
        "import ocpp_lab as _o\ndef decode(text): return getattr(_o, 'dec' + 'ode')(text)\n",
        "import ocpp_lab\ndef decode(text): return getattr(ocpp_lab.frames, 'decode')(text)\n",
    ],
)
def test_another_name_for_a_module_hides_nothing(code: str, tmp_path: Path) -> None:
    names: dict[str, Any] = {}
    source = tmp_path / "cell.py"
    source.write_text(code)
    exec(compile(code, str(source), "exec"), names)
    assert check("1.1", names["decode"]).state == "reference"


def test_both_packages_are_ours() -> None:
    for module in (ocpp_lab.pending, ocpp_course.checks.run):
        assert answer._is_ours(str(Path(str(module.__file__)).resolve()))
    assert not answer._is_ours(str(ROOT / "ocpp_lab_of_mine" / "pending.py"))


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("from ocpp_lab.checks import check, hint", "from ocpp_course import check, hint"),
        ("import ocpp_lab.checks", "from ocpp_course import check"),
        ("from ocpp_lab import lab", "from ocpp_course import lab"),
        ("from ocpp_lab.lab import ladder", "from ocpp_course import lab"),
    ],
)
def test_the_old_names_say_the_new_ones(line: str, instead: str) -> None:
    done = in_python(line)
    assert done.returncode == 1
    assert instead in done.stderr.splitlines()[-1]


def test_the_words_of_an_exercise_load_when_they_are_asked_for() -> None:
    """`from ocpp_course import lab` and the command line do without a simulated network."""
    done = in_python("import sys, ocpp_course.__main__; print('simloop' in sys.modules, 'matplotlib' in sys.modules)")
    assert done.stdout.split() == ["False", "False"]
    done = in_python("from ocpp_course import check, hint, mine, progress, solution, use_reference, lab, is_mine")
    assert done.returncode == 0, done.stderr


def test_a_notebook_of_an_earlier_edition_is_read_like_a_new_one(tmp_path: Path) -> None:
    """Its metadata key is the same, and its imports are read as what they mean today."""
    new = answered("4.1")
    old = answered("4.1")
    for cell in old["cells"]:
        source = "".join(cell["source"])
        source = source.replace("from ocpp_course import check", "from ocpp_lab.checks import check")
        cell["source"] = source.replace("from ocpp_course import lab", "from ocpp_lab import lab")
    assert old != new
    files = [write(each, tmp_path, name) for name, each in {"old": old, "new": new}.items()]
    cells = [read(path.name, path.read_bytes()).cells for path in files]
    assert [(cell.role, cell.step) for cell in cells[0]] == [(cell.role, cell.step) for cell in cells[1]]
    assert any("ocpp_course.checks import check" in cell.source for cell in cells[0])
    assert not any("ocpp_lab.checks" in cell.source or "ocpp_lab import lab" in cell.source for cell in cells[0])
    assert any(checked(cell.source) == "4.1" for cell in cells[0])


BLOCKED = """
import sys
for name in {names!r}:
    sys.modules[name] = None
from ocpp_course.__main__ import app
app(["{command}"])
"""


@pytest.mark.parametrize("command", ["progress", "run-mine"])
def test_a_missing_extra_is_named(command: str) -> None:
    done = in_python(BLOCKED.format(names=["simloop"], command=command))
    assert done.returncode == 2, done.stderr
    assert "needs the package simloop" in done.stderr and "ocpp-lab[lab]" in done.stderr


BOTH_ENDS = """
import asyncio, sys
from ocpp_lab import CentralSystem, ChargePoint
from ocpp_lab.messages import ResetRequest

async def talk():
    async with CentralSystem() as central_system:
        async with ChargePoint(central_system.url, "CP_1") as charge_point:
            await charge_point.wait_for("online")
            print((await central_system["CP_1"].call(ResetRequest(type="Soft"))).status)

asyncio.run(talk())
print(sorted(name for name in sys.modules if name.split(".")[0] in ("ocpp_course", "simloop", "IPython")))
"""


@pytest.mark.soak
def test_the_stack_from_its_wheel_needs_nothing_of_the_course(tmp_path: Path) -> None:
    """Built, installed into an empty environment, used from elsewhere; the course's commands name their extra."""

    def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=empty)

    empty = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # or this clone would be in it
    done = run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, ROOT)
    assert done.returncode == 0, done.stderr
    [wheel] = tmp_path.glob("ocpp_lab-*.whl")
    venv.create(tmp_path / "env", with_pip=True)
    python, command = tmp_path / "env" / "bin" / "python", tmp_path / "env" / "bin" / "ocpp-lab"
    done = run(python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", wheel)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path) in run(python, "-c", "import ocpp_lab; print(ocpp_lab.__file__)").stdout
    done = run(python, "-c", BOTH_ENDS)
    assert done.stdout.split("\n")[:2] == ["Accepted", "[]"], done.stderr
    help_text = run(command, "--help").stdout
    assert "central-system" in help_text and "run-mine" in help_text
    done = run(command, "progress")
    assert done.returncode == 2 and "ocpp-lab[lab]" in done.stderr
    ends = run(python, "-m", "ocpp_lab", "--help").stdout
    assert "charge-point" in ends and "run-mine" not in ends
