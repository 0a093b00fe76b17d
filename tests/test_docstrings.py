"""What a reader of the stack is told: every public name says what it does and raises, all state who sets it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.house import name_of
from tools.rooms import room_of, sources

STACK = [path for path in sources() if room_of(path).startswith("ocpp_lab")]


def undocumented(tree: ast.AST, prefix: str = "") -> Iterator[str]:
    """Public classes, functions and methods that do not say what they do; handlers of a router are named for it."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name.startswith(("_", "on_")) or _is_setter(node):
            continue
        if not ast.get_docstring(node):
            yield prefix + node.name
        a_protocol = isinstance(node, ast.ClassDef) and any("Protocol" in ast.unparse(base) for base in node.bases)
        if isinstance(node, ast.ClassDef) and not a_protocol:
            yield from undocumented(node, f"{node.name}.")


@pytest.mark.parametrize("path", STACK, ids=name_of)
def test_every_public_name_of_the_stack_says_what_it_does(path: Path) -> None:
    found = list(undocumented(ast.parse(path.read_text(encoding="utf-8"))))
    assert not found, f"{name_of(path)}: {found} have no docstring"


def test_a_missing_docstring_is_found() -> None:
    code = "class A:\n    def b(self): ...\n    def _c(self): ...\ndef d():\n    'Says it.'\ndef on_boot(): ..."
    assert list(undocumented(ast.parse(code))) == ["A", "A.b"]


def unannounced(tree: ast.AST, around: str = "") -> Iterator[str]:
    """Public functions and methods that raise what neither their docstring nor that of their class names."""
    for node in ast.iter_child_nodes(tree):
        said = ast.get_docstring(node) or "" if isinstance(node, ast.ClassDef | DEFINED) else ""
        if isinstance(node, ast.ClassDef):
            yield from unannounced(node, said)
        elif isinstance(node, DEFINED) and (not node.name.startswith(("_", "on_")) or node.name == "__init__"):
            at_the_class = node.name == "__init__" or _is_setter(node)
            missing = sorted(set(raised(node)) - set(re.findall(r"\w+", said + around * at_the_class)))
            yield from (f"{node.name} raises {error}" for error in missing)


DEFINED = ast.FunctionDef | ast.AsyncFunctionDef


def _is_setter(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(isinstance(each, ast.Attribute) and each.attr == "setter" for each in node.decorator_list)


def raised(tree: ast.AST) -> Iterator[str]:
    """What a function raises by name and does not catch itself."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda() | ast.ClassDef():
                continue
            case ast.Raise(exc=ast.Call(func=ast.Name(id=name)) | ast.Name(id=name)) if name[0].isupper():
                yield name
            case ast.Try(handlers=handlers) if any(_catches_all(each) for each in handlers):
                for each in [*handlers, *node.orelse, *node.finalbody]:
                    yield from raised(each)
                continue
        yield from raised(node)


def _catches_all(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or (isinstance(handler.type, ast.Name) and handler.type.id == "Exception")


@pytest.mark.parametrize("path", STACK, ids=name_of)
def test_every_error_is_announced(path: Path) -> None:
    """DESIGN.md, Taste: errors are in the docstring, ValueError too."""
    found = list(unannounced(ast.parse(path.read_text(encoding="utf-8"))))
    assert not found, f"{name_of(path)}: {found}, and no docstring says so"


def test_an_error_without_a_word_is_found() -> None:
    code = '''
class A:
    """TypeError if told."""
    def __init__(self):
        raise TypeError
    def b(self):
        """Raises ValueError."""
        raise ValueError("no")
    def c(self):
        if self: raise KeyError("no")
    def d(self):
        try: raise KeyError
        except Exception: return
    def _e(self): raise KeyError
'''
    assert list(unannounced(ast.parse(code))) == ["c raises KeyError"]


def unexplained(text: str) -> Iterator[str]:
    """Attributes that begin empty, as state does, and of which neither a comment, a docstring nor the class's own says
    what they are."""
    lines = text.splitlines()
    for kind in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef)):
        made = [each for each in kind.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"]
        body = [*(made[0].body if made else []), None]
        for node, after in pairwise(body):
            match node:
                case ast.AnnAssign(target=ast.Attribute(attr=name), value=ast.expr() as value):
                    pass
                case ast.Assign(targets=[ast.Attribute(attr=name), *_], value=value):
                    pass
                case _:
                    continue
            above, own = lines[node.lineno - 2].strip(), lines[node.end_lineno - 1] if node.end_lineno else ""
            said = above.startswith("#") or "  # " in own or isinstance(after, ast.Expr)
            if _empty(value) and not said and name not in (ast.get_docstring(kind) or ""):
                yield f"{kind.name}.{name}"


def _empty(value: ast.expr) -> bool:
    """``None``, ``0``, ``""``, ``[]``, ``Counter()``, ``asyncio.Event()``."""
    match value:
        case ast.Constant() | ast.List(elts=[]) | ast.Dict(keys=[]):
            return True
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[]):
            return name in ("Counter", "set", "deque", "OrderedDict", "Event", "Lock", "Queue", "bytearray")
    return False


@pytest.mark.parametrize("path", STACK, ids=name_of)
def test_state_says_what_it_is(path: Path) -> None:
    """DESIGN.md, Taste: a comment per attribute where state lives: what, when set, by whom."""
    found = list(unexplained(path.read_text(encoding="utf-8")))
    assert not found, f"{name_of(path)}: of {found} nobody says what it is, when it is set, and by whom"


def test_state_without_a_word_is_found() -> None:
    code = '''
class A:
    """``told`` counts."""
    def __init__(self, given):
        self.given = given
        self.told = 0
        self.bare = None
        self._also: dict[str, int] = {}
        self._said = False  # until `end`
        self.doc = []
        "What it is."
'''
    assert list(unexplained(code)) == ["A.bare", "A._also"]
