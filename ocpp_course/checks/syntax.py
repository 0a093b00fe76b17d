"""What the syntax tree of a cell proves: what is raised on purpose, who catches everything, which call is not awaited.

A call of a coroutine function only makes a coroutine. Its value is *dropped* if the call is a statement by itself, and
*misused* if the call stands where a value is needed: in an addition, in a condition, before a dot. Everything else may
be right: a coroutine may be returned, kept, or handed to `create_task`, `gather` and the like.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, Literal

import ocpp_lab

DRIVEN = {"send", "throw", "close", "__await__", "cr_frame", "cr_await", "cr_running", "cr_code"}
"""What may be asked of a coroutine itself."""


@dataclass(frozen=True)
class Unawaited:
    """A call without its ``await``: what is called, and in which line."""

    called: str
    line: int


def is_raised_on_purpose(cell: ast.Module, line: int) -> bool:
    """A `raise` or an `assert` stands in this line."""
    return any(_covers(node, line) for node in ast.walk(cell) if isinstance(node, ast.Raise | ast.Assert))


def catches_all(cell: ast.Module, line: int) -> ast.ExceptHandler | None:
    """The innermost handler around this line that catches every `Exception` or more; None if none does."""
    handlers = [handler for node in _tries(cell, line) for handler in node.handlers]
    return next(filter(_is_broad, handlers), None)


def _tries(cell: ast.Module, line: int) -> list[ast.Try]:
    """The innermost first."""
    tries = [node for node in ast.walk(cell) if isinstance(node, ast.Try) and any(_covers(x, line) for x in node.body)]
    return sorted(tries, key=lambda each: -each.lineno)


def _is_broad(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or bool(_names(handler.type) & {"Exception", "BaseException"})


def who_catches(cell: ast.Module, line: int, names: set[str]) -> Literal["", "named", "all"]:
    """Whether the innermost handler around this line that catches an exception names it, or catches everything."""
    for node in _tries(cell, line):
        for handler in node.handlers:
            if handler.type is not None and _names(handler.type) & names:
                return "named"
            if _is_broad(handler):
                return "all"
    return ""


def swallows_cancellation(cell: ast.Module, line: int) -> ast.ExceptHandler | None:
    """The handler around this line that catches even a cancellation without naming it, and never raises again."""
    handler = catches_all(cell, line)
    if handler is None or (handler.type is not None and "BaseException" not in _names(handler.type)):
        return None
    leaves = any(isinstance(node, ast.Raise | ast.Return | ast.Break) for node in ast.walk(handler))
    return None if leaves else handler


def _names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _covers(node: Any, line: int) -> bool:
    return bool(node.lineno <= line <= (node.end_lineno or node.lineno))


def called_in(cell: ast.Module | None, line: int, name: str) -> str:
    """How the call of a function is written in this line; its own name if that cannot be told."""
    calls = [node for node in ast.walk(cell) if isinstance(node, ast.Call) and node.lineno == line] if cell else []
    written = [ast.unparse(node.func) for node in calls]
    same = [each for each in written if each.rpartition(".")[2] == name]
    return next(iter(same or written), name)


def unawaited(cell: ast.Module, names: dict[str, Any]) -> Iterator[Unawaited]:
    """Calls of coroutine functions whose value is dropped or misused. ``names`` is what the cell's names mean."""
    plain = {node.name for node in ast.walk(cell) if isinstance(node, ast.FunctionDef)}
    yield from _Reader(names, contract_coroutines() - plain).read(cell, ())


