"""`AuthorizationCache`: what the central system said of tags (core 3.5.1)."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ocpp_lab.charge_point.authorization import MOST_TAGS, AuthorizationCache
from ocpp_lab.messages import IdTagInfo
from tests.fakes import NOON


def info(status: Any, expiry_date: datetime | None = None) -> IdTagInfo:
    return IdTagInfo(status=status, expiry_date=expiry_date)


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


def test_a_group_is_remembered(tmp_path: Path) -> None:
    """Core 3.10: whose friend may stop it is known offline too, and after a restart."""
    path = str(tmp_path / "cache.sqlite")
    cache = AuthorizationCache(path)
    cache.learn("TAG_A", IdTagInfo(status="Accepted", parent_id_tag="FAMILY"))
    cache.close()
    again = AuthorizationCache(path)
    assert again.find("tag_a") == IdTagInfo(status="Accepted", parent_id_tag="FAMILY")
    again.close()


def test_who_is_forgotten_first() -> None:
    """Core 3.5.1: of a full cache the tags that are not accepted go before those that are."""
    cache = AuthorizationCache()
    cache.learn("GOOD", info("Accepted"))
    for number in range(MOST_TAGS):
        cache.learn(f"BAD {number}", info("Blocked"))
    assert cache.find("GOOD") and not cache.find("BAD 0") and cache.find(f"BAD {MOST_TAGS - 1}")
    cache.close()
