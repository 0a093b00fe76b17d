"""`Shelf`: where a learner's pieces are kept: ``exercises/my_stack/``, one importable module for each step that passed.

It holds ``progress.json`` too. Nothing here deletes work: a step that passes again with another source keeps the old
one aside as ``step_4_1.py.1``.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import json
import os
import re
import symtable
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from . import answer
from .step import Step

FOLDER_VARIABLE = "OCPP_LAB_MY_STACK"
"""Environment variable: another folder than ``my_stack`` beside the exercise notebooks."""


_under_way: set[str] = set()
"""Packages of which a piece is being imported at this moment."""


_loading: list[Shelf] = []
"""From which shelf a piece is being loaded at this moment."""


class Shelf:
    """``folder`` need not exist yet; it is made when something is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @staticmethod
    def here() -> Shelf | None:
        """The shelf of the folder ``exercises``, if this Python works there, as a notebook does; None elsewhere.

        While a piece is loaded from a shelf it is that one, wherever this Python works: the piece may ask for `mine`.
        """
        if _loading:
            return _loading[-1]
        if told := os.environ.get(FOLDER_VARIABLE):
            return Shelf(Path(told))
        here = Path.cwd()
        return Shelf(here / "my_stack") if here.name == "exercises" else None

    # -- pieces

    def module_path(self, number: str) -> Path:
        return self.folder / f"{module_name(number)}.py"

    def keep(self, step: Step, pieces: tuple[Any, ...]) -> str:
        """Save the source of a passing step. Returns a line about it for the learner, also if it cannot be written."""
        try:
            return self._keep(step, pieces)
        except OSError as error:
            return f"Not kept: {self._shown(self.module_path(step.number))}: {error.strerror or error}."

    def _keep(self, step: Step, pieces: tuple[Any, ...]) -> str:
        text = answer.source(pieces)
        if text is None:
            return "Python has forgotten the source of this answer: run its cell again, then the check."
        text = "\n\n".join([*_declared(step, text), text])
        imports, missing = self._imports(step, text, pieces)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "__init__.py").touch()
        path = self.module_path(step.number)
        whole = f'"""Step {step.number}: {step.title}."""\n\n{"".join(f"{line}\n" for line in imports)}\n{text}'
        _put_aside(path, whole)
        path.write_text(whole, encoding="utf-8")
        if missing:
            return (
                f"Kept in {self._shown(path)}; it uses {', '.join(missing)} of another cell: move that into this one."
            )
        return f"Kept in {self._shown(path)}."

    def _shown(self, path: Path) -> str:
        return f"{self.folder.name}/{path.name}"

    def _imports(self, step: Step, text: str, pieces: tuple[Any, ...]) -> tuple[list[str], list[str]]:
        """Lines that give the module what its cell took from other cells, and names that no line can give."""
        namespace = next((each.__globals__ for piece in pieces for each in answer.functions(piece)), {})
        lines, missing = [], []
        for name in free_names(text):
            if line := self._line_for(name, namespace.get(name), step):
                lines.append(line)
            elif name in namespace:
                missing.append(f"`{name}`")
        return lines, missing + [f"`{name}`" for name in step.names if name not in defined(text)]

    def _line_for(self, name: str, value: Any, step: Step) -> str | None:
        if isinstance(value, ModuleType):
            return f"import {value.__name__} as {name}" if value.__name__ != name else f"import {name}"
        if name == "mine":  # whatever gave it: in a kept module it finds what lies beside
            return "from ocpp_course.checks.course import mine"
        module = getattr(value, "__module__", None)
        if module in sys.modules and getattr(sys.modules[module], name, None) is value and module != "__main__":
            return f"from {module} import {name}"
        for earlier in sorted(self.folder.glob("step_*.py"), reverse=True):
            if earlier.stem < module_name(step.number) and f"\n{_definition(name, earlier)}" in "\n" + _read(earlier):
                return f"from .{earlier.stem} import {name}"
        return None

    def load(self, step: Step) -> tuple[Any, ...] | None:
        """The pieces of a step that passed once; None if it did not."""
        path = self.module_path(step.number)
        if not path.is_file():
            return None
        _loading.append(self)
        try:
            module = self._import(path)
        finally:
            _loading.pop()
        if lacking := [name for name in step.names if not hasattr(module, name)]:
            raise ImportError(
                f"expected {', '.join(lacking)} in {self._shown(path)}, where step {step.number} was kept, came a file "
                "without; put it into the cell of that step, and run the cell and its check again"
            )
        return tuple(getattr(module, name) for name in step.names)

    def _import(self, path: Path) -> ModuleType:
        """Imported afresh, as a part of the package ``my_stack``; within the import of another piece, as a part of it.

        A class that begins with ``class Transport(mine("1.3"))`` asks for another piece while its own is imported.
        """
        package = self.folder.name
        if package in _under_way:
            return importlib.import_module(f"{package}.{path.stem}")
        _under_way.add(package)
        try:
            self._afresh(package)
            return importlib.import_module(f"{package}.{path.stem}")
        finally:
            _under_way.discard(package)

    def _afresh(self, package: str) -> None:
        for name in [each for each in sys.modules if each == package or each.startswith(f"{package}.")]:
            del sys.modules[name]
        init = importlib.util.spec_from_file_location(
            package, self.folder / "__init__.py", submodule_search_locations=[str(self.folder)]
        )
        assert init is not None
        sys.modules[package] = importlib.util.module_from_spec(init)

    # -- progress

    @property
    def _progress_path(self) -> Path:
        return self.folder / "progress.json"

    def progress(self) -> dict[str, dict[str, Any]]:
        """What is known of each step, by number: ``how`` ("mine" or "reference"), ``points``, ``hints``."""
        try:
            found = json.loads(self._progress_path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def note(self, number: str, **facts: Any) -> str:
        """Add to what is known of a step. A step that was passed once stays passed.

        Returns a line for the learner if the file cannot be written: that is no reason why an answer should fail.
        """
        told = self.progress()
        before = told.get(number, {})
        if before.get("how") == "mine" and facts.get("how") == "reference":
            facts = {key: value for key, value in facts.items() if key not in ("how", "points")}
        told[number] = before | facts
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            fresh = self._progress_path.with_suffix(".new")
            fresh.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            fresh.replace(self._progress_path)  # whole or not at all
        except OSError as error:
            return f"Your points are not on the board: {self._shown(self._progress_path)}: {error.strerror or error}."
        return ""


def module_name(number: str) -> str:
    return f"step_{number.replace('.', '_')}"


def defined(text: str) -> set[str]:
    """Names that a module gives a meaning at its top."""
    symbols = symtable.symtable(text, "answer", "exec").get_symbols()
    return {each.get_name() for each in symbols if each.is_assigned() or each.is_imported() or each.is_namespace()}


def _declared(step: Step, text: str) -> Iterator[str]:
    """Cells that give a meaning to what was handed in and is not in this text: a table beside the class, perhaps."""
    cells = [str(cell) for cell in vars(sys.modules["__main__"]).get("In", [])]
    for name in step.names:
        if name not in defined(text):
            meaning = re.compile(rf"^{re.escape(name)} *(:|=[^=])", re.M)
            yield from [cell for cell in reversed(cells) if meaning.search(cell) and "check(" not in cell][:1]


def free_names(text: str) -> list[str]:
    """Names that a module uses and does not define."""
    table = symtable.symtable(text, "answer", "exec")
    own = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    used: set[str] = set()
    tables = [table]
    while tables:
        each = tables.pop()
        tables += each.get_children()
        used |= {s.get_name() for s in each.get_symbols() if s.is_global() or (each is table and s.is_referenced())}
    return sorted(name for name in used - own if not hasattr(builtins, name))


def _definition(name: str, path: Path) -> str:
    """How a module that defines the name at its top begins the line; something impossible if it does not."""
    text = "\n" + _read(path)
    starts = (f"class {name}", f"def {name}(", f"async def {name}(", f"{name} =", f"{name}: ")
    return next((start for start in starts if f"\n{start}" in text), "\0")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _put_aside(path: Path, text: str) -> None:
    """Keep what the file holds under another name, if it holds anything else."""
    if not path.is_file() or _read(path) == text:
        return
    number = 1
    while path.with_name(f"{path.name}.{number}").exists():
        number += 1
    path.rename(path.with_name(f"{path.name}.{number}"))
