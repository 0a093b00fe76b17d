"""`ListWatch`: the local list of a charge point, and its version, are one that the operator sent (core 3.5, 5.15)."""

from __future__ import annotations

from typing import Any

from ..central_system.list_book import ListBook
from ..charge_point import ChargePoint
from ..frames import Call, CallResult
from ..trace import Event
from .site import ChargePointSite

AS_SENT = "a local list is one that the operator sent"

ListedTag = tuple[str, str | None, str | None]
"""Status, expiry and parent of a tag."""
ListState = tuple[int, tuple[tuple[str, ListedTag], ...]]
"""A version, and the entries by tag, in order."""
NO_TAGS: ListState = 0, ()


class ListWatch:
    """Of one charge point, over all lives."""

    def __init__(self, site: ChargePointSite) -> None:
        self.site = site
        self.possible: set[ListState] = {NO_TAGS}
        """What it may have, as far as it was told and has answered."""
        self._asked: dict[str, tuple[set[ListState], set[ListState]]] = {}  # what was possible before, and is if it did
        site.ears.append(self.hear)
        site.on_life.append(lambda charge_point: self.look())

    def hear(self, event: Event) -> None:
        """One event of the charge point's trace."""
        match event.mark, event.frame:
            case "<", Call(action="SendLocalList") as call:
                before = set(self.possible)
                after = {new for old in before if (new := updated(old, call.payload))}
                self._asked[call.unique_id] = before, after
                self.possible = before | after
            case ">", CallResult() as result:
                if asked := self._asked.pop(result.unique_id, None):
                    payload: Any = result.payload
                    self.possible = asked[payload["status"] == "Accepted"]
                    self.look()

    def look(self) -> None:
        """What it has now is possible; and from now on nothing else is."""
        has = state_of(self.site.charge_point)
        told = " or ".join(map(str, sorted(self.possible)))
        self._expect(has in self.possible, f"it has {has}; expected {told}")
        self.possible = {has}

    def compare(self, book: ListBook) -> None:
        """In the end: it has what the central system is sure of."""
        self.look()
        kept = book.of(self.site.name)
        if kept and kept.sure:
            entries = {tag.casefold(): _entry_of(info) for tag, info in kept.entries.items()}
            sure: ListState = kept.version if entries else 0, tuple(sorted(entries.items()))
            has = state_of(self.site.charge_point)
            self._expect(has == sure, f"it has {has}, and the central system is sure of {sure}")

    def _expect(self, holds: object, message: str) -> None:
        self.site.ground.invariants.expect(holds, AS_SENT, message, self.site.name)


def updated(old: ListState, update: Any) -> ListState | None:
    """The list after an update as it came; None if it may not be taken."""
    version, entries = update["listVersion"], update.get("localAuthorizationList") or []
    full = update["updateType"] == "Full"
    if not full and version <= old[0]:
        return None
    new = {} if full else dict(old[1])
    for each in entries:
        info = each.get("idTagInfo")
        if info is None:
            new.pop(each["idTag"].casefold(), None)
        else:
            new[each["idTag"].casefold()] = info["status"], info.get("expiryDate"), info.get("parentIdTag")
    return version if new else 0, tuple(sorted(new.items()))


def state_of(charge_point: ChargePoint) -> ListState:
    """What is in its file."""
    rows = charge_point.memory.store.execute("SELECT id_tag, status, expires, parent FROM local_list")
    return charge_point.memory.local_list.version, tuple(sorted((tag, tuple(rest)) for tag, *rest in rows))


def _entry_of(info: Any) -> ListedTag:
    return info.status, info.expiry_date.isoformat() if info.expiry_date else None, info.parent_id_tag
