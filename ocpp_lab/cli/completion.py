"""How a line that is being typed may go on: verbs, names of charge points, actions, and words of a choice."""

from __future__ import annotations

from collections.abc import Iterable
from os.path import commonprefix

from ..messages import ACTIONS
from .verb import as_typed
from .verbs import OPERATOR_VERBS
from .word_kinds import kind_of

FROM_US = [name for name, action in ACTIONS.items() if action.sent_by("CentralSystem")]


def endings(line: str, connected: Iterable[str]) -> list[str]:
    """The words that the last word of this line may become; after a space, all that may follow."""
    *before, word = line.split(" ") if line else [""]
    before = [each for each in before if each]
    names = list(map(as_typed, connected))
    return [each for each in _words(before, names) if each.casefold().startswith(word.casefold())]


def _words(before: list[str], connected: list[str]) -> list[str]:
    if not before:
        return [*OPERATOR_VERBS, *connected]
    if before[0] not in OPERATOR_VERBS:
        return FROM_US if len(before) == 1 and before[0] in connected else []
    slot = OPERATOR_VERBS[before[0]].slot(len(before) - 1)
    if slot is None:
        return []
    return {"CP": connected, "VERB": list(OPERATOR_VERBS)}.get(slot.name, list(kind_of(slot.name).words))


def completed(line: str, words: list[str]) -> str:
    """The line with its last word as long as all these have in common; and a space behind it if there is only one."""
    if not words:
        return line
    start = line[: len(line) - len(line.split(" ")[-1])]
    longer = commonprefix(words)  # noqa: RUF071 (these are words and no paths)
    return start + longer + (" " if len(words) == 1 else "") if len(longer) >= len(line) - len(start) else line
