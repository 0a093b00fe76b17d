"""`shut`: what notices and refuses, in a place that an answer cannot reach. Loaded by `Vault` alone, never imported.

`Vault` runs this file in a namespace of its own, with builtins of its own. What it keeps (the pipe, the token, how
everything was before) stands in closures of an audit hook: Python hands out no reference to a hook, and the hook
refuses what could find one (frames, the collector's lists, ctypes). So there are no classes here, and no name is looked
up in a module that an answer can change.
"""

from __future__ import annotations

import builtins
import sys
from _thread import get_ident
from collections.abc import Iterator
from gc import disable, enable, isenabled
from json import JSONEncoder
from os import _exit, getpid, write
from sys import _getframe, addaudithook
from types import CodeType, FunctionType, ModuleType
from typing import Any

SAYS = "ocpp_course.says"
OURS = ("ocpp_course", "ocpp_lab", "simloop")
WATCHED = (
    *(*OURS, "asyncio", "builtins", "random", "_random", "json", "time", "os", "sys", "signal", "inspect", "traceback"),
    *("threading", "contextlib", "dataclasses", "functools", "tempfile", "pathlib", "gc", "ast", "logging", "re"),
    *("linecache", "collections", "textwrap", "types", "datetime", "heapq", "weakref", "shutil", "msgspec", "typing"),
)
"""Packages whose functions and classes stay what they are while an answer is judged."""
CHANGING = ("ocpp_course.checks.course._here", "ocpp_course.checks.course._hints_given")
"""What the course itself changes."""
REFUSED = {
    "sys._getframe", "sys._current_frames", "sys._current_exceptions", "sys.settrace", "sys.setprofile",
    "sys.addaudithook", "sys.monitoring.register_callback", "gc.get_objects", "gc.get_referrers", "gc.get_referents",
    "code.__new__", "cpython.PyInterpreterState_New", "cpython.run_command",
}  # fmt: skip
"""Audit events that an answer may not cause: each could hand it the checker's memory, or hide what it does."""
FRAMES = {"tb_frame", "gi_frame", "cr_frame", "ag_frame"}
CODE = {"__code__", "__defaults__", "__kwdefaults__", "__bases__"}
NOT_IMPORTED = ("_test", "_ctypes", "ctypes", "_xxtest", "_interp")


def shut(write_to: int, token: str, bottom: CodeType, judges: set[CodeType], may: set[CodeType], before: Any) -> Any:
    """Keep watch. Facts said by code of ``judges`` alone go to the pipe, with the token.

    ``bottom`` is the function that a true stack ends in, ``may`` the code that may look at frames, ``before`` what
    `seal` found. Returns what a watcher of namespaces reports to, and what keeps that watcher alive.
    """
    me, encode = getpid(), JSONEncoder().encode
    sealed, tables = before
    caught: list[str] = []
    kept: list[Any] = []
    busy: set[int] = set()

    def hook(event: str, args: tuple[Any, ...], kept: list[Any] = kept) -> None:
        if event == SAYS or event in REFUSED or concerns(event, args):
            thread = get_ident()
            if thread in busy:
                return  # `caller` itself asks for a frame
            frame = caller(thread)
            says(frame, args[0]) if event == SAYS else refuse(frame, event)

    def caller(thread: int) -> Any:
        """The frame that caused the event. Nobody's `__del__` may run while this thread may look."""
        collects = isenabled()
        disable()
        busy.add(thread)
        try:
            return _getframe(2)
        finally:
            busy.discard(thread)
            if collects:
                enable()

    def refuse(frame: Any, event: str) -> None:
        if of_traceback(frame.f_code):  # it hands out frames: to whom?
            frame = frame.f_back
        if frame.f_code in may or of_traceback(frame.f_code):
            return
        raise PermissionError(f"{event}: the grader lets no answer look into the process that judges it")

    def says(frame: Any, facts: dict[str, Any]) -> None:
        if getpid() != me:  # an answer has forked: one voice is enough
            _exit(0)
        if not clean(frame):
            caught.append("the voice of the checker")
            return
        if "step" in facts and (changed := caught[0] if caught else differs(sealed, tables, bool(kept))):
            said = f"the answers change {changed}, which belongs to the checker; from here on nothing counts."
            facts = {"step": facts["step"], "state": "tampered", "diagnosis": said}
        write(write_to, f"{token} {encode(facts)}\n".encode())

    def clean(frame: Any) -> bool:
        """Nothing but the judge stands between this frame and the bottom."""
        while frame is not None and frame.f_code is not bottom:
            if frame.f_code not in judges:
                return False
            frame = frame.f_back
        return frame is not None

    addaudithook(hook)
    return caught.append, kept.append


