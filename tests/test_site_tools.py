"""What `make site` makes of Pyodide's lock file and of our pictures; the site itself is looked at in tests/browser."""

from __future__ import annotations

import hashlib
import re
import zipfile
from pathlib import Path

import pytest

import ocpp_lab
from tests.house import ROOT
from tools.site import __main__ as site
from tools.site import kernel, lock, parts, pin, reference


def pins(name: str) -> dict[str, str]:
    """Canonical names and versions of a list of packages."""
    return pin.pins((ROOT / name).read_text(encoding="utf-8"))


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    made = tmp_path / "Some_Thing-1.2.3-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as opened:
        for name in ("some_thing/__init__.py", "other.py", "Some_Thing-1.2.3.dist-info/METADATA"):
            opened.writestr(name, "")
        opened.writestr("Some_Thing-1.2.3.data/data/etc/x", "")
    return made


def test_our_wheel_takes_the_place_of_theirs_and_the_rest_lies_elsewhere(wheel: Path) -> None:
    theirs = {
        "info": {"python": "3.14"},
        "packages": {"some-thing": {"file_name": "theirs.whl"}, "far": {"file_name": "far.whl", "version": "7"}},
    }
    made = lock.lock(theirs, [wheel], "https://example.org/full")
    assert made["info"] == {"python": "3.14"}
    assert made["packages"]["far"] == {"file_name": "https://example.org/full/far.whl", "version": "7"}
    ours = made["packages"]["some-thing"]
    assert (ours["file_name"], ours["version"], ours["imports"]) == (wheel.name, "1.2.3", ["other", "some_thing"])
    assert ours["sha256"] == hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert theirs["packages"]["far"] == {"file_name": "far.whl", "version": "7"}, "theirs was changed"


def test_the_tab_runs_the_versions_that_the_course_is_tested_with() -> None:
    constraints, tab = pins("constraints.txt"), pins("tools/site/wheels.txt")
    assert {"msgspec", "websockets", "prometheus-client", "simloop", "ipython", "ipywidgets"} <= set(tab)
    differ = {name: (version, constraints[name]) for name, version in tab.items() if name in constraints}
    assert [name for name, (here, there) in differ.items() if here != there] == [], "`make pins` writes both"
    assert set(tab) - set(differ) == {"micropip"}


def test_make_pins_brings_the_lists_of_the_tab_up() -> None:
    asked = []

    def digest(wanted: str) -> str:
        asked.append(wanted)
        return "f" * 64

    versions = pin.pins("Some-Thing==2\njupyterlab_widgets==9\nanyio==5\n")
    old = f"# Words.\nsome_thing==1 --hash=sha256:{'0' * 64}\nother==7 --hash=sha256:{'1' * 64}\n"
    came = pin.tab(old, versions, digest)
    assert came == f"# Words.\nsome_thing==2 --hash=sha256:{'f' * 64}\nother==7 --hash=sha256:{'f' * 64}\n"
    assert asked == ["some_thing==2", "other==7"]
    assert pin.build("anyio==4\njupyterlab_widgets==3\n", versions) == "anyio==4\njupyterlab_widgets==9\n"
    assert "tools.site.pin" in (ROOT / "tools/pins.sh").read_text(encoding="utf-8")


def test_every_wheel_has_its_hash() -> None:
    lines = (ROOT / "tools/site/wheels.txt").read_text(encoding="utf-8").splitlines()
    for line in lines:
        assert line.startswith("#") or re.fullmatch(r"[\w.-]+==\S+ --hash=sha256:[0-9a-f]{64}", line), line


def test_jupyterlite_stays_out_of_our_own_environment() -> None:
    assert {"jupyterlite-core", "jupyterlite-pyodide-kernel", "jupyterlab-widgets"} <= set(
        pins("tools/site/builder.txt")
    )
    assert not any("jupyterlite" in name for name in pins("constraints.txt"))


def test_the_widgets_of_the_page_are_those_of_the_kernel() -> None:
    builder, constraints = pins("tools/site/builder.txt"), pins("constraints.txt")
    assert {name: builder[name] for name in pin.SHARED} == {name: constraints[name] for name in pin.SHARED}


def test_the_kernel_begins_with_the_stack_and_is_the_same_each_time(tmp_path: Path) -> None:
    one, two = kernel.wheels(tmp_path / "one"), kernel.wheels(tmp_path / "two")
    assert [wheel.read_bytes() for wheel in one] == [wheel.read_bytes() for wheel in two]
    assert [(lock.entry(wheel)["name"], lock.entry(wheel)["imports"]) for wheel in one] == [
        ("ocpp-lab-kernel", []),
        ("jedi", []),
    ]
    with zipfile.ZipFile(one[0]) as opened:
        [settings] = [name for name in opened.namelist() if name.endswith("data/etc/ipython/ipython_config.py")]
        assert "import ocpp_lab" in opened.read(settings).decode()


def test_the_site_holds_no_source_and_nobodys_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "LITE", tmp_path)
    site.contents()
    there = {path.relative_to(tmp_path / "contents") for path in tmp_path.rglob("*") if path.is_file()}
    assert Path("START.ipynb") in there and Path("exercises/01_smoke_tests.ipynb") in there
    assert {path.suffix for path in there} <= {".ipynb", ".svg", ".png"}
    assert not any("my_stack" in path.parts for path in there)
    for picture in tmp_path.rglob("*.svg"):
        assert picture.read_bytes().isascii(), f"{picture.name}: JupyterLite cannot show it"


def test_the_reference_has_every_public_name_and_every_file() -> None:
    names = [name for _, _, _, names in reference.the_map() for name in names]
    assert sorted(names) == sorted({*ocpp_lab.__all__} - {"messages"}), "messages is a room itself"
    rooms = [f"ocpp_lab.{room}" for _, room, _, _ in reference.the_map()]
    assert set(rooms) <= set(reference.modules()), "a room without a page"
    assert {"ocpp_lab.charge_point.core", "ocpp_lab.messages.core"} <= set(reference.modules())


def test_another_package_than_the_pinned_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PARTS", tmp_path)
    (tmp_path / f"pyodide-{parts.PYODIDE}.tgz").write_bytes(b"something else")
    with pytest.raises(RuntimeError, match="expected the SHA-512"):
        parts.pyodide()


def test_what_no_registry_gives_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the browser's tests of the site are skipped: nothing of ours is wrong."""

    def run(*command: object, cwd: Path = ROOT) -> str:
        raise RuntimeError("no such host")

    monkeypatch.setattr(parts, "PARTS", tmp_path)
    monkeypatch.setattr(parts, "run", run)
    for fetch in (parts.pyodide, parts.wheels):
        with pytest.raises(parts.NotFetched, match="could not be fetched: no such host"):
            fetch()


def test_a_program_that_fails_is_told_with_what_it_said() -> None:
    with pytest.raises(RuntimeError, match=r"(?s)expected `ls /no/such` to work, came status \d.*no/such"):
        parts.run("ls", "/no/such")
