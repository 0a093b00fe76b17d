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
from gc import disable, enable, isenabled
from json import JSONEncoder
from os import _exit, getpid, write
from sys import _getframe, addaudithook
from types import CodeType, FunctionType, ModuleType
from typing import Any

SAYS = "ocpp_course.says"
OURS = ("ocpp_course", "ocpp_lab", "simloop")
WATCHED = (*OURS, "asyncio", "builtins", "random", "_random", "json", "time", "os", "sys", "signal", "inspect", "traceback")
WATCHED += ("threading", "contextlib", "dataclasses", "functools", "tempfile", "pathlib", "gc", "ast", "logging", "re")
WATCHED += ("linecache", "collections", "textwrap", "types", "datetime", "heapq", "weakref", "shutil", "msgspec", "typing")
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
CODE = {"__code__", "__defaults__", "__kwdefaults__"}
NOT_IMPORTED = ("_test", "_ctypes", "ctypes", "_xxtest", "_interp")


def shut(write_to: int, token: str, bottom: CodeType, judges: set[CodeType], may: set[CodeType]) -> Any:
    """Seal everything and keep watch. Facts said by code of ``judges`` alone go to the pipe, with the token.

    ``bottom`` is the function that a true stack ends in, ``may`` the code that may look at frames. Returns what
    a watcher of namespaces reports to, what keeps that watcher alive, and the names that are sealed.
    """
    me, encode = getpid(), JSONEncoder().encode
    before = fingerprint()
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
        if "step" in facts and (changed := caught[0] if caught else differs(before, fingerprint())):
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
    return caught.append, kept.append, before


def concerns(event: str, args: tuple[Any, ...]) -> bool:
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
    return code.co_filename == module.__file__


def differs(before: dict[str, Any], after: dict[str, Any]) -> str:
    """What is not as it was, "" if everything is. Of what is new, only what hides something of ours."""
    changed = next((name for name, was in before.items() if after.get(name) != was), "")
    return changed or next((name for name in after if name not in before and hides(name, before)), "")


def hides(name: str, before: dict[str, Any]) -> bool:
    """A new name in a module hides a builtin; a new name in a class hides what it inherits."""
    owner, _, last = name.rpartition(".")
    return hasattr(builtins, last) or owner in before


def fingerprint() -> dict[str, Any]:
    """What every function, class and table is, by its full name."""
    found: dict[str, Any] = {}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in WATCHED and type(module) is ModuleType:
            ours = name.startswith(OURS)
            for key, value in list(vars(module).items()):
                note(found, f"{name}.{key}", value, ours)
    return found


def note(found: dict[str, Any], name: str, value: Any, ours: bool) -> None:
    key = name.rpartition(".")[2]
    if isinstance(value, FunctionType):
        found[name] = of_function(value, ours)
    elif isinstance(value, type):
        found[name] = id(value)
        if ours and is_ours(value):
            for inner, what in list(vars(value).items()):
                if callable(what) or hasattr(what, "__get__"):
                    found[f"{name}.{inner}"] = of_member(what)
    elif callable(value) and (ours or not key.startswith("_")):
        found[name] = id(value)
    elif ours and not key.startswith("__") and name not in CHANGING:
        found[name] = of_data(value)


def of_function(function: FunctionType, ours: bool) -> Any:
    """Its code and all that it was given beforehand."""
    known = (id(function), id(function.__code__), id(function.__defaults__))
    if not ours:
        return known
    cells = tuple(id(cell.cell_contents) for cell in function.__closure__ or () if filled(cell))
    return (*known, tuple(map(id, (function.__kwdefaults__ or {}).values())), cells)


def filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def of_member(value: Any) -> Any:
    inner = getattr(value, "__func__", None) or getattr(value, "fget", None) or value
    return (id(value), of_function(inner, True) if isinstance(inner, FunctionType) else 0)


def of_data(value: Any, depth: int = 3) -> Any:
    """A table is what is in it, to some depth; a step too, with its checks."""
    if depth and type(value) in (list, tuple):
        return (id(value), *(of_data(each, depth - 1) for each in value))
    if depth and type(value) is dict:
        return (id(value), *((id(key), of_data(each, depth - 1)) for key, each in list(value.items())))
    if type(value).__name__ in ("Step", "Check") and is_ours(type(value)):
        return (id(value), *((name, of_data(each, 2)) for name, each in vars(value).items()))
    if isinstance(value, FunctionType):
        return of_function(value, True)
    return id(value) if not isinstance(value, int | float | str) else value