def concerns(event: str, args: tuple[Any, ...]) -> Any:
    """Whether an event with arguments is one of those that are refused."""
    if event == "object.__getattr__":
        return args[1] in FRAMES
    if event == "object.__setattr__":
        return (args[1] in CODE and is_ours(args[0])) or (args[1] == "__class__" and is_ours(type(args[0])))
    if event == "import":
        return str(args[0]).startswith(NOT_IMPORTED)
    return event.startswith("ctypes.")


def is_ours(thing: Any) -> bool:
    module = getattr(thing, "__module__", "")
    name = getattr(thing, "__name__", "") if isinstance(thing, ModuleType) else module
    return isinstance(name, str) and name.split(".")[0] in WATCHED


def of_traceback(code: CodeType) -> bool:
    module: Any = sys.modules.get("traceback")
    return bool(code.co_filename == module.__file__)


def seal() -> tuple[dict[str, Any], list[tuple[str, Any, Any]]]:
    """How everything is: every name that is watched, and what is in the tables and functions of ours."""
    sealed = fingerprint()
    found = {id(value): (name, value, sealed[name]) for name, value in everything() if type(sealed[name]) is tuple}
    return sealed, list(found.values())


def differs(sealed: dict[str, Any], tables: list[tuple[str, Any, Any]], watched: bool) -> str:
    """What is not as it was, "" if everything is. Who watches the names need not read them all again."""
    for name, value, was in tables:
        if inside(value) != was:
            return name
    if watched:
        return ""
    after = fingerprint()
    changed = next((name for name, was in sealed.items() if after.get(name) != was), "")
    return changed or next((name for name in after if name not in sealed and hides(name, sealed)), "")


def hides(name: str, sealed: dict[str, Any]) -> bool:
    """A new name in a module hides a builtin; a new name in a class hides what it inherits."""
    owner, _, last = name.rpartition(".")
    return hasattr(builtins, last) or owner in sealed


def fingerprint() -> dict[str, Any]:
    """What every function, class and table is, by its full name."""
    return {name: inside(value) if name.startswith(OURS) else id(value) for name, value in everything()}


def everything() -> Iterator[tuple[str, Any]]:
    """What must stay: of ours every name, of Python's what can be called; the members of our classes too."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in WATCHED and type(module) is ModuleType:
            ours = name.startswith(OURS)
            for key, value in list(vars(module).items()):
                full = f"{name}.{key}"
                if (ours and key[:2] != "__" and full not in CHANGING) or (callable(value) and key[:1] != "_"):
                    yield full, value
                if ours and isinstance(value, type) and is_ours(value):
                    yield from (
                        (f"{full}.{inner}", what) for inner, what in list(vars(value).items()) if counts(inner, what)
                    )


def counts(key: str, member: Any) -> bool:
    """Of a class all but what Python itself writes about it: its name, its module, its first line."""
    return key[:2] != "__" or callable(member) or hasattr(member, "__get__")


def inside(value: Any, depth: int = 3) -> Any:
    """A number if only its identity counts; else what is in it, to some depth: a table, a step, a function."""
    inner = getattr(value, "__func__", None) or getattr(value, "fget", None) or value
    if isinstance(inner, FunctionType):
        cells = [id(cell.cell_contents) for cell in inner.__closure__ or () if filled(cell)]
        known = (id(inner.__code__), id(inner.__defaults__), *cells, *map(id, (inner.__kwdefaults__ or {}).values()))
        return (id(value), known) if inner.__closure__ or inner.__kwdefaults__ else id(value)
    if depth and type(value) in (list, tuple):
        parts = [inside(each, depth - 1) for each in value]
        fixed = type(value) is tuple and all(type(each) is int for each in parts)
        return id(value) if fixed else (id(value), *parts)
    if depth and type(value) is dict:
        return (id(value), *((id(key), inside(each, depth - 1)) for key, each in list(value.items())))
    if type(value).__name__ in ("Step", "Check") and is_ours(type(value)):
        return (id(value), *((name, inside(each, 2)) for name, each in vars(value).items()))
    return id(value)


def filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False
