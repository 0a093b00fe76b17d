"""`mend`: a payload that a strict reader refuses, made what its sender can only have meant. Three mends and no more.

Real charge points send a field that a later edition or a vendor invented, a connectorId as ``"1"``, a meter reading as
``100.0``. All else stays wrong: to read ``"true"`` as a boolean, or to cut a text that is too long, would be a guess.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from msgspec import inspect

UNKNOWN_FIELD = "unknown field"  # dropped
AS_TEXT = "integer as text"  # "1" is read as 1
AS_FLOAT = "integer as float"  # 1.0 is read as 1

IN_REPLIES = frozenset({UNKNOWN_FIELD})
"""Mended in every reply: to refuse one tells nobody, for it is not answered, and costs what the peer did."""
ALL = frozenset({UNKNOWN_FIELD, AS_TEXT, AS_FLOAT})

_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")  # more digits count nothing that a charge point has
EXACT = 2**53
"""From it on a float stands for several integers, and which one was meant cannot be told."""


def mend(declared: inspect.Type, payload: Any, mends: Collection[str]) -> tuple[Any, set[str]]:
    """A copy of the payload with these ``mends``, and which of them it needed. The payload itself is not changed.

    It goes as deep as the declaration does: what hangs below a field that nobody declared is never looked at.
    """
    done: set[str] = set()
    return _mend(declared, payload, mends, done), done


def _mend(declared: inspect.Type, value: Any, mends: Collection[str], done: set[str]) -> Any:
    match declared, value:
        case inspect.StructType(), dict():
            return _mend_object(declared, value, mends, done)
        case inspect.ListType(item_type=item), list():
            return [_mend(item, each, mends, done) for each in value]
        case inspect.UnionType(types=types), _ if value is not None:  # `T | None`; of more we could not tell which
            kinds = [kind for kind in types if not isinstance(kind, inspect.NoneType)]
            return _mend(kinds[0], value, mends, done) if len(kinds) == 1 else value
        case inspect.IntType(), str() if AS_TEXT in mends and _INTEGER.fullmatch(value):
            done.add(AS_TEXT)
            return int(value)
        case inspect.IntType(), float() if AS_FLOAT in mends and value.is_integer() and abs(value) < EXACT:
            done.add(AS_FLOAT)
            return int(value)
    return value


def _mend_object(declared: inspect.StructType, value: dict[str, Any], mends: Collection[str], done: set[str]) -> Any:
    fields = {field.encode_name: field.type for field in declared.fields}
    unknown = value.keys() - fields.keys()
    if unknown and UNKNOWN_FIELD in mends:
        done.add(UNKNOWN_FIELD)
        value = {name: inner for name, inner in value.items() if name in fields}
    return {name: _mend(fields[name], inner, mends, done) if name in fields else inner for name, inner in value.items()}
