"""The tables of a `Ledger`, and how an older file gets them."""

from __future__ import annotations

_FIRST = """
CREATE TABLE IF NOT EXISTS transactions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- positive, never given twice (core errata 3.54)
    identity TEXT NOT NULL, connector INTEGER NOT NULL, id_tag TEXT NOT NULL,
    started TEXT NOT NULL, meter_start INTEGER NOT NULL,
    stopped TEXT, meter_stop INTEGER, reason TEXT,
    UNIQUE (identity, connector, id_tag, started, meter_start)
);
CREATE TABLE IF NOT EXISTS meter_values (
    number INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order in which they came
    identity TEXT NOT NULL, id INTEGER NOT NULL, connector INTEGER NOT NULL, at TEXT NOT NULL,
    hash TEXT NOT NULL, payload TEXT NOT NULL,
    UNIQUE (identity, id, at, hash)
);
CREATE TABLE IF NOT EXISTS orphans (
    identity TEXT NOT NULL, action TEXT NOT NULL, id INTEGER NOT NULL, at TEXT NOT NULL,
    hash TEXT NOT NULL, payload TEXT NOT NULL,
    UNIQUE (identity, action, id, at, hash)
);
CREATE TABLE IF NOT EXISTS registrations (identity TEXT PRIMARY KEY, status TEXT NOT NULL)
"""
"""Version 1. Files without a version have these tables too."""

_SECOND = """
ALTER TABLE transactions ADD COLUMN reservation;  -- no type, for the specification bounds no integer, and sqlite does
ALTER TABLE transactions ADD COLUMN stop_tag TEXT;
ALTER TABLE transactions ADD COLUMN transaction_data TEXT;  -- as JSON
CREATE INDEX open_transactions ON transactions (identity, connector) WHERE stopped IS NULL;
CREATE TABLE second_stops (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    identity TEXT NOT NULL, id INTEGER NOT NULL, at TEXT NOT NULL, hash TEXT NOT NULL, payload TEXT NOT NULL,
    UNIQUE (identity, id, hash)
);
CREATE TABLE quarantine (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    identity TEXT NOT NULL, at TEXT NOT NULL, action TEXT NOT NULL, reason TEXT NOT NULL, text TEXT NOT NULL,
    size INTEGER NOT NULL, hash TEXT NOT NULL,
    UNIQUE (identity, hash)
);
CREATE TABLE keys (
    identity TEXT NOT NULL, place INTEGER NOT NULL,  -- the oldest of an identity has place 0
    salt BLOB NOT NULL, digest BLOB NOT NULL, opens INTEGER NOT NULL,
    PRIMARY KEY (identity, place)
)
"""
"""Version 2: what a stop carries, what was refused, and the keys."""

_THIRD = "CREATE INDEX outside ON meter_values (identity) WHERE id = 0"
"""Version 3: the readings that belong to no transaction are counted, and few among many."""

_SECURITY = """
CREATE TABLE profiles (identity TEXT PRIMARY KEY, taken INTEGER, offered TEXT NOT NULL);
CREATE TABLE certificates (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    identity TEXT NOT NULL, at TEXT NOT NULL, chain TEXT NOT NULL, status TEXT  -- none yet: not answered
);
CREATE INDEX certificates_of ON certificates (identity)
"""
"""Security profiles that each charge point may use, and the certificates that were signed for it."""

STEPS = (_FIRST, _SECOND, _THIRD, _SECURITY)
