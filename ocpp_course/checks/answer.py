"""`Answer`: what a learner handed in: its source, whether it is written yet, whether it is the package's own."""

from __future__ import annotations

import ast
import inspect
import linecache
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import ocpp_lab

from .step import Step

PACKAGES = ("ocpp_lab", "ocpp_course")
"""What is ours, by its name in an import."""
CHECKS = str(Path(__file__).resolve().parent)
_BUILDS_ON_KEPT = re.compile(r"\bmine\(")
FOLDERS = tuple(f"{folder}{os.sep}" for folder in (Path(ocpp_lab.__file__).resolve().parent, Path(CHECKS).parent))


def functions(piece: Any) -> Iterator[FunctionType]:
    """The functions of a piece: itself, or what its class and the classes below it define."""
    piece = inspect.unwrap(piece) if callable(piece) else piece
    if isinstance(piece, FunctionType):
        yield piece
    elif isinstance(piece, type):
        for owner in piece.__mro__:
            yield from _defined_in(owner)
    elif callable(piece):
        yield from functions(getattr(piece, "func", None) or type(piece))


def _defined_in(owner: type) -> Iterator[FunctionType]:
    """The functions of one class, without those of its bases."""
    for value in vars(owner).values():
        inner = getattr(value, "fget", None) or getattr(value, "__func__", None) or value
        if isinstance(inner, FunctionType):
            yield inspect.unwrap(inner)


def files(pieces: tuple[Any, ...]) -> set[str]:
    """The files that the learner's functions are in; a cell is a file too. None of the package's or Python's own."""
    return _cells_of(function for piece in pieces for function in functions(piece))


def _cells_of(functions: Iterable[FunctionType]) -> set[str]:
    found = {function.__code__.co_filename for function in functions}
    return {name for name in found if is_learners(name)}


def is_learners(filename: str) -> bool:
    """Whether a file is neither the package's nor Python's own."""
    return not _is_ours(filename) and not _is_pythons(filename)


def _is_ours(filename: str) -> bool:
    return filename.startswith(FOLDERS)


def _is_pythons(filename: str) -> bool:
    return filename.startswith("<frozen") or "/lib/python" in filename.replace("\\", "/")


def source(pieces: tuple[Any, ...]) -> str | None:
    """The cell or file that defines the pieces; several are joined, a class after those that it builds on.

    None if Python has forgotten it.
    """
    found = dict.fromkeys(name for piece in pieces for name in _built_from(piece))
    texts = ["".join(linecache.getlines(name)) for name in found]
    return "\n\n".join(text for text in texts if text) or _declaring(pieces)


def _built_from(piece: Any) -> list[str]:
    """The cells of a piece, the one that builds on others last.

    A cell that calls ``mine("4.1")`` builds on what is kept already, so what lies below it is not told again.
    """
    if not isinstance(piece, type):
        return sorted(files((piece,)))
    found: list[str] = []
    for owner in piece.__mro__:
        cells = [name for name in sorted(_cells_of(_defined_in(owner))) if name not in found]
        found = [*cells, *found]
        if any(_BUILDS_ON_KEPT.search("".join(linecache.getlines(name))) for name in cells):
            break
    return found


def grows(step: Step, pieces: tuple[Any, ...]) -> bool:
    """The answer has lines of its own on top of the package's class, which ``mine`` gave for a step not passed."""
    return any(_grows_from(step.references(), piece) and files((piece,)) for piece in pieces)


def _declaring(pieces: tuple[Any, ...]) -> str | None:
    """The newest cell that declares these messages: no function of theirs says where they come from."""
    names = [piece.__name__ for piece in pieces if is_struct(piece)]
    cells = ["".join(entry[2]) for entry in linecache.cache.values() if len(entry) == 4 and entry[1] is None]
    cells += vars(sys.modules["__main__"]).get("In", [])  # of a notebook, in the order in which they ran
    for cell in reversed(cells if names else []):
        if all(re.search(rf"^(class {name}\b|{name} *=)", cell, re.M) for name in names):
            return str(cell)
    return None


def unwritten(step: Step, pieces: tuple[Any, ...]) -> list[str]:
    """Names of what is still the stub it was: functions that raise ``NotImplementedError("step n.m")``, empty nouns."""
    names: dict[str, None] = {}
    for name, piece in zip(step.names, pieces, strict=True):
        if not callable(piece) and not piece:
            names[name] = None
        if isinstance(piece, type) and is_empty_struct(piece):
            names[name] = None
        names |= {each.__qualname__: None for each in functions(piece) if _is_stub(each.__code__)}
    return list(names)


