"""Pyodide's lock file, made ours: our wheels lie beside it, and what is left stays in Pyodide's own distribution."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

NAME = "pyodide-lock.json"
"""A lock file tells Pyodide of each package the file, its hash, and what can be imported from it."""


def lock(theirs: dict[str, Any], wheels: list[Path], distribution: str) -> dict[str, Any]:
    """Their lock file with our wheels; what else is in it gets an address below ``distribution``.

    It is fetched from there only when a reader's notebook needs it, which is for plots alone.
    """
    elsewhere = {
        name: package | {"file_name": f"{distribution}/{package['file_name']}"}
        for name, package in theirs["packages"].items()
    }
    ours = {package["name"]: package for package in map(entry, wheels)}
    return theirs | {"packages": elsewhere | ours}


def entry(wheel: Path) -> dict[str, Any]:
    """What the lock file says of a wheel. It depends on nothing, because all of ours are loaded at the beginning."""
    with zipfile.ZipFile(wheel) as opened:
        files = opened.namelist()
    folders = {file.split("/")[0] for file in files}
    tops = {folder.removesuffix(".py") for folder in folders if not folder.endswith((".dist-info", ".data"))}
    return {
        "name": name(wheel),
        "version": wheel.name.split("-")[1],
        "file_name": wheel.name,
        "install_dir": "site",
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "package_type": "package",
        "imports": sorted(top for top in tops if top.isidentifier()),
        "depends": [],
        "unvendored_tests": False,
    }


def name(wheel: Path) -> str:
    """How Pyodide calls the package of a wheel."""
    return canonicalize_name(wheel.name.split("-")[0])
