"""What to send so that a charge point has the list that we want: pure functions (core 5.15)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import batched
from typing import NamedTuple

from ..messages import AuthorizationData, IdTagInfo, UpdateType
from .list_book import KeptList

Wanted = Mapping[str, IdTagInfo]


class Update(NamedTuple):
    """One SendLocalList; ``leaves`` is the list that it leaves there."""

    kind: UpdateType
    changes: list[AuthorizationData]
    leaves: dict[str, IdTagInfo]


def updates(kept: KeptList | None, wanted: Wanted, *, full: bool = False, at_most: int | None = None) -> list[Update]:
    """The updates that lead from what is kept to what is wanted, each of ``at_most`` entries; none if that is the same.

    The first is full if nothing sure is known of the list there. Tags are compared without regard to case (core 7.28).
    """
    full = full or kept is None or not kept.sure
    before = {} if full or kept is None else dict(kept.entries)
    changes = list(_changes(before, {tag.casefold(): (tag, info) for tag, info in wanted.items()}))
    pieces = [list(piece) for piece in batched(changes, at_most or max(len(changes), 1))]
    plan, there = list[Update](), before
    for piece in pieces or ([[]] if full else []):
        there = _after(there, piece)
        plan.append(Update("Full" if full and not plan else "Differential", piece, there))
    return plan


def _changes(before: Wanted, wanted: Mapping[str, tuple[str, IdTagInfo]]) -> Iterator[AuthorizationData]:
    """What is too much goes first: a list has a greatest length."""
    had = {tag.casefold(): info for tag, info in before.items()}
    for tag in before:
        if tag.casefold() not in wanted:
            yield AuthorizationData(id_tag=tag)
    for folded, (tag, info) in wanted.items():
        if had.get(folded) != info:
            yield AuthorizationData(id_tag=tag, id_tag_info=info)


def _after(before: Wanted, changes: list[AuthorizationData]) -> dict[str, IdTagInfo]:
    changed = {each.id_tag.casefold() for each in changes}
    kept = {tag: info for tag, info in before.items() if tag.casefold() not in changed}
    return kept | {each.id_tag: each.id_tag_info for each in changes if each.id_tag_info}
