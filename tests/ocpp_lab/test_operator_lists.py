"""Local lists: a version for each charge point, only what changed, all of it after a mismatch (core 5.10, 5.15)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpp_lab import CallFailed, CallTimeout, Policy
from ocpp_lab import messages as m
from ocpp_lab.central_system.list_book import KeptList
from ocpp_lab.central_system.list_plan import Update, updates
from tests.operated import DATE, done, operated
from tests.pair import simulated

OK = {"status": "Accepted"}


def entry(tag: str, status: str | None = "Accepted") -> dict[str, Any]:
    return {"idTag": tag} | ({"idTagInfo": {"status": status}} if status else {})


def update(version: int, kind: str, *entries: Any) -> tuple[str, Any]:
    payload: dict[str, Any] = {"listVersion": version, "updateType": kind}
    return "SendLocalList", payload | ({"localAuthorizationList": list(entries)} if entries else {})


@simulated
async def test_first_all_of_it_then_what_changed_then_nothing() -> None:
    """By default the tags of the policy; versions count up from 1 (core errata 3.52)."""
    async with operated(policy=Policy(id_tags={"A": "Accepted", "B": "Blocked"})) as (operator, peer):
        result, asked = await done(peer, operator.send_list("CP_1"), OK)
        assert result == (1, "Accepted", 1)
        assert asked == [update(1, "Full", entry("A"), entry("B", "Blocked"))]
        del operator._policy.id_tags["B"]
        operator._policy.id_tags["C"] = "Expired"
        result, asked = await done(peer, operator.send_list("CP_1"), OK)
        assert result == (2, "Accepted", 1)
        assert asked == [update(2, "Differential", entry("B", None), entry("C", "Expired"))]
        assert await operator.send_list("CP_1") == (2, "Accepted", 0)
        assert peer.ours.ledger.records.lists.versions() == {"CP_1": 2}


@simulated
async def test_the_whole_of_a_tag() -> None:
    info = m.IdTagInfo(status="Accepted", parent_id_tag="P", expiry_date=DATE + timedelta(days=1))
    async with operated() as (operator, peer):
        _, asked = await done(peer, operator.send_list("CP_1", {"A": info}), OK)
        expected = {"status": "Accepted", "parentIdTag": "P", "expiryDate": "2030-06-02T12:00:00.000Z"}
        assert asked[0][1]["localAuthorizationList"] == [{"idTag": "A", "idTagInfo": expected}]
        assert (await operator.send_list("CP_1", {"a": info})).requests == 0  # another case is the same tag (core 7.28)


@simulated
@pytest.mark.parametrize("status", ["VersionMismatch", "Failed"])
async def test_a_refused_difference_is_followed_by_all(status: str) -> None:
    """Core 5.15."""
    async with operated() as (operator, peer):
        await done(peer, operator.send_list("CP_1", {"A": "Accepted"}), OK)
        result, asked = await done(
            peer, operator.send_list("CP_1", {"A": "Accepted", "B": "Accepted"}), {"status": status}, OK
        )
        assert result == (3, "Accepted", 2)
        assert asked == [update(2, "Differential", entry("B")), update(3, "Full", entry("A"), entry("B"))]


@simulated
async def test_all_of_it_is_not_sent_twice() -> None:
    """If that fails, the operator is told; and the next time it is all again."""
    async with operated() as (operator, peer):
        result, asked = await done(peer, operator.send_list("CP_1", {"A": "Accepted"}), {"status": "Failed"})
        assert result == (1, "Failed", 1) and len(asked) == 1
        result, asked = await done(peer, operator.send_list("CP_1", {"A": "Accepted"}), OK)
        assert asked == [update(2, "Full", entry("A"))]


@simulated
@pytest.mark.parametrize("refusal", [{"status": "NotSupported"}, "NotSupported"])
async def test_who_has_no_lists_has_the_one_it_had(refusal: Any) -> None:
    """Rolled back: the next difference is one to the list before."""
    async with operated() as (operator, peer):
        await done(peer, operator.send_list("CP_1", {"A": "Accepted"}), OK)
        try:
            await done(peer, operator.send_list("CP_1", {"B": "Accepted"}), refusal)
        except CallFailed:
            assert refusal == "NotSupported"
        _, asked = await done(peer, operator.send_list("CP_1", {"B": "Accepted"}), OK)
        assert asked == [update(2, "Differential", entry("A", None), entry("B"))]


@simulated
async def test_after_silence_nothing_is_sure() -> None:
    async with operated(timeout=1.0) as (operator, peer):
        await done(peer, operator.send_list("CP_1", {"A": "Accepted"}), OK)
        with pytest.raises(CallTimeout):
            await operator.send_list("CP_1", {"B": "Accepted"})
        await peer.hear()
        _, asked = await done(peer, operator.send_list("CP_1", {"B": "Accepted"}), OK)
        assert asked == [update(3, "Full", entry("B"))]


@simulated
async def test_pieces_that_it_can_swallow() -> None:
    """SendLocalListMaxLength: the first of them is full, the others add to it."""
    async with operated() as (operator, peer):
        tags: Any = dict.fromkeys("ABC", "Accepted")
        result, asked = await done(peer, operator.send_list("CP_1", tags, at_most=2), OK, OK)
        assert result == (2, "Accepted", 2)
        assert asked == [update(1, "Full", entry("A"), entry("B")), update(2, "Differential", entry("C"))]


@simulated
async def test_an_empty_list() -> None:
    """Full and without entries; its version is 0 there, whatever was sent (core 5.10)."""
    async with operated() as (operator, peer):
        await done(peer, operator.send_list("CP_1", {"A": "Accepted"}), OK)
        _, asked = await done(peer, operator.send_list("CP_1", {}, full=True), OK)
        assert asked == [update(2, "Full")]
        version, _ = await done(peer, operator.list_version("CP_1"), {"listVersion": 0})
        assert version == 0 and (await operator.send_list("CP_1", {})).requests == 0


@simulated
async def test_another_version_than_ours() -> None:
    """Somebody has changed it there, or it was lost: then all of it is sent."""
    async with operated() as (operator, peer):
        await done(peer, operator.send_list("CP_1", {"A": "Accepted"}), OK)
        await done(peer, operator.list_version("CP_1"), {"listVersion": 1})
        assert (await operator.send_list("CP_1", {"A": "Accepted"})).requests == 0
        await done(peer, operator.list_version("CP_1"), {"listVersion": 0})
        _, asked = await done(peer, operator.send_list("CP_1", {"A": "Accepted"}), OK)
        assert asked == [update(2, "Full", entry("A"))]


@simulated
async def test_a_conflict_that_the_charge_point_tells_of() -> None:
    """LocalListConflict (core 3.5.2): the next list is whole."""
    async with operated() as (operator, peer):
        await done(peer, operator.send_list("CP_1", {"A": "Accepted"}), OK)
        told = {"connectorId": 0, "status": "Available", "errorCode": "LocalListConflict"}
        await peer.ask("conflict", "StatusNotification", told)
        _, asked = await done(peer, operator.send_list("CP_1", {"A": "Accepted"}), OK)
        assert asked == [update(2, "Full", entry("A"))]


TAGS = st.dictionaries(
    st.sampled_from(["a", "A", "b", "C", "c", "d"]),
    st.sampled_from([m.IdTagInfo(status="Accepted"), m.IdTagInfo(status="Blocked")]),
)


class TheirList:
    """The list of a charge point, as core 5.15 has it."""

    def __init__(self) -> None:
        self.entries: dict[str, m.IdTagInfo] = {}

    def take(self, update: Update) -> None:
        if update.kind == "Full":
            self.entries.clear()
        for each in update.changes:
            self.entries.pop(each.id_tag.casefold(), None)
            if each.id_tag_info:
                self.entries[each.id_tag.casefold()] = each.id_tag_info


@given(st.lists(st.tuples(TAGS, st.booleans(), st.sampled_from([None, 1, 2, 5])), max_size=5))
def test_whatever_is_wanted_is_there_in_the_end(wishes: list[tuple[Any, bool, int | None]]) -> None:
    """And we know it, entry by entry; of two spellings of a tag the last one counts."""
    theirs, kept = TheirList(), None
    for wanted, full, at_most in wishes:
        for each in updates(kept, wanted, full=full, at_most=at_most):
            assert len(each.changes) <= (at_most or 6)
            theirs.take(each)
            kept = KeptList(1, True, each.leaves)
            assert {tag.casefold(): info for tag, info in each.leaves.items()} == theirs.entries
        assert theirs.entries == {tag.casefold(): info for tag, info in wanted.items()}
