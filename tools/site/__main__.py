"""`make site`: build/site, the workbook in JupyterLite: static files that any web server can serve.

Usage: python -m tools.site [--fresh]. What it is made with lies in build/site-parts and is made once: an environment
of its own (builder.txt), Python for browsers from the npm package `pyodide`, and the wheels that run in it
(wheels.txt). Every one of them is pinned by its hash; ``--fresh`` makes them anew. docs/web.md has the rest.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path

from tools.site import kernel, lock, pages, parts, reference
from tools.site.parts import BUILD, ROOT

SITE = BUILD / "site"
LITE = BUILD / "site-lite"
KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"
NO_SOURCE = shutil.ignore_patterns("*.py", "*.cfg", "my_stack", ".ipynb_checkpoints", "__pycache__")
OPTIONS = ("--apps", "lab", "--apps", "notebooks", "--no-sourcemaps", "--no-unused-shared-packages")


def main(arguments: list[str]) -> int:
    start = time.perf_counter()
    if "--fresh" in arguments:
        shutil.rmtree(parts.PARTS, ignore_errors=True)
    parts.builder()
    core, wheels = parts.pyodide(), [*parts.wheels(), parts.own_wheel(), *kernel.wheels(parts.PARTS / "kernel")]
    names = lay_out(core, wheels)
    contents()
    settings(names)
    build()
    pages.pages(SITE, LITE / "contents")
    reference.reference(SITE)
    size = sum(file.stat().st_size for file in SITE.rglob("*") if file.is_file())
    print(f"== site: {SITE.relative_to(ROOT)}, {size / 1e6:.1f} MB, made in {time.perf_counter() - start:.0f} s")
    print(f"== look at it: python -m http.server --bind 127.0.0.1 --directory {SITE.relative_to(ROOT)}")
    return 0


def lay_out(core: Path, wheels: list[Path]) -> list[str]:
    """Pyodide, our wheels and the lock file that lists both, in one folder; returns the names of our packages."""
    shutil.rmtree(LITE, ignore_errors=True)
    folder = LITE / "static" / "pyodide"
    folder.mkdir(parents=True)
    for name in parts.CORE:
        shutil.copy(core / name, folder)
    for wheel in wheels:
        shutil.copy(wheel, folder)
    made = lock.lock(json.loads((core / lock.NAME).read_text(encoding="utf-8")), wheels, parts.distribution())
    (folder / lock.NAME).write_text(json.dumps(made), encoding="utf-8")
    return [lock.name(wheel) for wheel in wheels]


def contents() -> None:
    """START, notebooks with their pictures, exercises and solutions; no source of theirs, and nobody's own work."""
    folder = LITE / "contents"
    for name in ("notebooks", "exercises", "solutions"):
        shutil.copytree(ROOT / name, folder / name, ignore=NO_SOURCE)
    shutil.copy(ROOT / "START.ipynb", folder)
    for picture in folder.rglob("*.svg"):  # JupyterLite hands it to the page by `btoa`, which wants Latin-1
        picture.write_bytes(picture.read_text(encoding="utf-8").encode("ascii", "xmlcharrefreplace"))


def settings(names: list[str]) -> None:
    """Where Pyodide lies, seen from the site itself, and what it loads before the first cell."""
    kernel = {
        "pyodideUrl": f"./static/pyodide/{parts.CORE[0]}",
        "disablePyPIFallback": True,
        "loadPyodideOptions": {"packages": names},
    }
    data = {"appName": "OCPP Lab", "exposeAppInBrowser": True, "litePluginSettings": {KERNEL: kernel}}
    text = json.dumps({"jupyter-lite-schema-version": 0, "jupyter-config-data": data}, indent=1)
    (LITE / "jupyter-lite.json").write_text(text, encoding="utf-8")


def build() -> None:
    """What JupyterLite makes of that. Raises RuntimeError with the end of what it said if it fails."""
    shutil.rmtree(SITE, ignore_errors=True)
    places = ("--lite-dir", LITE, "--output-dir", SITE, "--contents", LITE / "contents")
    parts.run(parts.BUILDER / "bin" / "jupyter", "lite", "build", *places, *OPTIONS, cwd=LITE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
