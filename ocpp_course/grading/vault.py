"""`Vault`: the checker's voice in a process in which an answer runs too: what it says, and that it is the one who says it.

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
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

HIDDEN = Path(__file__).with_name("hidden.py")
MAY_LOOK = ("asyncio.coroutines", "enum", "typing", "collections", "dataclasses", "types", "warnings")
"""Modules that look at frames and give none away; the checks do so too."""
JUDGES, CHECKS = f"{__package__}.", f"{__package__.rpartition('.')[0]}.checks."
WRITES_MEMORY = ("memmove", "memset", "string_at", "wstring_at", "cast", "_cast", "_string_at", "_wstring_at", "CDLL")
WRITES_MEMORY += ("PyDLL", "LibraryLoader", "cdll", "pydll", "_dlopen", "_memmove_addr", "_memset_addr", "_cast_addr")
WRITES_MEMORY += ("_string_at_addr", "_wstring_at_addr", "call_function", "call_cdeclfunction", "dlopen", "dlsym")
WRITES_MEMORY += ("PyObj_FromPtr", "Py_INCREF", "Py_DECREF", "resize", "memoryview_at", "_memoryview_at")
"""Names of ctypes that are taken away before an answer runs; the rest of it is refused when it is used."""
HONEST = {"__annotations__", "__annotate__", "__annotations_cache__", "__doc__", "__abstractmethods__", "__parameters__"}
"""What Python itself adds to a class, late."""

_Told = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
_add_watcher = getattr(ctypes.pythonapi, "PyDict_AddWatcher", None)
_watch_dict = getattr(ctypes.pythonapi, "PyDict_Watch", None)
_interrupt = getattr(ctypes.pythonapi, "PyThreadState_SetAsyncExc", None)
"""Looked up now: the watchdog of the checks needs it, and later nothing is looked up any more."""


class Vault:
    """Made before any code of the answer runs; there is one in a process. The answer's code must run above ``bottom``."""

    def __init__(self, write: int, token: str, bottom: FunctionType) -> None:
        logging._srcfile = None  # type: ignore[attr-defined]  # it would ask for the frame of whoever logs
        names: dict[str, Any] = {"__name__": "hidden", "__builtins__": dict(vars(builtins))}
        exec(compile(HIDDEN.read_text(encoding="utf-8"), "<hidden>", "exec", dont_inherit=True), names)
        judges = set(_codes(_modules(JUDGES)))
        may = judges | set(_codes(_modules(CHECKS))) | set(_codes(sys.modules[name] for name in MAY_LOOK if name in sys.modules))
        caught, keep, sealed = names["shut"](write, token, bottom.__code__, judges, may)
        _watch(caught, keep, sealed)
        _empty_ctypes()

    def say(self, **facts: Any) -> None:
        """Tell the parent. What an answer says in this way is not heard, and costs it everything."""
        sys.audit("ocpp_course.says", facts)


def _watch(caught: Callable[[str], None], keep: Callable[[Any], None], sealed: dict[str, Any]) -> None:
    """Have Python tell of each change of a namespace that is sealed, so that one that is undone in time counts too."""
    if not _add_watcher or not _watch_dict:
        return
    places = {id(space): (name, keys) for name, space, keys in _namespaces(sealed)}
    hiding = set(vars(builtins))

    def told(event: int, where: int, key: object, value: int | None) -> int:
        name, keys = places.get(where, ("", set()))
        added = event == 0 and (key in hiding or name in sealed) and key not in HONEST
        if name and (key in keys or added):
            caught(f"{name}.{key}")
        return 0

    callback = _Told(told)
    keep(callback)
    number = _add_watcher(callback)
    for _, space, _ in _namespaces(sealed):
        _watch_dict(number, ctypes.py_object(space))


def _namespaces(sealed: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], set[str]]]:
    """Modules and classes with something sealed in them: full name, dict, and the names in it that are sealed."""
    inside: dict[str, set[str]] = {}
    for name in sealed:
        owner, _, key = name.rpartition(".")
        inside.setdefault(owner, set()).add(key)
    for name, keys in inside.items():
        module, _, last = name.rpartition(".")
        if name in sys.modules:
            yield name, vars(sys.modules[name]), keys
        elif isinstance(owner := getattr(sys.modules.get(module), last, None), type):
            [space] = (each for each in gc.get_referents(owner.__dict__) if type(each) is dict)
            yield name, space, keys - HONEST


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
