"""`source`: the package's own lines, in a cell, as they stand in its file."""

from __future__ import annotations

import ast
import html
import inspect
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

import ocpp_lab

from .palette import LIGHT

ROOT = Path(ocpp_lab.__file__).parent.parent


class Source:
    """Python code that shows itself in colour; as text, it is the code with the name of its file above it."""

    def __init__(self, file: str, code: str) -> None:
        self.file = file
        self.code = code

    def _repr_html_(self) -> str:
        # The classes that JupyterLab's own theme colours, light or dark; elsewhere it is plain, and still readable.
        code = highlight(self.code, PythonLexer(), HtmlFormatter(nowrap=True))
        name = f'<figcaption style="font-size:0.85em;opacity:0.75">{html.escape(self.file)}</figcaption>'
        font = "font-family:var(--jp-code-font-family,monospace)"  # a static page would use that of its prose
        style = f"margin:0;padding:6px 10px;{font};word-break:normal;overflow-wrap:anywhere"  # broken between words
        body = f'<div class="highlight"><pre style="{style}">{code}</pre></div>'
        return f'<figure style="margin:0;border-left:3px solid {LIGHT.result};padding-left:8px">{name}{body}</figure>'

    def __repr__(self) -> str:
        return f"# {self.file}\n{self.code}"


def source(thing: Callable[..., Any] | type) -> Source:
    """The code of a function, a method or a class of the package, without its docstrings: those the reader has met.

    Raises TypeError for what has no code in a file of this project.
    """
    thing = inspect.unwrap(thing)
    try:
        path = Path(inspect.getsourcefile(thing) or "").resolve()
        code = textwrap.dedent(inspect.getsource(thing))
    except (TypeError, OSError):
        path = Path()
    if not path.is_relative_to(ROOT) or not path.is_file():
        raise TypeError(f"expected a function, a method or a class of the package, came {thing!r}")
    return Source(path.relative_to(ROOT).as_posix(), _without_docstrings(code).rstrip())


def _without_docstrings(code: str) -> str:
    lines = code.splitlines()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and _has_docstring(node):
            first = node.body[0]
            assert first.end_lineno is not None
            for number in range(first.lineno - 1, first.end_lineno):
                lines[number] = "\0"
    return "\n".join(line for line in lines if line != "\0")


def _has_docstring(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    return len(node.body) > 1 and ast.get_docstring(node) is not None
