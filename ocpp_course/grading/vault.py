"""`Vault`: the checker's voice in a process in which an answer runs too.

It keeps `hidden` where an answer does not reach. It ends where memory begins: an answer that reads or writes the memory
of its own process (numpy can) finds everything. `docs/instructors.md` says so.
"""

from __future__ import annotations

import builtins
import ctypes
import gc
import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from .firm import firm

HIDDEN = Path(__file__).with_name("hidden.py")
MAY_LOOK = ("asyncio.coroutines", "enum", "typing", "collections", "dataclasses", "types", "warnings")
"""Modules that look at frames and give none away; the checks do so too."""
JUDGES, CHECKS = f"{__package__}.", f"{__package__.rpartition('.')[0]}.checks."
WRITES_MEMORY = (
    *("memmove", "memset", "string_at", "wstring_at", "memoryview_at", "cast", "resize", "CDLL", "PyDLL"),
    *("LibraryLoader", "cdll", "pydll", "_dlopen", "dlopen", "dlsym", "call_function", "call_cdeclfunction"),
    *("_cast", "_string_at", "_wstring_at", "_memoryview_at", "PyObj_FromPtr", "Py_INCREF", "Py_DECREF"),
    *("_memmove_addr", "_memset_addr", "_cast_addr", "_string_at_addr", "_wstring_at_addr"),
)
"""Names of ctypes that are taken away before an answer runs; the rest of it is refused when it is used."""
HONEST = {"__annotations__", "__annotate__", "__annotations_cache__", "__annotate_func__", "__doc__", "__module__"}
HONEST |= {
    "__abstractmethods__",
    "__parameters__",
    "__firstlineno__",
    "__static_attributes__",
    "__name__",
    "__qualname__",
}
"""What Python itself adds to a class, late."""

ADDED = 0
"""The event of a dict that gets a new key (PyDict_WatchEvent)."""

type Place = tuple[str, dict[str, Any], frozenset[str]]
"""Full name of a module or class, its namespace, the names in it that are sealed."""

_Told = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
_add_watcher = getattr(ctypes.pythonapi, "PyDict_AddWatcher", None)
_watch_dict = getattr(ctypes.pythonapi, "PyDict_Watch", None)
_interrupt = getattr(ctypes.pythonapi, "PyThreadState_SetAsyncExc", None)
"""Looked up now: the watchdog of the checks needs it, and later nothing is looked up any more."""


class Vault:
    """Made once, before any code of an answer runs; closed in each child. ``bottom``: the function that it runs in."""

    def __init__(self, bottom: Any) -> None:
        logging._srcfile = None  # it would ask for the frame of whoever logs
        names: dict[str, Any] = {"__name__": "hidden", "__builtins__": dict(vars(builtins))}
        exec(compile(HIDDEN.read_text(encoding="utf-8"), "<hidden>", "exec", dont_inherit=True), names)
        judges = set(_codes(_modules(JUDGES)))
        may = judges | set(_codes(_modules(CHECKS))) | set(_codes(sys.modules[name] for name in MAY_LOOK))
        firm()
        before = names["seal"]()
        self._places = list(_namespaces(before[0]))
        self._shut = partial(names["shut"], bottom=bottom.__code__, judges=judges, may=may, before=before)

    def close(self, write: int, token: str) -> None:
        """In the child, which from now on speaks through the pipe ``write`` and nothing else."""
        caught, keep = self._shut(write, token)
        _watch(self._places, caught, keep)
        self._places = []
        _empty_ctypes()

    def say(self, **facts: Any) -> None:
        """Tell the parent. What an answer says in this way is not heard, and costs it everything."""
        sys.audit("ocpp_course.says", facts)


def _watch(places: list[Place], caught: Callable[[str], None], keep: Callable[[Any], None]) -> None:
    """Have Python tell of each change of a namespace that is sealed, so that one that is undone in time counts too."""
    if not _add_watcher or not _watch_dict:
        return
    names = {id(space): (name, keys) for name, space, keys in places}
    hiding = frozenset(vars(builtins))

    def told(event: int, where: int, key: Any, value: int | None) -> int:
        name, keys = names.get(where) or ("", frozenset())
        adds = event == ADDED and (key in hiding or name not in sys.modules)
        if name and key not in HONEST and (key in keys or adds):
            caught(f"{name}.{key}")
        return 0

    callback = _Told(told)
    keep(callback)
    number = _add_watcher(callback)
    for _, space, _ in places:
        _watch_dict(number, ctypes.py_object(space))


def _namespaces(sealed: dict[str, Any]) -> Iterator[Place]:
    """Modules and classes with something sealed in them."""
    inside: dict[str, set[str]] = {}
    for name in sealed:
        owner, _, key = name.rpartition(".")
        inside.setdefault(owner, set()).add(key)
    for name, keys in inside.items():
        module, _, last = name.rpartition(".")
        if name in sys.modules:
            yield name, vars(sys.modules[name]), frozenset(keys)
        elif isinstance(kind := getattr(sys.modules.get(module), last, None), type):
            [space] = (each for each in gc.get_referents(kind.__dict__) if type(each) is dict)
            yield name, space, frozenset(keys)


def _modules(prefix: str) -> Iterator[ModuleType]:
    return (module for name, module in list(sys.modules.items()) if f"{name}.".startswith(prefix))


def _codes(modules: Iterable[ModuleType]) -> Iterator[CodeType]:
    """The code of every function that a module defines, those inside others too."""
    for module in modules:
        for value in list(vars(module).values()):
            for function in [value, *vars(value).values()] if isinstance(value, type) else [value]:
                function = getattr(function, "__func__", None) or getattr(function, "fget", None) or function
                function = getattr(function, "__wrapped__", function)
                if isinstance(function, FunctionType) and function.__module__ == module.__name__:
                    yield from _nested(function.__code__)


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _nested(each)


def _empty_ctypes() -> None:
    for name in ("ctypes", "_ctypes"):
        for each in WRITES_MEMORY:
            vars(sys.modules[name]).pop(each, None)
