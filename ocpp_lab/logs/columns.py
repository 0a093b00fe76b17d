"""`Columns`: which column of a table has the charge point, and which the direction, from its head."""

from __future__ import annotations

import re

_CELLS = re.compile(r"[,;\t|]")
_TABLE = {
    *("time", "timestamp", "date", "direction", "type", "message", "payload", "action", "frame", "data", "request"),
    *("response", "event", "content", "msg", "log", "source", "host", "service", "id", "created_at", "@timestamp"),
    *("@message", "dir", "zeit", "datum", "richtung", "nachricht", "meldung", "inhalt", "nr", "no", "#"),
}
_WHO = {
    *("chargepoint", "charge point", "chargepointid", "charge point id", "charge_point_id", "charge_point", "charger"),
    *("chargerid", "charger id", "charger_id", "chargebox", "chargeboxid", "charge box id", "station", "stationid"),
    *("station id", "station_id", "identity", "cp", "cpid", "cp_id", "cp id", "evse", "client", "ocpp id", "ocppid"),
    *("ladepunkt", "ladestation", "wallbox"),
}
_WAY = {"direction", "dir", "sender", "from", "origin", "source", "richtung", "von", "absender"}
"""In the order of a table; where it has two of them, the first one counts."""


class Columns:
    """`learn` every line that has no frame; a head is one whose cells are names, whole cells and not parts of them."""

    def __init__(self) -> None:
        self._who: int | None = None  # the column with the charge point; `learn` sets it
        self._way: int | None = None  # the column with the direction; likewise
        self._delimiter = ""  # between the columns, as the head has it

    def learn(self, line: str) -> None:
        """Perhaps it is a head."""
        found = _CELLS.search(line) if len(line) < 500 else None
        if found is None:
            return
        cells = [cell.strip(" \"'\ufeff").lower() for cell in line.split(found.group())]
        named = sum(cell in _TABLE or cell in _WHO for cell in cells)
        if named >= 2 and len(cells) >= 3 and any(cell in _TABLE for cell in cells):
            self._delimiter = found.group()
            self._who = next((place for place, cell in enumerate(cells) if cell in _WHO), None)
            self._way = next((place for place, cell in enumerate(cells) if cell in _WAY), None)

    def identity(self, before: str) -> str | None:
        """What stands in that column, in front of a frame."""
        return self._cell(self._who, before)

    def direction(self, before: str) -> str:
        """The word that stands in that column, in front of a frame; "" if none does."""
        word = (self._cell(self._way, before) or "").lower()
        return word if len(word) <= 40 else ""

    def _cell(self, column: int | None, before: str) -> str | None:
        if column is None:
            return None
        cells = before.split(self._delimiter)
        return (cells[column].strip(" \"'") or None) if column < len(cells) - 1 else None
