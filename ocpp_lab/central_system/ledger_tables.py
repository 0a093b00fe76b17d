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

_OPEN_TAGS = "CREATE INDEX open_tags ON transactions (id_tag COLLATE NOCASE) WHERE stopped IS NULL"

RECORDS = """
CREATE TABLE orders (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    identity TEXT NOT NULL, at TEXT NOT NULL, action TEXT NOT NULL, payload TEXT NOT NULL, outcome TEXT
);
CREATE INDEX orders_of ON orders (identity);
CREATE TABLE reservations (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    identity TEXT NOT NULL, reservation INTEGER NOT NULL, connector INTEGER NOT NULL, id_tag TEXT NOT NULL, parent TEXT,
    until TEXT NOT NULL, at TEXT NOT NULL, state TEXT NOT NULL, used_by INTEGER  -- the transaction
);
CREATE INDEX reservations_of ON reservations (identity, reservation);
CREATE TABLE lists (
    identity TEXT PRIMARY KEY, version INTEGER NOT NULL, sure INTEGER NOT NULL, entries TEXT NOT NULL, at TEXT NOT NULL
);
CREATE TABLE charging_profiles (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    identity TEXT NOT NULL, connector INTEGER, id_tag TEXT, profile INTEGER NOT NULL, purpose TEXT NOT NULL,
    level INTEGER NOT NULL, used_by INTEGER, payload TEXT NOT NULL, at TEXT NOT NULL, state TEXT NOT NULL
);
CREATE INDEX charging_profiles_of ON charging_profiles (identity, state);
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    identity TEXT NOT NULL, kind TEXT NOT NULL, request INTEGER, location TEXT NOT NULL, file TEXT,
    at TEXT NOT NULL, state TEXT NOT NULL
);
CREATE INDEX jobs_of ON jobs (identity, kind);
CREATE TABLE job_statuses (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    identity TEXT NOT NULL, kind TEXT NOT NULL, request, job INTEGER, at TEXT NOT NULL, status TEXT NOT NULL
);
CREATE INDEX job_statuses_of ON job_statuses (identity);
CREATE TABLE events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    identity TEXT NOT NULL, at TEXT NOT NULL, type TEXT NOT NULL, info TEXT, hash TEXT NOT NULL,
    UNIQUE (identity, hash)
);
CREATE TABLE transfers (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    identity TEXT NOT NULL, at TEXT NOT NULL, vendor TEXT NOT NULL, message TEXT, payload TEXT NOT NULL
);
CREATE INDEX transfers_of ON transfers (identity);
CREATE TABLE root_certificates (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    identity TEXT NOT NULL, kind TEXT NOT NULL, pem TEXT NOT NULL, at TEXT NOT NULL, state TEXT NOT NULL
);
CREATE INDEX root_certificates_of ON root_certificates (identity)
"""
"""The tables of `Records`: what the operator asked for, and what charge points told beside their transactions."""

_OPERATOR = f"{_OPEN_TAGS};{RECORDS}"
"""Who charges with which tag, and the operator's records."""


_SECURITY = """
CREATE TABLE profiles (identity TEXT PRIMARY KEY, taken INTEGER, offered TEXT NOT NULL);
CREATE TABLE certificates (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    identity TEXT NOT NULL, at TEXT NOT NULL, chain TEXT NOT NULL, status TEXT  -- none yet: not answered
);
CREATE INDEX certificates_of ON certificates (identity)
"""
"""Security profiles that each charge point may use, and the certificates that were signed for it."""

DECISIONS = """
CREATE TABLE tags (name TEXT PRIMARY KEY COLLATE NOCASE, status TEXT NOT NULL);
CREATE TABLE boots (name TEXT PRIMARY KEY, status TEXT NOT NULL)
"""
"""What the operator decided about tags, however their case (core 7.28), and about the next boot of who."""

STEPS = (_FIRST, _SECOND, _THIRD, _SECURITY, _OPERATOR, DECISIONS)
