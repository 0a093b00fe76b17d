"""What a site is made of, each got once and by its hash: the builder's environment, Pyodide, wheels, and our own."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build"
PARTS = BUILD / "site-parts"
BUILDER = PARTS / "builder"
HERE = Path(__file__).resolve().parent

PYODIDE = "314.0.6"
"""The version that the kernel of builder.txt is made for."""
INTEGRITY = "BKDTJyIqFxC4BExLqeRS3f5xvXZIjOt8C3zGLN/Cc7tFxSwvKVhVkchQQ2AGLOtR4YrVOIFxbV8poyDOOmWwxQ=="
"""SHA-512 of the npm package, as npm writes it."""
CORE = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
"""Files of the npm package that a browser loads, the first of them first."""
PYTHON, PLATFORM = "3.14", "pyemscripten_2026_0_wasm32"
"""The Python of that Pyodide, and the platform that its wheels are made for."""


class NotFetched(RuntimeError):
    """A part could not be got from its registry; what the program said that tried."""


@contextmanager
def fetching(what: str) -> Iterator[None]:
    """Whatever fails here is a part that could not be had."""
    try:
        yield
    except RuntimeError as error:
        raise NotFetched(f"{what} could not be fetched: {error}") from error


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """What a program printed. Raises RuntimeError with the end of all that it said if it failed."""
    ran = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if ran.returncode:
        told = f"{ran.stdout[-2000:]}{ran.stderr[-2000:]}"
        raise RuntimeError(f"expected `{' '.join(map(str, command))}` to work, came status {ran.returncode}:\n{told}")
    return ran.stdout


def builder() -> None:
    """An environment with JupyterLite alone, so that it cannot change the versions that the course is tested with.

    Raises NotFetched, as do the others that ask a registry.
    """
    made = BUILDER / "made"
    pins = HERE / "builder.txt"
    if made.exists() and made.read_text(encoding="utf-8") == pins.read_text(encoding="utf-8"):
        return
    print("== site: an environment for JupyterLite (a minute, the first time)", flush=True)
    run(sys.executable, "-m", "venv", "--clear", BUILDER)
    with fetching("JupyterLite"):
        run(BUILDER / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", pins)
    made.write_text(pins.read_text(encoding="utf-8"), encoding="utf-8")


def distribution() -> str:
    """The address of Pyodide's own distribution, as the kernel knows it; what is left out here lies there."""
    told = "from jupyterlite_pyodide_kernel import constants as c; print(c.PYODIDE_VERSION, c.PYODIDE_CDN_URL)"
    version, address = run(BUILDER / "bin" / "python", "-c", told).split()
    if version != PYODIDE:
        raise RuntimeError(f"expected the kernel of builder.txt to want Pyodide {PYODIDE}, came {version}: change both")
    return address.rstrip("/")


def pyodide() -> Path:
    """The folder of the npm package, unpacked. Raises RuntimeError without npm, or if it is another package."""
    archive = PARTS / f"pyodide-{PYODIDE}.tgz"
    if not archive.exists():
        PARTS.mkdir(parents=True, exist_ok=True)
        with fetching("Pyodide"):
            run("npm", "pack", "--silent", f"pyodide@{PYODIDE}", cwd=PARTS)
    came = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if came != INTEGRITY:
        raise RuntimeError(f"{archive}: expected the SHA-512 {INTEGRITY}, came {came}: remove it and try again")
    with tarfile.open(archive) as opened:
        opened.extractall(PARTS / "pyodide", filter="data")
    return PARTS / "pyodide" / "package"


def wheels() -> list[Path]:
    """The wheels of wheels.txt. pip refuses any whose hash is another."""
    folder, pins = PARTS / "wheels", HERE / "wheels.txt"
    wanted = set(re.findall(r"sha256:([0-9a-f]{64})", pins.read_text(encoding="utf-8")))
    if _hashes(folder) != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        download("--no-deps", "--require-hashes", "-r", pins, "-d", folder)
    return sorted(folder.glob("*.whl"))


def download(*what: str | Path) -> None:
    """Wheels for the Python in the tab, by pip."""
    pip = (sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--only-binary", ":all:")
    target = ("--python-version", PYTHON, "--implementation", "cp", "--abi", f"cp{PYTHON.replace('.', '')}")
    platforms = ("--abi", "none", "--platform", PLATFORM, "--platform", "any")
    with fetching("what runs in the tab"):
        run(*pip, *target, *platforms, *what)


def _hashes(folder: Path) -> set[str]:
    return {hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in folder.glob("*.whl")}


def own_wheel() -> Path:
    """The course and the stack as they are here and now."""
    folder = PARTS / "own"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(BUILD / "lib", ignore_errors=True)  # setuptools builds there, and would keep what is gone
    run(sys.executable, "-m", "pip", "wheel", "-q", "--disable-pip-version-check", "--no-deps", "-w", folder, ROOT)
    [wheel] = folder.glob("*.whl")
    return wheel
