"""`KeptProfiles`: the charging profiles of a charge point, in the file: they survive a power cut (core errata 3.37)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import partial
from typing import NamedTuple

from ..codec import decode_payload, encode_payload
from ..messages import ChargingProfile
from ..smart_charging import Installed
from ..store import Store, store_at

_INSERT = "INSERT INTO charging_profiles VALUES (?,?,?,?,?)"


class Promise(NamedTuple):
    """The profile that came with a RemoteStartTransaction, for the transaction that this tag will start."""

    id_tag: str
    profile: ChargingProfile


class KeptProfiles:
    """What is installed, whose the TxProfiles are, and what is promised. Read once; changed in the file first.

    Everything that reads or writes the file raises `StoreFailed` if it cannot; then nothing has changed.
    """

    def __init__(self, store: Store | str = ":memory:") -> None:
        self._store = store_at(store)
        self.installed: list[Installed] = []
        """All that was accepted; TxProfiles of a transaction that is over may still be among them. Set by `keep`."""
        self.owners: Mapping[int, str] = {}
        """By connector, our name of the transaction that its TxProfiles belong to. Set by `keep`."""
        self.promises: Mapping[int, Promise] = {}
        """By connector. Set by `keep`."""
        self._read()

    def keep(
        self, installed: Iterable[Installed], owners: Mapping[int, str], promises: Mapping[int, Promise] | None = None
    ) -> None:
        """From now on these; a TxProfile belongs to the transaction that its connector has in ``owners``.

        ``promises`` stay as they are if none are given. Inside a `Store.transaction` it holds once that is over.
        """
        installed, promises = list(installed), self.promises if promises is None else promises
        owned = [each.connector for each in installed if each.profile.charging_profile_purpose == "TxProfile"]
        owners = {connector: owners[connector] for connector in owned if connector in owners}
        rows = [_row(*each, owners.get(each.connector) if _is_owned(each) else None, None) for each in installed]
        rows += [_row(connector, promise.profile, None, promise.id_tag) for connector, promise in promises.items()]
        with self._store.transaction():
            self._store.execute("DELETE FROM charging_profiles")
            for row in rows:
                self._store.execute(_INSERT, row)
            self._store.afterwards(partial(self._take, installed, owners, promises))

    def _take(self, installed: list[Installed], owners: Mapping[int, str], promises: Mapping[int, Promise]) -> None:
        self.installed, self.owners, self.promises = installed, owners, promises

    def _read(self) -> None:
        installed, owners, promises = list[Installed](), dict[int, str](), dict[int, Promise]()
        for connector, owner, id_tag, text in self._store.execute(
            "SELECT connector, owner, id_tag, profile FROM charging_profiles ORDER BY rowid"
        ):
            profile = decode_payload(ChargingProfile, json.loads(text))
            if id_tag is not None:
                promises[connector] = Promise(id_tag, profile)
                continue
            installed.append(Installed(connector, profile))
            if owner is not None:
                owners[connector] = owner
        self._take(installed, owners, promises)

    def close(self) -> None:
        """Close the file, whoever else keeps something in it."""
        self._store.close()


def _is_owned(installed: Installed) -> bool:
    return installed.profile.charging_profile_purpose == "TxProfile"


def _row(
    connector: int, profile: ChargingProfile, owner: str | None, id_tag: str | None
) -> tuple[str, int, str | None, str | None, str]:
    text = bytes(encode_payload(profile)).decode()
    return str(profile.charging_profile_id), connector, owner, id_tag, text
