"""What the checks of the outbox have in common: messages nobody has seen, outboxes that get closed, power cuts."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ocpp_lab.messages import MeterValue, MeterValuesRequest, Request, SampledValue
from ocpp_lab.messages import StartTransactionRequest as Start
from ocpp_lab.messages import StopTransactionRequest as Stop

from ..kit import NOON, Kit

NAME = "box.db"


def instant(kit: Kit) -> datetime:
    """A moment of that day, to the millisecond, as it goes over the wire."""
    return NOON + timedelta(milliseconds=kit.rng.randrange(10**7))


def start(kit: Kit) -> Start:
    tag = f"TAG_{kit.rng.randrange(10**6)}"
    return Start(
        connector_id=kit.rng.randint(1, 4), id_tag=tag, meter_start=kit.rng.randrange(10**6), timestamp=instant(kit)
    )


def reading(kit: Kit) -> MeterValue:
    sampled = [SampledValue(value=str(kit.rng.randrange(10**6)), measurand="Energy.Active.Import.Register", unit="Wh")]
    return MeterValue(timestamp=instant(kit), sampled_value=sampled)


def values(kit: Kit) -> MeterValuesRequest:
    return MeterValuesRequest(connector_id=kit.rng.randint(1, 4), meter_value=[reading(kit)], transaction_id=-1)


def stop(kit: Kit) -> Stop:
    return Stop(
        meter_stop=kit.rng.randrange(10**6), timestamp=instant(kit), transaction_id=-1, reason="EVDisconnected",
        transaction_data=[reading(kit)] if kit.rng.random() < 0.5 else None,
    )  # fmt: skip


def messages(kit: Kit, number: int = 7) -> list[Request[Any]]:
    """A start, readings, a stop, and the next start …, each different from all others."""
    makers: list[Callable[[Kit], Request[Any]]] = [start, values, values, stop]
    return [makers[count % 4](kit) for count in range(number)]


class Boxes:
    """The outboxes (or ledgers) of one check, each at a path in the check's folder; all closed at its end."""

    def __init__(self, make: Any, kit: Kit) -> None:
        self.make = make
        self.kit = kit
        self._open: list[Any] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        while self._open:
            with suppress(Exception):  # the check has said what there is to say
                self.close(self._open[0])

    def open(self, path: str | None = None) -> Any:
        box = self.make(path or self.kit.path(NAME))
        self._open.append(box)
        return box

    def close(self, box: Any) -> None:
        self._open.remove(box)
        if close := getattr(box, "close", None):
            close()

    def reopened(self, box: Any) -> Any:
        """The same file, after an orderly end."""
        self.close(box)
        return self.open()

    def after_power_cut(self) -> Any:
        """A box made of what is on the disk in this instant. The old one goes on, and knows nothing of it."""
        return self.open(self.power_cut())

    def power_cut(self, folder: Path | None = None) -> str:
        """A copy of what is on the disk, in this folder if it is not the check's own; the path of the box in it."""
        copy = Path(tempfile.mkdtemp(dir=self.kit.folder))
        for file in (folder or self.kit.folder).iterdir():
            if file.is_file() and not file.name.endswith("-shm"):  # memory, which a power cut forgets
                shutil.copyfile(file, copy / file.name)
        return str(copy / NAME)


@contextmanager
def backwards() -> Iterator[None]:
    """A sqlite that finds rows newest first, as it may: SQL promises no order without ORDER BY."""
    connect = sqlite3.connect

    def connected(*arguments: Any, **options: Any) -> sqlite3.Connection:
        database: sqlite3.Connection = connect(*arguments, **options)
        database.execute("PRAGMA reverse_unordered_selects = ON")
        return database

    sqlite3.connect = connected  # type: ignore[assignment]
    try:
        yield
    finally:
        sqlite3.connect = connect


def keys_in(box: Any) -> list[int]:
    """The keys in the order in which they would be sent; the box is empty then."""
    keys: list[int] = []
    while (entry := box.head()) is not None and len(keys) < 100:
        keys.append(entry.key)
        box.delete(entry.key)
    return keys