class _Reader:
    def __init__(self, names: dict[str, Any], methods: frozenset[str]) -> None:
        self.names = names
        self.methods = methods

    def read(self, node: ast.AST, around: tuple[ast.AST, ...]) -> Iterator[Unawaited]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Call) and _wants_value(node, child) and self._is_coroutine(child, (*around, node)):
                yield Unawaited(f"{ast.unparse(child.func)}(…)", child.lineno)
            yield from self.read(child, (*around, node))

    def _is_coroutine(self, call: ast.Call, around: tuple[ast.AST, ...]) -> bool:
        match call.func:
            case ast.Name(id=name):
                return self._is_function(name, around)
            case ast.Attribute(value=ast.Name(id=name), attr=attr):
                if _is_self(name, around):
                    return self._is_method(attr, around)
                if isinstance(value := self._seen(name, around), type(asyncio) | type):
                    return inspect.iscoroutinefunction(getattr(value, attr, None))
                return attr in self.methods
            case ast.Attribute(attr=attr):
                return attr in self.methods
        return False

    def _is_function(self, name: str, around: tuple[ast.AST, ...]) -> bool:
        for scope in reversed(around):
            if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and name in _bound(scope):
                inner = [each for each in ast.walk(scope) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
                same = [each for each in inner if each.name == name and each is not scope]
                return len(same) == 1 == _times_bound(scope, name) and _is_plain_coroutine(same[0])
        return inspect.iscoroutinefunction(self.names.get(name))

    def _is_method(self, attr: str, around: tuple[ast.AST, ...]) -> bool:
        owner = next((each for each in reversed(around) if isinstance(each, ast.ClassDef)), None)
        kind = self.names.get(owner.name) if owner else None
        if not isinstance(kind, type):
            return False
        try:
            return inspect.iscoroutinefunction(inspect.getattr_static(kind, attr))
        except AttributeError:
            return False

    def _seen(self, name: str, around: tuple[ast.AST, ...]) -> Any:
        """What a global name means; None where a function has another thing of that name."""
        functions = [each for each in around if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)]
        return None if any(name in _bound(each) for each in functions) else self.names.get(name)


def _is_plain_coroutine(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    yields = any(isinstance(each, ast.Yield | ast.YieldFrom) for each in ast.walk(node))
    return isinstance(node, ast.AsyncFunctionDef) and not yields and not node.decorator_list


def _is_self(name: str, around: tuple[ast.AST, ...]) -> bool:
    """The first parameter of the method that this stands in."""
    for outer, inner in pairwise(around):
        if isinstance(outer, ast.ClassDef) and isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
            return bool(inner.args.args) and inner.args.args[0].arg == name
    return False


def _bound(scope: Any) -> set[str]:
    """Names that a function has of its own."""
    arguments = {each.arg for each in ast.walk(scope.args) if isinstance(each, ast.arg)}
    return arguments | {name for node in ast.walk(scope) if node is not scope and (name := _binds(node))}


def _times_bound(scope: Any, name: str) -> int:
    arguments = sum(each.arg == name for each in ast.walk(scope.args) if isinstance(each, ast.arg))
    return arguments + sum(_binds(node) == name for node in ast.walk(scope) if node is not scope)


def _binds(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name, ctx=ast.Store()):
            return name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return name
    return ""


def _wants_value(parent: ast.AST, call: ast.Call) -> bool:
    """Whether a coroutine is of no use in this place."""
    match parent:
        case ast.Expr() | ast.BinOp() | ast.UnaryOp() | ast.Compare() | ast.FormattedValue():
            return True
        case ast.Attribute(attr=attr):
            return attr not in DRIVEN
        case ast.BoolOp(values=values):
            return call is not values[-1]  # the last one may be what is returned
        case ast.Call(func=place) | ast.Subscript(value=place):
            return place is call
        case ast.If(test=place) | ast.While(test=place) | ast.IfExp(test=place) | ast.Assert(test=place):
            return place is call
        case ast.For(iter=place) | ast.comprehension(iter=place, is_async=0):
            return place is call
    return False


@cache
def contract_coroutines() -> frozenset[str]:
    """Names of methods that are coroutines wherever the package, asyncio or Python's own types have them."""
    ours = [value for name in ocpp_lab.__all__ if isinstance(value := getattr(ocpp_lab, name), type)]
    others = [value for value in vars(asyncio).values() if isinstance(value, type)]
    plain = [dict, list, set, str, bytes, tuple, type(_ for _ in ()), type(open)]
    found: dict[str, set[bool]] = {}
    for kind in {*ours, *others, *plain}:
        for name in dir(kind):
            value = inspect.getattr_static(kind, name, None)
            if callable(value) and not name.startswith("_"):
                found.setdefault(name, set()).add(inspect.iscoroutinefunction(value))
    own = {name for kind in ours for name in dir(kind)}
    return frozenset(name for name, kinds in found.items() if kinds == {True} and name in own)
