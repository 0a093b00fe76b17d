"""`AuthorizationCache` and `without_asking`: who may charge, when nobody can be asked (core 3.5, 4.1)."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ocpp_lab.charge_point.authorization import AuthorizationCache, without_asking
from ocpp_lab.messages import IdTagInfo
from tests.fakes import NOON


def info(status: Any, expiry_date: datetime | None = None) -> IdTagInfo:
    return IdTagInfo(status=status, expiry_date=expiry_date)


# The cache ------------------------------------------------------------------------------------------------------------


def test_the_newest_answer_counts(tmp_path: Path) -> None:
    """Core 3.5.1: also one that says no; it survives a restart; the case of a tag does not matter (core 7.28)."""
    path = str(tmp_path / "cache.sqlite")
    cache = AuthorizationCache(path)
    assert cache.status("TAG_A", NOON) is None
    cache.learn("TAG_A", info("Accepted"))
    cache.learn("TAG_B", info("Blocked"))
    assert [cache.status(tag, NOON) for tag in ("tag_a", "TAG_B", "TAG_C")] == ["Accepted", "Blocked", None]
    cache.learn("tag_A", info("Invalid"))
    cache.close()
    again = AuthorizationCache(path)
    assert [again.status(tag, NOON) for tag in ("TAG_A", "TAG_B")] == ["Invalid", "Blocked"]
    again.close()


@pytest.mark.parametrize(
    ("status", "expiry", "found"),
    [
        ("Accepted", NOON + timedelta(seconds=1), "Accepted"),
        ("Accepted", NOON, "Expired"),
        ("Accepted", NOON - timedelta(days=1), "Expired"),
        ("Blocked", NOON - timedelta(days=1), "Blocked"),
    ],
)
def test_an_accepted_tag_expires(status: str, expiry: datetime, found: str) -> None:
    """Core 7.27: expiryDate; what was refused stays refused."""
    cache = AuthorizationCache()
    cache.learn("TAG_A", info(status, expiry))
    assert cache.status("TAG_A", NOON) == found
    cache.close()


def test_a_new_answer_without_a_date_ends_the_old_date() -> None:
    cache = AuthorizationCache()
    cache.learn("TAG_A", info("Accepted", NOON))
    cache.learn("TAG_A", info("Accepted"))
    assert cache.status("TAG_A", NOON) == "Accepted"
    cache.close()


def test_clear() -> None:
    """Core 5.4."""
    cache = AuthorizationCache()
    cache.learn("TAG_A", info("Accepted"))
    cache.clear()
    assert cache.status("TAG_A", NOON) is None
    cache.close()


# The decision ---------------------------------------------------------------------------------------------------------

EITHER = [False, True]
REFUSED = ["Blocked", "Expired", "Invalid", "ConcurrentTx"]

# cached, online, LocalPreAuthorize, LocalAuthorizeOffline, AllowOfflineTxForUnknownId, decision. "*": whatever it is.
TABLE: list[tuple[Any, bool, Any, Any, Any, str | None]] = [
    (None, True, "*", "*", "*", None),
    ("Accepted", True, False, "*", "*", None),
    ("Accepted", True, True, "*", "*", "Accepted"),
    *((status, True, "*", "*", "*", None) for status in REFUSED),
    (None, False, "*", "*", False, "Invalid"),
    (None, False, "*", "*", True, "Accepted"),
    ("Accepted", False, "*", True, "*", "Accepted"),
    ("Accepted", False, "*", False, "*", "Invalid"),
    *((status, False, "*", True, "*", status) for status in REFUSED),
    *((status, False, "*", False, "*", "Invalid") for status in REFUSED),
]


@pytest.mark.parametrize(("cached", "online", "pre", "offline", "unknown", "decision"), TABLE)
def test_the_whole_table(cached: Any, online: bool, pre: Any, offline: Any, unknown: Any, decision: str | None) -> None:
    """Core 3.5.1, 3.5.4. None: the central system is asked. A known bad tag is not an unknown one."""
    values = [EITHER if value == "*" else [value] for value in (pre, offline, unknown)]
    for one, two, three in itertools.product(*values):
        options = {"pre_authorize": one, "authorize_offline": two, "allow_unknown": three}
        assert without_asking(cached, online=online, **options) == decision, options
