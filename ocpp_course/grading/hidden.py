"""`shut`: what notices and refuses, in a place that an answer cannot reach. Loaded by `Vault` alone, never imported.

`Vault` runs this file in a namespace of its own, with builtins of its own. What it keeps (the pipe, the token, how
everything was before) stands in closures of an audit hook: Python hands out no reference to a hook, and the hook
refuses what could find one (frames, the collector's lists, ctypes). So there are no classes here, and no name is looked
up in a module that an answer can change.
"""

from __future__ import annotations

import builtins
from _thread import get_ident
from collections.abc import Callable, Iterator
from gc import disable, enable, get_referents, isenabled
from itertools import count
from json import JSONEncoder
from operator import is_, itemgetter
from os import _exit, getpid, write
from sys import _getframe, addaudithook, modules
from types import CodeType, FunctionType, ModuleType
from typing import Any

SAYS, RINGS = "ocpp_course.says", "ocpp_course.rings"
HERE = "<hidden>"
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

HONEST = {"__annotations__", "__annotate__", "__annotations_cache__", "__annotate_func__", "__doc__", "__module__"}
HONEST |= {
    "__abstractmethods__",
    "__parameters__",
    "__firstlineno__",
    "__static_attributes__",
    "__name__",
    "__qualname__",
}
"""What Python itself changes in a class, late."""
BUILTINS = frozenset(vars(builtins)) - {"__name__", "__doc__", "__package__", "__loader__", "__spec__"}
ADDED = 0
"""The event of a dict that gets a new key (PyDict_WatchEvent)."""

type Table = tuple[str, Any, Any]
"""Full name, the thing itself, and what was in it."""
type Place = tuple[str, dict[str, Any], frozenset[str], Callable[[Any], Any], tuple[Any, ...]]
"""Full name of a module or class, its namespace, the names in it that are sealed, what takes their values, these."""


def shut(
    write_to: int,
    token: str,
    bell: list[Any],
    bottom: CodeType,
    judges: set[CodeType],
    may: set[CodeType],
    hand: set[CodeType],
    before: Any,
) -> Any:
    """Keep watch. Facts said by code of ``judges`` alone go to the pipe, with the token.

    ``bell`` holds what answers the alarm. ``bottom`` is the function that a true stack ends in, ``may`` the code that
    may look at frames, ``hand`` the code that hands them on, ``before`` what `seal` found. Returns the function that
    watches namespaces (event, where, key, value), and a counter of the same changes that cannot fail: what only the
    counter saw is a change too.
    """
    me, encode = getpid(), JSONEncoder().encode
    tables, places, kinds = before
    names = {id(place[1]): place for place in places}
    told, changes = [0], count()
    caught: list[str] = []
    busy: set[int] = set()

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event in (SAYS, RINGS) or event in REFUSED or concerns(event, args, kinds):
            thread = get_ident()
            if thread in busy:
                return  # `caller` itself asks for a frame
            frame = caller(thread)
            if event == SAYS:
                says(frame, args[0])
            elif event == RINGS:
                rings(frame.f_back, *args)
            else:
                refuse(frame, event)

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
        if frame.f_code in hand:  # to whom?
            frame = frame.f_back
        if frame.f_code not in may and frame.f_code not in hand:
            raise PermissionError(f"{event}: the grader lets no answer look into the process that judges it")

    def rings(frame: Any, handler: Any, before: list[Any]) -> None:
        refuse(frame, "signal.signal")
        before.append(bell[0])
        bell[0] = handler

    def watch(event: int, where: int, key: Any, value: int | None) -> int:
        name, _, sealed, _, _ = names[where]
        hides = event == ADDED and (key in BUILTINS or name not in modules)
        if key not in HONEST and (key in sealed or hides):
            caught.append(f"{name}.{key}")
        told[0] += 1
        return 0

    def seen() -> str:
        """What was changed since, and be it for a moment; "" if nothing."""
        if not caught and next(changes) != told[0]:
            caught.append("something, where it could not be seen,")
        told[0] += 1  # `next` counts too
        return caught[0] if caught else differs(tables, places)

    def says(frame: Any, facts: dict[str, Any]) -> None:
        if getpid() != me:  # an answer has forked: one voice is enough
            _exit(0)
        if not clean(frame):
            caught.append("the voice of the checker")
            return
        if "step" in facts and (changed := seen()):
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
    return watch, changes.__next__