def is_empty_struct(piece: type) -> bool:
    """A message that declares no field yet."""
    return getattr(piece, "__struct_fields__", None) == () and piece.__module__.partition(".")[0] not in PACKAGES


def is_unstarted(step: Step, pieces: tuple[Any, ...]) -> bool:
    """Nothing is written: every function is a stub, every noun empty."""
    left = unwritten(step, pieces)
    return bool(left) and all(_nothing_in(piece) for piece in pieces)


def _nothing_in(piece: Any) -> bool:
    newest = list(_defined_in(piece)) if isinstance(piece, type) else []  # it may grow from a class that is written
    own = [each for each in newest or functions(piece) if not _is_ours(each.__code__.co_filename)]
    own = [each for each in own if not _is_pythons(each.__code__.co_filename) and each.__name__ != "__repr__"]
    if own:
        return all(_is_stub(each.__code__) for each in own)
    return not piece if not isinstance(piece, type) else is_empty_struct(piece)


def _is_stub(code: CodeType) -> bool:
    says = any(isinstance(const, str) and const.startswith("step ") for const in code.co_consts)
    return says and "NotImplementedError" in code.co_names


def is_reference(step: Step, pieces: tuple[Any, ...]) -> bool:
    """The package's own piece was handed in, as it is, in a thin wrapper, or by inheritance."""
    theirs = step.references()
    if any(piece is own for piece in pieces for own in theirs if callable(own) or isinstance(own, dict)):
        return True
    if any(isinstance(piece, type) and own in piece.__mro__ for piece in pieces for own in theirs):
        return True
    return any(_is_packages(piece) for piece in pieces) or _imports_it(step, pieces)


def _is_packages(piece: Any) -> bool:
    """All that does the work of a function or class is the package's."""
    found = list(functions(piece))
    own = [each for each in found if not _is_ours(each.__code__.co_filename)]
    return bool(found) and all(_is_pythons(each.__code__.co_filename) for each in own) and not is_struct(piece)


def is_struct(piece: Any) -> bool:
    """A message: what it inherits is the declaration's, and its fields are its own."""
    return isinstance(piece, type) and hasattr(piece, "__struct_fields__")


def _imports_it(step: Step, pieces: tuple[Any, ...]) -> bool:
    """The answer takes what it should write from the package: by its name, or as ``mine`` of a step not passed."""
    if any(_grows_from(step.references(), piece) for piece in pieces):
        return True
    text = source(pieces)
    try:
        tree = ast.parse(text or "")
    except SyntaxError:
        return False
    wanted = set(step.names) | {getattr(own, "__name__", "") for own in step.references()} - {""}
    ours = {*PACKAGES, *(name for node in ast.walk(tree) for name in _modules_of_ours(node))}
    return any(_takes(node, wanted, ours) for node in ast.walk(tree))


def _modules_of_ours(node: ast.AST) -> Iterator[str]:
    """Names that this import gives to the package or to what is in it."""
    match node:
        case ast.Import(names=names):
            yield from (alias.asname for alias in names if alias.asname and alias.name.split(".")[0] in PACKAGES)
        case ast.ImportFrom(module=str(module), names=names) if module.split(".")[0] in PACKAGES:
            yield from (alias.asname or alias.name for alias in names)


def _grows_from(theirs: tuple[Any, ...], piece: Any) -> bool:
    """It inherits from a class of the package that does all this already, as ``mine`` gives for a step not passed."""
    made = {base for own in theirs if isinstance(own, type) for base in own.__mro__ if _is_packages(base)}
    return isinstance(piece, type) and not is_struct(piece) and bool(made & set(piece.__mro__))


def _takes(node: ast.AST, wanted: set[str], ours: set[str]) -> bool:
    match node:
        case ast.ImportFrom(module=str(module), names=names) if module.split(".")[0] in PACKAGES:
            return any(alias.name in wanted for alias in names)
        case ast.Attribute(attr=attr, value=value) if attr in wanted:
            return ast.unparse(value).split(".")[0] in ours
        case ast.Call(func=ast.Name(id="getattr"), args=[value, name, *_]) if ast.unparse(value).split(".")[0] in ours:
            return not isinstance(name, ast.Constant) or name.value in wanted  # a name that is put together hides one
    return False
