"""`Own`: the code of an answer that is the learner's: its code objects, the cells they are in, and the lines there."""

from __future__ import annotations

import ast
import linecache
import re
from collections.abc import Iterator
from functools import cached_property
from types import CodeType, FunctionType
from typing import Any

from . import answer

_KEPT = re.compile(r"[/\\]step_(\d)_(\w+)\.py$")


class Own:
    """``pieces`` as they were handed in. A helper that they call is theirs too, in whatever cell it stands."""

    def __init__(self, pieces: tuple[Any, ...]) -> None:
        self.pieces = pieces
        self.functions = list(_reached(pieces))
        self.codes = {code for each in self.functions for code in _inside(each.__code__)}
        self.files = {code.co_filename for code in self.codes}

    @cached_property
    def cells(self) -> dict[str, ast.Module]:
        """The syntax tree of each cell; a cell that Python has forgotten is left out."""
        found = {}
        for name in sorted(self.files):
            try:
                found[name] = ast.parse("".join(linecache.getlines(name)))
            except SyntaxError:
                continue
        return found

    @cached_property
    def names(self) -> dict[str, Any]:
        """What a name means where the functions of the answer look it up."""
        names: dict[str, Any] = {}
        for each in self.functions:
            names |= each.__globals__
        return names

    def source(self, filename: str, line: int) -> str:
        """One line of a cell, without its indentation."""
        return linecache.getline(filename, line).strip()

    def at(self, filename: str, line: int) -> str:
        """``line 14 of its cell: `x = y``` for a message; the source is left out if Python has forgotten it."""
        said = self.source(filename, line)
        return f"line {line} of {file_of(filename)}" + (f": `{said}`" if said else "")


def kept_for(filename: str) -> str:
    """The step of which a file of ``my_stack`` is what was kept; "" for a cell."""
    found = _KEPT.search(filename)
    return f"{found[1]}.{found[2]}" if found else ""


def file_of(filename: str) -> str:
    """What a learner calls it."""
    return f"what was kept of step {number}" if (number := kept_for(filename)) else "its cell"


def _reached(pieces: tuple[Any, ...]) -> Iterator[FunctionType]:
    """The functions of the pieces, and of what they call by name, as far as it is nobody else's."""
    seen: set[int] = set()
    left = list(pieces)
    while left:
        for function in answer.functions(left.pop()):
            if id(function) in seen or not answer.is_learners(function.__code__.co_filename):
                continue
            seen.add(id(function))
            yield function
            left += _used(function)


def _used(function: FunctionType) -> Iterator[Any]:
    """Functions and classes that a function names, in its module or in the functions around it."""
    named = {name for code in _inside(function.__code__) for name in code.co_names}
    values = [function.__globals__.get(name) for name in sorted(named)]
    for cell in function.__closure__ or ():
        try:
            values.append(cell.cell_contents)
        except ValueError:  # not filled yet
            continue
    return (value for value in values if isinstance(value, FunctionType | type))


def _inside(code: CodeType) -> Iterator[CodeType]:
    yield code
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _inside(const)
