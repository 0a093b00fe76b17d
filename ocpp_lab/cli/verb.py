"""`Verb`: one thing that an operator can type: its usage, what it says in the help, and what it does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..central_system import CentralSystem
from .word_kinds import kind_of

type VerbAct = Callable[..., Awaitable[Iterable[str]]]
"""Takes the central system and what the words stand for; returns lines to say, beside the frames that are shown."""


class Slot(NamedTuple):
    """One word of a usage: ``CP``, ``[CONNECTOR]``, ``[KEY...]``."""

    name: str
    optional: bool = False
    many: bool = False


@dataclass(frozen=True)
class Verb:
    """``takes`` is the usage behind the name, such as ``CP TAG [CONNECTOR]``."""

    name: str
    takes: str
    says: str
    example: str
    act: VerbAct

    @property
    def usage(self) -> str:
        """As it is typed."""
        return f"{self.name} {self.takes}".rstrip()

    @property
    def slots(self) -> list[Slot]:
        """The words behind the name."""
        bare = [(word.strip("[]"), word.startswith("[")) for word in self.takes.split()]
        return [Slot(name.removesuffix("..."), optional, name.endswith("...")) for name, optional in bare]

    def slot(self, place: int) -> Slot | None:
        """What the word at this place stands for, from 0; None if nothing may stand there."""
        slots = self.slots
        if place < len(slots):
            return slots[place]
        return slots[-1] if slots and slots[-1].many else None

    def read(self, words: Sequence[str], connected: Iterable[str]) -> list[Any]:
        """What these words stand for; those that were left out are None. Raises ValueError with what to type."""
        slots = self.slots
        if len(words) < sum(not slot.optional for slot in slots):
            lacking = kind_of(slots[len(words)].name).expects
            raise ValueError(f"{self.name}: expected {lacking}, came nothing; {self.hint}")
        values = [self._value(place, word, connected) for place, word in enumerate(words)]
        return values + [None] * (len(slots) - len(values) - (bool(slots) and slots[-1].many))

    def _value(self, place: int, word: str, connected: Iterable[str]) -> Any:
        slot = self.slot(place)
        if slot is None:
            raise ValueError(f"{self.name}: expected no more words, came {word:.50}; {self.hint}")
        if slot.name == "CP":
            return identity_named(word, connected)
        try:
            return kind_of(slot.name).read(word)
        except (ValueError, LookupError) as problem:
            why = f" ({problem})" if str(problem).strip("'") != word else ""
            expected = kind_of(slot.name).expects
            raise ValueError(f"{self.name}: expected {expected}, came {word:.50}{why}; {self.hint}") from None

    @property
    def hint(self) -> str:
        """How it is typed, for the end of an error."""
        return f"type: {self.usage}, such as: {self.example}"

    async def run(self, central_system: CentralSystem, values: Sequence[Any]) -> Iterable[str]:
        """Do it; raises what the `Operator` raises."""
        return await self.act(central_system, *values)


def as_typed(identity: str) -> str:
    """A charge point's name as one word: a space is typed as in its URL (J-spec 3.1.1: RDAM%20123)."""
    return identity.replace(" ", "%20")


def identity_named(word: str, connected: Iterable[str]) -> str:
    """The charge point with this name, or the only connected one whose name begins so.

    Raises ValueError if several do. A name of nobody is left as it is: whoever sends there says that.
    """
    by_word = [(as_typed(name), name) for name in connected]
    exactly = [name for typed, name in by_word if word in (typed, name)]
    matching = exactly or [name for typed, name in by_word if typed.casefold().startswith(word.casefold())]
    if len(matching) > 1:
        names = some([as_typed(name) for name in matching])
        raise ValueError(f"expected one charge point, but {word} may be any of {names}; type more of it")
    return matching[0] if matching else word.replace("%20", " ")


def some(names: Sequence[str], most: int = 10) -> str:
    """The first of them, for a message."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
