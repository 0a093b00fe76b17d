"""Valid frames of all 39 operations, and ways to spoil them that nobody would think of."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from hypothesis import strategies as st

from ocpp_lab import ACTIONS
from tests.schemas import full_payload

UNIQUE_ID = "a call under test"

DEEP = "nested deeply"
"""Stands for an array of so many arrays; written out in the text. The parser gives up between the two depths."""
DEPTHS = [1_100, 50_000]

# One of every shape that JSON has, and what is at the edge of each; NaN and half a surrogate pair are no JSON.
STRANGERS: list[Any] = [
    None, True, False, 0, -1, 2, 3, 4, 1.5, -0.0, 1e308, 2**31, 2**63, 10**30, float("nan"), float("inf"),
    "", "0", "Accepted", "Rejected", "x" * 37, "x" * 501, "\0", "é", "😀" * 21, "\ud800", "2030-02-30T00:00:00Z",
    [], [[]], [None], DEEP, {}, {"": None}, {"key": "AuthorizationKey", "value": "0" * 40},
]  # fmt: skip


class Sample(NamedTuple):
    """A valid frame: a call of this action, or a reply to it."""

    action: str
    kind: int

    def elements(self) -> list[Any]:
        match self.kind:
            case 2:
                return [2, UNIQUE_ID, self.action, full_payload(self.action)]
            case 3:
                return [3, UNIQUE_ID, full_payload(f"{self.action}Response")]
            case _:
                return [4, UNIQUE_ID, "GenericError", "why", {"field": self.action}]


KINDS = [2, 2, 2, 2, 3, 3, 4]  # most of what can go wrong lies in calls
ON_TREE_AND_BYTES = [(1, 0), (1, 0), (2, 0), (3, 0), (0, 1), (0, 2), (1, 1)]  # few texts that lost a byte are JSON


def places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a frame that can be changed: container and key."""
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield node, key
        yield from places(node[key])


def mutate_tree(draw: st.DrawFn, frame: list[Any]) -> None:
    """One change to the JSON: an element or field dropped, doubled, replaced, nested, added."""
    if not (found := list(places(frame))):
        return
    place, key = found[draw(st.integers(0, len(found) - 1))]
    how = draw(st.sampled_from(["replace", "drop", "double", "nest", "add", "swap"]))
    match how:
        case "replace":
            place[key] = copy.deepcopy(draw(st.sampled_from(STRANGERS)))
        case "drop":
            del place[key]
        case "double" if isinstance(place, list):
            place.insert(key, copy.deepcopy(place[key]))
        case "double":
            place[f"{key}2"] = copy.deepcopy(place[key])
        case "nest":
            place[key] = [place[key]] if draw(st.booleans()) else {"nested": place[key]}
        case "add" if isinstance(place, list):
            place.append(copy.deepcopy(draw(st.sampled_from(STRANGERS))))
        case "add":
            place[draw(st.sampled_from(["", "extra", key.upper(), "ключ"]))] = draw(st.sampled_from([1, "x", None]))
        case "swap":
            other, there = found[draw(st.integers(0, len(found) - 1))]
            place[key] = copy.deepcopy(other[there])


def mutate_bytes(draw: st.DrawFn, data: bytes) -> bytes:
    """One change to the text: a byte flipped, a piece cut off, doubled, left out or put in."""
    if not data:
        return data
    at = draw(st.integers(0, len(data) - 1))
    to = min(len(data), at + draw(st.integers(1, 20)))
    match draw(st.sampled_from(["flip", "truncate", "drop", "double", "insert"])):
        case "flip":
            return data[:at] + bytes([data[at] ^ 1 << draw(st.integers(0, 7))]) + data[at + 1 :]
        case "truncate":
            return data[:at]
        case "drop":
            return data[:at] + data[to:]
        case "double":
            return data[:to] + data[at:]
        case _:
            return (
                data[:at]
                + draw(st.sampled_from([b"[", b"]", b"{", b"}", b'"', b",", b"\\", b"\xff", b"\0"]))
                + data[at:]
            )


@st.composite
def mutants(draw: st.DrawFn, receiver: str) -> tuple[Sample, bytes]:
    """A valid frame, and what became of it. Most calls are such as the receiver serves, most replies fit its calls."""
    kind = draw(st.sampled_from(KINDS))
    meant = [name for name, action in ACTIONS.items() if (action.sender != receiver) == (kind == 2)]
    sample = Sample(draw(st.sampled_from(4 * meant + list(ACTIONS))), kind)
    frame = sample.elements()
    on_tree, on_bytes = draw(st.sampled_from(ON_TREE_AND_BYTES))
    for _ in range(on_tree):
        mutate_tree(draw, frame)
    text = json.dumps(frame, ensure_ascii=draw(st.booleans()))
    if DEEP in text:
        depth = draw(st.sampled_from(DEPTHS))
        text = text.replace(f'"{DEEP}"', "[" * depth + "]" * depth)
    data = text.encode("utf-8", "surrogatepass")
    for _ in range(on_bytes):
        data = mutate_bytes(draw, data)
    return sample, data
