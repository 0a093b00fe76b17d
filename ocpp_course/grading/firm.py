"""`firm`: methods that no attribute of an instance can hide: ``kit.require = …`` is an error, ``vars(kit)[…]`` in vain.

An answer gets hold of objects of the running check (by its event loop, for one). Classes are sealed; this is for what
an instance would put before its class. Python looks at a property of the class first.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from types import FunctionType, MethodType

from ..checks.kit import Kit
from ..checks.loop import CheckLoop
from ..checks.run import _Runner


def firm() -> None:
    """For the classes of which an answer meets an instance, and those that they are made of."""
    for owner in (Kit, _Runner, CheckLoop):
        for name, function in dict(_methods(owner)).items():
            setattr(owner, name, property(partial(MethodType, function)))


def _methods(owner: type) -> Iterator[tuple[str, FunctionType]]:
    for each in reversed(owner.__mro__[:-1]):
        for name, value in vars(each).items():
            if isinstance(value, FunctionType) and not name.startswith("__"):
                yield name, value
