"""`Tags`: whatever is done to the dict, a tag is found at once and without regard to case (core 7.28)."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ocpp_lab import Policy
from ocpp_lab.central_system.tags import Tags

NAMES = ["tag", "TAG", "Tag", "other", "żółw", "ŻÓŁW"]
STATUSES: list[Any] = ["Accepted", "Blocked", "Expired"]
NAME, STATUS = st.sampled_from(NAMES), st.sampled_from(STATUSES)
DEEDS = st.one_of(
    st.tuples(st.just("set"), NAME, STATUS),
    st.tuples(st.just("delete"), NAME, STATUS),
    st.tuples(st.just("pop"), NAME, STATUS),
    st.tuples(st.just("setdefault"), NAME, STATUS),
    st.tuples(st.just("update"), NAME, STATUS),
    st.tuples(st.just("|="), NAME, STATUS),
    st.tuples(st.just("clear"), NAME, STATUS),
    st.tuples(st.just("assign"), NAME, STATUS),
)


def do(tags: Any, deed: tuple[str, str, Any]) -> Any:
    what, name, status = deed
    match what:
        case "set":
            tags[name] = status
        case "delete" if name in tags:
            del tags[name]
        case "pop":
            tags.pop(name, None)
        case "setdefault":
            tags.setdefault(name, status)
        case "update":
            tags.update({name: status})
        case "|=":
            tags |= {name: status}
        case "clear":
            tags.clear()
        case "assign":
            return {name: status}
    return tags


@given(st.lists(DEEDS, max_size=20))
def test_as_a_plain_dict_would_answer(deeds: list[Any]) -> None:
    """The same deeds done to a dict that is searched from end to end: the newest of several spellings counts."""
    policy, plain = Policy(), dict[str, Any]()
    for deed in deeds:
        plain = do(plain, deed)
        policy.id_tags = do(policy.id_tags, deed)
        assert policy.id_tags == plain and list(policy.id_tags) == list(plain) and len(policy.id_tags) == len(plain)
        for name in NAMES:
            known = {tag.casefold(): status for tag, status in plain.items()}
            assert policy.authorize(name).status == known.get(name.casefold(), "Accepted")


def test_authorizing_does_not_look_at_all_tags() -> None:
    """Of a hundred thousand, none but the one that is asked for is touched."""

    class Counted(str):
        folded = 0

        def casefold(self) -> str:
            Counted.folded += 1
            return super().casefold()

    policy = Policy(id_tags={Counted(f"Tag {n}"): "Blocked" for n in range(100_000)})
    assert Counted.folded == 100_000
    assert policy.authorize("TAG 99999").status == "Blocked" and policy.authorize("tag").status == "Accepted"
    assert Counted.folded == 100_000


def test_copies_are_apart() -> None:
    """`dataclasses.replace` and `copy.deepcopy` of a policy, and the dict that it was made from."""
    given_tags: Any = {"A": "Blocked"}
    policy = Policy(id_tags=given_tags)
    others = [dataclasses.replace(policy), copy.deepcopy(policy)]
    policy.id_tags["B"] = "Blocked"
    assert given_tags == {"A": "Blocked"}
    for other in others:
        other.id_tags["C"] = "Expired"
        assert other.id_tags == {"A": "Blocked", "C": "Expired"} and other.authorize("c").status == "Expired"
    assert policy.id_tags == {"A": "Blocked", "B": "Blocked"} and policy.authorize("c").status == "Accepted"
    assert repr(Tags(given_tags)) == "{'A': 'Blocked'}"
