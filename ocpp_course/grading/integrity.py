"""`Seal`: notices when an answer has changed the checker, the package under it, or Python's own asyncio."""

from __future__ import annotations

import sys
from types import FunctionType, ModuleType
from typing import Any

WATCHED = ("ocpp_lab", "ocpp_course", "simloop", "asyncio", "builtins")


class Seal:
    """Taken before any code of the answer runs."""

    def __init__(self) -> None:
        self._before = _fingerprint()

    def broken(self) -> str:
        """What was changed since, "" if nothing."""
        after = _fingerprint()
        return next((name for name, was in self._before.items() if after.get(name) != was), "")


def _fingerprint() -> dict[str, Any]:
    """What every function and class is, by its full name. Data may change; code may not."""
    found: dict[str, Any] = {}
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] in WATCHED and isinstance(module, ModuleType):
            for key, value in list(vars(module).items()):
                _note(found, f"{name}.{key}", value)
    return found


def _note(found: dict[str, Any], name: str, value: Any) -> None:
    if isinstance(value, FunctionType):
        found[name] = (id(value), id(value.__code__), id(value.__defaults__))
    elif isinstance(value, type):
        found[name] = id(value)
        if value.__module__.split(".")[0] in WATCHED[:4]:
            for key, inner in list(vars(value).items()):
                inner = getattr(inner, "__func__", None) or getattr(inner, "fget", None) or inner
                if isinstance(inner, FunctionType):
                    found[f"{name}.{key}"] = (id(inner), id(inner.__code__))
    elif callable(value) and not name.rpartition(".")[2].startswith("_"):
        found[name] = id(value)