def answering(bell: list[Any]) -> Callable[[int, Any], None]:
    """What the alarm calls, for good: it passes it on to what the bell holds, but never in the middle of this file."""

    def alarm(number: int, frame: Any) -> None:
        if callable(bell[0]) and (frame is None or frame.f_code.co_filename != HERE):
            bell[0](number, frame)

    return alarm


def concerns(event: str, args: tuple[Any, ...], kinds: set[int]) -> Any:
    """Whether an event with arguments is one of those that are refused."""
    if event == "object.__getattr__":
        return args[1] in FRAMES
    if event == "object.__setattr__":
        return args[1] in CODE or (args[1] == "__class__" and id(type(args[0])) in kinds)
    if event == "import":
        return str(args[0]).startswith(NOT_IMPORTED)
    return event.startswith("ctypes.")


def seal() -> tuple[list[Table], list[Place], set[int]]:
    """How everything is: tables and functions of ours with what is in them, namespaces, and our classes."""
    tables: dict[int, Table] = {}
    spaces: dict[str, tuple[dict[str, Any], list[str]]] = {}
    kinds = set()
    for owner, space, key, value in everything():
        spaces.setdefault(owner, (space, []))[1].append(key)
        if owner.startswith(OURS):
            if type(what := inside(value)) is tuple:
                tables[id(value)] = (f"{owner}.{key}", value, what)
            if isinstance(value, type):
                kinds.add(id(value))
    places: list[Place] = []
    for name, (space, keys) in spaces.items():
        take: Callable[[Any], Any] = itemgetter(*keys, keys[0])  # never one alone: then it would give no tuple
        places.append((name, space, frozenset(keys), take, take(space)))
    return list(tables.values()), places, kinds


def differs(tables: list[Table], places: list[Place]) -> str:
    """What is not as it was, "" if everything is."""
    for name, value, was in tables:
        if inside(value) != was:
            return name
    for name, space, keys, take, values in places:
        if not keys <= space.keys() or not all(map(is_, take(space), values)):
            return name
    return ""


def everything() -> Iterator[tuple[str, dict[str, Any], str, Any]]:
    """What must stay: of ours every name, of Python's what can be called; the members of our classes too."""
    for name, module in list(modules.items()):
        if name.partition(".")[0] in WATCHED and type(module) is ModuleType:
            ours = name.startswith(OURS)
            for key, value in list(vars(module).items()):
                if (ours and key[:2] != "__" and f"{name}.{key}" not in CHANGING) or (
                    callable(value) and key[:1] != "_"
                ):
                    yield name, vars(module), key, value
                if ours and isinstance(value, type) and value.__module__ == name:
                    yield from members(f"{name}.{key}", value)


def members(name: str, kind: type) -> Iterator[tuple[str, dict[str, Any], str, Any]]:
    [space] = (each for each in get_referents(kind.__dict__) if type(each) is dict)
    for key, member in list(space.items()):
        if counts(key, member):
            yield name, space, key, member


def counts(key: str, member: Any) -> bool:
    """Of a class all but what Python itself writes about it: its name, its module, its first line."""
    return key not in HONEST and (key[:2] != "__" or callable(member) or hasattr(member, "__get__"))


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
    if type(value).__name__ in ("Step", "Check"):
        return (id(value), *((name, inside(each, 2)) for name, each in vars(value).items()))
    return id(value)


def filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False
