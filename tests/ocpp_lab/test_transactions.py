"""`Transactions`: what runs, the meter registers and the availability, as a power cut leaves them (core 4.8, 5.2)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from ocpp_lab.charge_point.transactions import Transaction, Transactions
from tests.fakes import NOON

LATER = NOON + timedelta(minutes=10, milliseconds=250)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "transactions.sqlite")


def test_a_transaction_from_open_to_strike_out(path: str) -> None:
    """Each step is on the disk: another reader of the file sees what a restarted charge point would."""
    book, reader = Transactions(path), Transactions(path)
    book.open("A", 2, "TAG_A", NOON, 100)
    assert list(reader) == [Transaction("A", 2, "TAG_A", NOON, 100, NOON, 100)]
    book.read("A", LATER, 350)
    assert reader.on(2) == Transaction("A", 2, "TAG_A", NOON, 100, LATER, 350)
    assert reader.on(1) is None
    book.strike_out("A")
    assert list(reader) == []
    book.strike_out("A")  # fine if it is gone
    book.close()
    reader.close()


def test_one_for_each_connector() -> None:
    """In the order in which they began; reading one moves no other."""
    book = Transactions()
    book.open("B", 2, "TAG_B", LATER, 7)
    book.open("A", 1, "TAG_A", NOON, 5)
    book.read("B", LATER, 9)
    assert [(each.name, each.connector, each.meter_seen) for each in book] == [("A", 1, 5), ("B", 2, 9)]
    book.close()


def test_they_may_be_struck_out_one_after_the_other() -> None:
    """While somebody goes through them, as a reset does."""
    book = Transactions()
    for connector in (1, 2, 3):
        book.open(f"T{connector}", connector, "TAG", NOON, 0)
    for transaction in book:
        book.strike_out(transaction.name)
    assert list(book) == []
    book.close()


def test_registers_go_on(path: str) -> None:
    """A meter does not start from zero after a power cut, and keeps fractions of a watt-hour."""
    book = Transactions(path)
    assert book.register(1) == 0
    book.save_register(1, 1234.5)
    book.save_register(2, 7)
    book.save_register(1, 1300.25)
    book.close()
    again = Transactions(path)
    assert [again.register(connector) for connector in (1, 2, 3)] == [1300.25, 7, 0]
    again.close()


def test_availability_persists(path: str) -> None:
    """Core 5.2: what was set by command survives a reboot."""
    book = Transactions(path)
    assert book.operative(1)
    book.save_operative(1, False)
    book.save_operative(2, False)
    book.save_operative(2, True)
    book.close()
    again = Transactions(path)
    assert [again.operative(connector) for connector in (0, 1, 2)] == [True, False, True]
    again.close()
