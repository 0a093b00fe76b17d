"""What a step asks of a function, beside what was written: parameters, `async`, names, a return."""

from __future__ import annotations

import ast
import difflib
import inspect
import re
from collections.abc import Iterator
from types import FunctionType
from typing import Any

from .own import Own

_ARGUMENTS = re.compile(r"^([\w.<>]+)\(\) (takes|missing|got) ")
_NOT_AWAITABLE = re.compile(r"object (\w+) can't be used in 'await' expression|'(\w+)' object can't be awaited")
_NO_ATTRIBUTE = re.compile(r"'(\w+)' object has no attribute '(\w+)'")


def misfit(own: Own, step: Any, error: TypeError | AttributeError) -> str:
    """Why a call that the check made does not fit the answer; "" if that is not what the error says."""
    said = str(error)
    if found := _ARGUMENTS.match(said):
        function = _named(own, found[1])
        return _wrong_parameters(own, said, function) if function else ""
    if (found := _NO_ATTRIBUTE.match(said)) and (kind := _class(own, found[1])):
        return _no_such_name(own, kind, found[2])
    if found := _NOT_AWAITABLE.search(said):
        return _not_async(own, step, found[1] or found[2])
    return ""


def _wrong_parameters(own: Own, said: str, function: FunctionType) -> str:
    parameters = list(inspect.signature(function).parameters)
    is_method = "." in function.__qualname__.rpartition("<locals>.")[2]
    told = f"TypeError: {said}. It is {_at(own, function)}."
    if is_method and parameters[:1] != ["self"] and not said.startswith("_"):
        return f"{told} Is `self` missing, the first parameter of a method?"
    return f"{told} The step calls it with other arguments: compare with the signature in the text."


def _no_such_name(own: Own, kind: type, name: str) -> str:
    near = difflib.get_close_matches(name, [each for each in vars(kind) if not each.startswith("__")], 1)
    outside = [each for each in own.functions if each.__name__ == name and "." not in each.__qualname__]
    if near:
        return f"Your `{kind.__name__}` has no `{name}`; it has `{near[0]}`. Is that the same thing, spelt otherwise?"
    if outside or name in own.names:
        return f"Your `{kind.__name__}` has no `{name}`. A `{name}` stands outside the class: is its indentation right?"
    return f"Your `{kind.__name__}` has no `{name}`. Is it written, spelt so, and indented inside the class?"


def _not_async(own: Own, step: Any, came: str) -> str:
    plain = [name for name, ours in _ours(step) if inspect.iscoroutinefunction(ours)]
    for name in plain:
        function = _named(own, name)
        if function and not inspect.iscoroutinefunction(function):
            return f"`{name}` gave {came}, and the step awaits it: write `async def` in {_at(own, function)}."
    return ""


def async_for_nothing(own: Own, step: Any, name: str) -> str:
    """A function that the step calls without `await` is `async def`."""
    function = _named(own, name)
    ours = dict(_ours(step)).get(name.rpartition("<locals>.")[2])
    if function is None or ours is None or inspect.iscoroutinefunction(ours):
        return ""
    return f"`{name}` is `async def`, but the step calls it without `await`: write `def` in {_at(own, function)}."


def without_return(own: Own, step: Any) -> Iterator[str]:
    """Functions that never return a value, where ours does."""
    ours = dict(_ours(step))
    for function in own.functions:
        name = function.__qualname__.rpartition("<locals>.")[2]
        node = _node(own, function) if name in ours and _returns(ours[name]) else None
        if node is None or _says_none(node) or not _takes_the_same(function, ours[name]):
            continue
        if not _returns_in(node) and not _raises_in(node):
            yield f"`{name}` has no `return`, so it gives None. It is {_at(own, function)}."


def shared_defaults(own: Own) -> Iterator[str]:
    """Parameters whose default was empty when the function was written, and is not any more."""
    for function in own.functions:
        node = _node(own, function)
        if node is None:
            continue
        written = [*node.args.defaults, *(each for each in node.args.kw_defaults if each)]
        values = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
        for default, value in zip(written, values, strict=False):
            if ast.unparse(default) in ("{}", "[]", "set()", "dict()", "list()") and value:
                text = f"The default `{ast.unparse(default)}` is made once, when `def` runs, and all calls share it"
                yield f"{text}: {own.at(function.__code__.co_filename, default.lineno)}. Take None, and make it inside."


# -- what both sides have


def _ours(step: Any) -> Iterator[tuple[str, Any]]:
    """The functions of our pieces, by the names that the step gives them: ``decode``, ``Pending.open``."""
    for name, piece in zip(step.names, step.references(), strict=True):
        if isinstance(piece, type):
            for key in dir(piece):
                value = inspect.getattr_static(piece, key)
                if isinstance(value, FunctionType):
                    yield f"{name}.{key}", value
        elif isinstance(piece, FunctionType):
            yield name, piece


def _named(own: Own, name: str) -> FunctionType | None:
    return next((each for each in own.functions if each.__qualname__ == name), None) or next(
        (each for each in own.functions if each.__qualname__.rpartition("<locals>.")[2] == name), None
    )


def _class(own: Own, name: str) -> type | None:
    return next((each for each in own.pieces if isinstance(each, type) and each.__name__ == name), None)


def _at(own: Own, function: FunctionType) -> str:
    return own.at(function.__code__.co_filename, function.__code__.co_firstlineno)


def _node(own: Own, function: FunctionType) -> Any:
    """The function in the syntax tree of its cell."""
    cell = own.cells.get(function.__code__.co_filename)
    for node in ast.walk(cell) if cell else ():
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name != function.__name__:
            continue
        if function.__code__.co_firstlineno in (node.lineno, *(each.lineno for each in node.decorator_list)):
            return node
    return None


def _returns(function: FunctionType) -> bool:
    """Our own function returns a value or yields."""
    try:
        tree = ast.parse(inspect.cleandoc("\n" + inspect.getsource(function)))
    except (OSError, SyntaxError):
        return False
    return _returns_in(tree.body[0])


def _returns_in(node: ast.AST) -> bool:
    """Whether a value is returned or yielded; an inner function's return is not this one's."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Return) and child.value is not None and ast.unparse(child.value) != "None":
            return True
        if isinstance(child, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and _returns_in(child):
            return True
    return False


def _takes_the_same(function: FunctionType, ours: FunctionType) -> bool:
    """As many parameters as ours: one of another shape is another mistake than a forgotten line."""
    return len(inspect.signature(function).parameters) == len(inspect.signature(ours).parameters)


def _says_none(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """``-> None``: what gives nothing does so on purpose."""
    return isinstance(node.returns, ast.Constant) and node.returns.value is None


def _raises_in(node: ast.AST) -> bool:
    """Whether it may be meant to end with an error only."""
    return any(isinstance(each, ast.Raise) for each in ast.walk(node))
