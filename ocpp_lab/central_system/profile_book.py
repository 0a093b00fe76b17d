"""`ProfileBook`: which charging profiles each charge point has, as far as we know (core 3.13, 5.16)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from ..codec import to_object
from ..database import Database
from ..messages import ChargingProfile, ClearChargingProfileRequest
from .ledger_values import fits, instant
from .order_end import OrderEnd
from .record_book import RecordBook

INSTALLED = "state IN ('held', 'unknown', 'asked')"
"""What a charge point may have now. After a lost answer, or our own end, nobody knows."""


class ProfileBook(RecordBook):
    """The table ``charging_profiles``. ``state``: asked, held, refused, unknown, replaced, cleared, ended (with its
    transaction, ``used_by``). A profile that went with a remote start has its ``id_tag``, and no
    transaction before one begins."""

    table = "charging_profiles"
    over = f"NOT {INSTALLED}"
    size = "length(payload)"

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        # Whether any profile was ever asked for: where none was, no start and no stop has to look for one.
        self._any = bool(self._db.execute(f"SELECT 1 FROM {self.table} LIMIT 1"))

    def next_id(self, identity: str) -> int:
        """A chargingProfileId that this charge point was never given here."""
        [(most,)] = self._db.execute("SELECT max(profile) FROM charging_profiles WHERE identity = ?", (identity,))
        return int(most or 0) + 1

    def ask(
        self, identity: str, connector: int | None, profile: ChargingProfile, at: datetime, id_tag: str | None = None
    ) -> int:
        """It is about to be sent; ``id_tag``: with a remote start."""
        self._any = True
        payload = msgspec.json.encode(to_object(profile)).decode()
        return self._add(
            len(payload),
            identity=identity,
            connector=connector,
            id_tag=id_tag,
            profile=profile.charging_profile_id,
            purpose=profile.charging_profile_purpose,
            level=profile.stack_level,
            used_by=profile.transaction_id,
            payload=payload,
            at=instant(at),
            state="asked",
        )

    def settle(self, number: int, outcome: OrderEnd) -> None:
        """The answer is there: what it displaces is replaced (same id, or same purpose and level there; core 5.16), or
        it never was."""
        with self._db.transaction():
            self._set("state = ?", "number = ? AND state IN ('asked', 'unknown')", outcome.state, number)
            if outcome.done:
                this = "(SELECT {} FROM charging_profiles WHERE number = ?)"
                same = (
                    f"(profile = {this.format('profile')}"
                    f" OR (connector, purpose, level) = {this.format('connector, purpose, level')})"
                )
                which = f"identity = {this.format('identity')} AND {same} AND number < ? AND {INSTALLED}"
                self._set("state = 'replaced'", which, number, number, number, number)
                waits = f"(identity, id_tag) = {this.format('identity, id_tag')} AND used_by IS NULL"
                self._set("state = 'replaced'", f"{waits} AND number < ? AND {INSTALLED}", number, number)

    def cleared(self, identity: str, request: ClearChargingProfileRequest) -> None:
        """What matches is gone: the one with this id, whatever else was said (core errata 3.26), or all that match
        every given field (core errata 3.25)."""
        fields = {
            "connector": request.connector_id,
            "purpose": request.charging_profile_purpose,
            "level": request.stack_level,
        }
        if request.id is not None:
            fields = {"profile": request.id}
        given = {name: value for name, value in fields.items() if value is not None}
        which = " AND ".join(["identity = ?", INSTALLED, *(f"{name} = ?" for name in given)])
        self._set("state = 'cleared'", which, identity, *given.values())

    def begun(self, identity: str, connector: int, id_tag: str, transaction_id: int) -> None:
        """A transaction began: the profile that went with its remote start is its own (core 5.16.2)."""
        if not self._any or not fits(connector, transaction_id):
            return
        waiting = f"identity = ? AND id_tag = ? COLLATE NOCASE AND used_by IS NULL AND {INSTALLED}"
        which = f"{waiting} AND coalesce(connector, ?) = ?"
        news = [transaction_id, connector]
        self._set_any("used_by = ?, connector = ?", news, which, identity, id_tag, connector, connector)

    def ended(self, identity: str, transaction_id: int) -> None:
        """A TxProfile ends with its transaction (core 3.13.1)."""
        if self._any and fits(transaction_id):
            self._set_any(
                "state = 'ended'", [], f"identity = ? AND used_by = ? AND {INSTALLED}", identity, transaction_id
            )

    def installed(self, identity: str) -> list[dict[str, Any]]:
        """What this charge point may have now, oldest first."""
        return self._rows(f"identity = ? AND {INSTALLED}", identity)
