"""The local list: versions, updates, and who is believed when list and answers differ (core 3.5.2, 3.5.3, 5.15)."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ocpp_lab import messages as m
from ocpp_lab.charge_point.configuration import Configuration
from ocpp_lab.charge_point.local_auth_list import LocalAuthList
from ocpp_lab.charge_point.local_list import MOST_IN_ONE, MOST_LISTED, LocalList, disagree
from ocpp_lab.errors import StoreFailed
from ocpp_lab.store import Store
from tests.fakes import NOON, Failing, power_cut


def info(status: Any = "Accepted", parent: str | None = None, expiry: Any = None) -> m.IdTagInfo:
    return m.IdTagInfo(status=status, parent_id_tag=parent, expiry_date=expiry)


def entry(tag: str, status: Any = "Accepted") -> m.AuthorizationData:
    return m.AuthorizationData(id_tag=tag, id_tag_info=info(status))


def gone(tag: str) -> m.AuthorizationData:
    return m.AuthorizationData(id_tag=tag)


def full(version: int, *entries: m.AuthorizationData) -> m.SendLocalListRequest:
    return m.SendLocalListRequest(
        list_version=version, update_type="Full", local_authorization_list=list(entries) or None
    )


def changes(version: int, *entries: m.AuthorizationData) -> m.SendLocalListRequest:
    return m.SendLocalListRequest(
        list_version=version, update_type="Differential", local_authorization_list=list(entries)
    )


def filled() -> LocalList:
    local_list = LocalList()
    assert local_list.update(full(5, entry("TAG_A"), entry("TAG_B", "Blocked"))) == "Accepted"
    return local_list


def statuses(local_list: LocalList, *tags: str) -> list[str | None]:
    return [found.status if (found := local_list.listed(tag)) else None for tag in tags]


def test_a_full_list_replaces_what_was_there() -> None:
    """Core 5.15. The case of a tag does not matter (core 7.28)."""
    local_list = filled()
    assert local_list.update(full(9, entry("tag_c"))) == "Accepted"
    assert (local_list.version, statuses(local_list, "TAG_A", "TAG_C")) == (9, [None, "Accepted"])
    local_list.close()


def test_a_full_list_may_go_down() -> None:
    """The number that the central system gives is the number; only changes need an order."""
    local_list = filled()
    assert (local_list.update(full(2, entry("TAG_C"))), local_list.version) == ("Accepted", 2)
    local_list.close()


@pytest.mark.parametrize("sent", [7, 1, 0, -1])
def test_an_empty_full_list_has_version_0(sent: int) -> None:
    """Core 6.28: whatever version was sent."""
    local_list = filled()
    assert (local_list.update(full(sent)), local_list.version, len(local_list)) == ("Accepted", 0, 0)
    assert (local_list.update(changes(1, entry("TAG_A"))), local_list.version) == ("Accepted", 1)
    local_list.close()


def test_a_differential_update_adds_changes_and_deletes() -> None:
    """Core 7.1: an entry without idTagInfo is removed; to remove what is not there is no mistake."""
    local_list = filled()
    update = changes(6, entry("TAG_B"), gone("TAG_A"), entry("TAG_C", "Expired"), gone("TAG_X"))
    assert (local_list.update(update), local_list.version) == ("Accepted", 6)
    assert statuses(local_list, "TAG_A", "TAG_B", "TAG_C") == [None, "Accepted", "Expired"]
    local_list.close()


def test_a_list_whose_last_tag_is_deleted_is_empty() -> None:
    local_list = filled()
    assert local_list.update(changes(6, gone("TAG_A"), gone("TAG_B"))) == "Accepted"
    assert local_list.version == 0
    local_list.close()


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (changes(5, entry("TAG_C")), "VersionMismatch"),
        (changes(4, gone("TAG_A")), "VersionMismatch"),
        (changes(0, gone("TAG_A")), "Failed"),  # core errata 3.52
        (changes(-1, gone("TAG_A")), "Failed"),
        (full(0, entry("TAG_C")), "Failed"),
        (full(-1, entry("TAG_C")), "Failed"),
        (full(6, gone("TAG_C")), "Failed"),  # core 7.1: a full list says something of each tag
        (full(6, *[entry(f"T{i}") for i in range(MOST_IN_ONE + 1)]), "Failed"),  # core 9.2.3
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_refused_changes_nothing(request_: m.SendLocalListRequest, said: str) -> None:
    local_list = filled()
    assert local_list.update(request_) == said
    assert (local_list.version, statuses(local_list, "TAG_A", "TAG_B", "TAG_C")) == (5, ["Accepted", "Blocked", None])
    local_list.close()


def test_a_list_that_would_be_too_long_is_refused_whole() -> None:
    """Core 9.2.2; what was already entered of that update is undone."""
    local_list, version = LocalList(), 0
    for version in range(1, MOST_LISTED // MOST_IN_ONE + 1):
        tags = [entry(f"{version}-{i}") for i in range(MOST_IN_ONE)]
        assert local_list.update(changes(version, *tags)) == "Accepted"
    assert local_list.update(changes(version + 1, entry("1-0"), entry("ONE MORE"))) == "Failed"
    assert (local_list.version, len(local_list), statuses(local_list, "ONE MORE")) == (version, MOST_LISTED, [None])
    assert local_list.update(changes(version + 1, gone("1-0"), entry("ONE MORE"))) == "Accepted"
    local_list.close()


def test_list_and_version_survive_a_power_cut_together(tmp_path: Path) -> None:
    """Before each statement of an update: the copy has the old list with its version, or the new one with its own."""
    for nth in range(1, 20):
        path = str(tmp_path / f"{nth}.db")
        store = Store(path)
        local_list = LocalList(store)
        local_list.update(full(5, entry("TAG_A")))
        store.before = disk = Failing(nth)
        with contextlib.suppress(StoreFailed):
            local_list.update(changes(6, entry("TAG_B"), gone("TAG_A")))
        left = LocalList(power_cut(path))
        now = (left.version, statuses(left, "TAG_A", "TAG_B"))
        assert now == ((5, ["Accepted", None]) if disk.failed else (6, [None, "Accepted"]))
        left.close()
        local_list.close()
        if not disk.failed:
            return
    pytest.fail("the update never got through")


# --- the handlers ---------------------------------------------------------------------------------------------------


def profile(enabled: bool = True, conflicts: list[str] | None = None) -> LocalAuthList:
    told = [] if conflicts is None else conflicts
    configuration = Configuration(LocalAuthListEnabled=enabled)
    return LocalAuthList(filled(), configuration, conflict=told.append, now=lambda: NOON)


async def test_the_version_is_told() -> None:
    """Core 5.10, 6.28: -1 without a list; switched off, the list is kept and can be switched on again."""
    ask = m.GetLocalListVersionRequest()
    orders = profile(enabled=False)
    assert (await orders.on_get_version(ask)).list_version == -1
    assert (await orders.on_send(full(7, entry("TAG_C")))).status == "NotSupported"
    orders.configuration["LocalAuthListEnabled"] = "true"
    assert (await orders.on_get_version(ask)).list_version == 5
    assert (await orders.on_send(full(7, entry("TAG_C")))).status == "Accepted"
    assert (await orders.on_get_version(ask)).list_version == 7


async def test_a_list_that_cannot_be_written_has_failed() -> None:
    orders = profile()
    orders.local_list._store.before = Failing(2, once=False)
    assert (await orders.on_send(full(7, entry("TAG_C")))).status == "Failed"
    orders.local_list._store.before = lambda sql: None
    assert (await orders.on_get_version(m.GetLocalListVersionRequest())).list_version == 5


# --- list and cache --------------------------------------------------------------------------------------------------

PAST, LATER = NOON - timedelta(days=1), NOON + timedelta(days=1)


@pytest.mark.parametrize(
    ("listed", "came", "different"),
    [
        (info(), info(), False),
        (info(), info("Blocked"), True),
        (info("Blocked"), info(), True),
        (info("Blocked"), info("Invalid"), False),  # both say no
        (info(), info("ConcurrentTx"), False),  # it charges elsewhere, and is valid
        (info(expiry=PAST), info("Expired"), False),
        (info(expiry=NOON), info(), True),  # it has expired here, and not there
        (info(expiry=LATER), info(), False),
    ],
)
def test_when_list_and_answer_disagree(listed: m.IdTagInfo, came: m.IdTagInfo, different: bool) -> None:
    """Core 3.5.2: the validity that is reported conflicts with the list."""
    assert disagree(listed, came, NOON) is different


def test_a_conflict_is_told_and_a_list_that_is_switched_off_has_none() -> None:
    """Core 3.5.2; of a tag that is not listed there is nothing to tell."""
    conflicts: list[str] = []
    for enabled in (True, False):
        orders = profile(enabled, conflicts)
        assert (orders.listed("TAG_A") is None) is not enabled
        for tag, status in [("TAG_A", "Accepted"), ("tag_b", "Accepted"), ("TAG_C", "Blocked")]:
            orders.compare(tag, info(status))
    assert conflicts == ["tag_b"]
