"""`Configuration`: the values of a charge point's keys, read and changed from afar (core 5.3, 5.8); see `keys`."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ..messages import ConfigurationStatus, KeyValue
from ..store import Store, store_at
from .keys import Key, fresh_keys

log = logging.getLogger(__name__)


class Configuration:
    """The values of the keys; ``values`` are set at the start.

    A change by the central system is written to the file before it has any effect, and `restore` takes it from there.
    The file holds the AuthorizationKey, as it must: guard it as you guard the key. Everything that reads or writes the
    file raises `StoreFailed` if it cannot.
    """

    def __init__(self, store: Store | str = ":memory:", **values: object) -> None:
        self.store = self._store = store_at(store)
        self.keys = fresh_keys()
        self.effects: dict[str, Callable[[str], object]] = {}
        """By key, what is told the new value of every accepted change, now or in an earlier life. Other keys take
        effect where they are read."""
        self.own_answer: dict[str, Callable[[str], ConfigurationStatus]] = {"SecurityProfile": lambda value: "Rejected"}
        """By key, who decides about a change and keeps what comes of it, in the place of all that is said here."""
        self.changed: Callable[[str], object] = lambda name: None
        """Told the name of every key that was changed by the central system."""
        for name, value in values.items():
            self[name] = str(value)

    def __getitem__(self, name: str) -> str:
        return self.keys[name].value

    def __setitem__(self, name: str, value: str) -> None:
        """Set a key from our own side, whatever its access."""
        self.keys[name].value = value

    def fix(self, name: str, value: str) -> None:
        """From now on a key has this value, and nobody changes it."""
        self.keys[name].value, self.keys[name].access = value, "R"

    def find(self, name: str) -> Key | None:
        """A key by its name, in whatever case (core 7.17: CiString50Type)."""
        return next((key for key in self.keys.values() if key.name.lower() == name.lower()), None)

    def seconds(self, name: str) -> float:
        """A duration."""
        return float(self.keys[name].value)

    def number(self, name: str) -> int:
        """A count."""
        return int(self.keys[name].value)

    def enabled(self, name: str) -> bool:
        """A switch."""
        return self.keys[name].value.lower() == "true"

    def change(self, name: str, value: str) -> ConfigurationStatus:
        """ChangeConfiguration (core 5.3): unknown key → NotSupported; read-only key or bad value → Rejected.

        RebootRequired if it is written down and whoever should obey it at once could not; the next life begins with it.
        Raises `StoreFailed` if the change cannot be written; then nothing has changed.
        """
        key = self.find(name)
        if key is None:
            return "NotSupported"
        if key.access == "R" or not key.valid(value):
            return "Rejected"
        if answer := self.own_answer.get(key.name):
            return answer(value)
        self._store.execute("INSERT OR REPLACE INTO configuration VALUES (?,?)", (key.name, value))
        taken = self._take(key, value)
        self.changed(key.name)
        return "Accepted" if taken else "RebootRequired"

    def _take(self, key: Key, value: str) -> bool:
        key.value = value
        try:
            if effect := self.effects.get(key.name):
                effect(value)
        except Exception:  # a bug of whoever listens; the value holds all the same
            log.exception("! the new value of %s has no effect yet", key.name)
            return False
        return True

    def restore(self) -> None:
        """Take every change of an earlier life again; one that is not valid any more is left out."""
        for name, value in self._store.execute("SELECT name, value FROM configuration"):
            if (key := self.find(name)) and key.access != "R" and key.valid(value):
                self._take(key, value)

    def close(self) -> None:
        """Close the file, whoever else keeps something in it."""
        self._store.close()

    def read(self, names: list[str] | None) -> tuple[list[KeyValue], list[str]]:
        """GetConfiguration (core 5.8): the keys asked for, all if none is named; and the names we do not know."""
        wanted = names or [name for name, key in self.keys.items() if key.access != "W"]
        known = [key for name in wanted if (key := self.find(name))]
        found = [
            # A write-only key exists, and says nothing (J-spec 6.2.2; whitepaper 7.2).
            KeyValue(key=key.name, readonly=key.access == "R", value=None if key.access == "W" else key.value)
            for key in known
        ]
        return found, [name for name in wanted if not self.find(name)]
