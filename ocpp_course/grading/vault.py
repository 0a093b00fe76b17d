"""`Vault`: the checker's voice in a process in which an answer runs too.

It keeps `hidden` where an answer does not reach. It ends where memory begins: an answer that reads or writes the memory
of its own process (numpy can) finds everything. `docs/instructors.md` says so.
"""

from __future__ import annotations

import builtins
import ctypes
import logging
import signal
import sys
import traceback
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
_Watch = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
_Count = ctypes.PYFUNCTYPE(ctypes.c_int)
"""Called with more than it looks at; so `itertools.count` itself, which runs no Python, can be what is called."""
_add_watcher, _watch_dict = ctypes.pythonapi.PyDict_AddWatcher, ctypes.pythonapi.PyDict_Watch
_set_handler = signal.signal
_interrupt = ctypes.pythonapi.PyThreadState_SetAsyncExc
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
        setattr(signal, "signal", _signal)  # noqa: B010  (mypy: it has another type)
        hand = set(_codes([traceback]))
        before = names["seal"]()
        self._spaces = [place[1] for place in before[1]]
        self._bell: list[Any] = [None]
        self._alarm = names["answering"](self._bell)
        self._shut = partial(
            names["shut"], bell=self._bell, bottom=bottom.__code__, judges=judges, may=may, hand=hand, before=before
        )

    def answer_alarms(self, stop: Callable[..., object]) -> None:
        """In the child, before it is shut in: inside, the kernel refuses that a signal gets another handler."""
        self._bell[0] = stop
        _set_handler(signal.SIGALRM, self._alarm)

    def close(self, write: int, token: str) -> None:
        """In the child, which from now on speaks through the pipe ``write`` and nothing else."""
        watch, count = self._shut(write, token)
        self._callbacks = (_Watch(watch), _Count(count))  # as long as this process lives
        for callback in self._callbacks:
            number = _add_watcher(callback)
            for space in self._spaces:
                _watch_dict(number, ctypes.py_object(space))
        _empty_ctypes()

    def say(self, **facts: Any) -> None:
        """Tell the parent. What an answer says in this way is not heard, and costs it everything."""
        sys.audit("ocpp_course.says", facts)


def _signal(number: int, handler: Any) -> Any:
    """`signal.signal`, in whose place it stands: a handler gets a frame, so not everybody may handle the alarm."""
    before: list[Any] = []
    if number == signal.SIGALRM:
        sys.audit("ocpp_course.rings", handler, before)
    return before[0] if before else _set_handler(number, handler)


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
