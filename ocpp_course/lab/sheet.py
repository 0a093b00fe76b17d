"""`sheet`: the style of one output. Each output brings its own, for a notebook has no place for a common one."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from .palette import DARK, FAULT, LIGHT, ON_FAULT

FOLDER = Path(__file__).parent / "css"


@cache
def sheet(*names: str) -> str:
    """A ``<style>`` with the tokens and the named files of ``css/``, without comments and spare room.

    Its selectors all begin with ``.ol``, the class of whatever the output is wrapped in. Raises FileNotFoundError.
    """
    return f"<style>{rules('tokens', *names)}</style>"


@cache
def rules(*names: str) -> str:
    """The rules of the named files of ``css/`` alone, for an output that has its tokens already."""
    text = "\n".join((FOLDER / f"{name}.css").read_text(encoding="utf-8") for name in names)
    return _small(text.replace("$COLOURS", _colours()))


@cache
def bare(name: str) -> str:
    """A ``<style>`` with one file of ``css/`` and no tokens, for an output that takes no colour from them."""
    return f"<style>{rules(name)}</style>"


def _colours() -> str:
    both = [
        f"--{name}: light-dark({light}, {dark});" for name, light, dark in zip(LIGHT._fields, LIGHT, DARK, strict=True)
    ]
    return " ".join([*both, f"--fault: {FAULT}; --on-fault: {ON_FAULT};"])


def _small(css: str) -> str:
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    css = re.sub(r"\s+", " ", css)
    return re.sub(r" ?([{};,]) ?", r"\1", css).replace(": ", ":").replace(";}", "}").strip()
