"""`station.rights`: truth tables of who may charge and whose place it is, against oracles that reason otherwise."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any, get_args

import pytest

from ocpp_lab.messages import AuthorizationStatus, IdTagInfo
from ocpp_lab.station.rights import Reservation, decide, known, may_use, presented, same

NOW = datetime(2030, 6, 7, 18, tzinfo=UTC)
SECOND = timedelta(seconds=1)
STATUSES: list[AuthorizationStatus] = list(get_args(AuthorizationStatus))
BOTH = (False, True)


def info(status: AuthorizationStatus, until: datetime | None = None, parent: str | None = None) -> IdTagInfo:
    return IdTagInfo(status=status, expiry_date=until, parent_id_tag=parent)


def test_the_same_tag() -> None:
    """Core 7.28: in whatever case; nobody is the same as nobody."""
    assert same("Tag_A", "tAG_a") and not same("TAG_A", "TAG_B")
    assert not same(None, None) and not same("TAG_A", None) and not same(None, "TAG_A")


# What is known --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("listed", [None, *STATUSES])
@pytest.mark.parametrize("cached", [None, *STATUSES])
def test_the_list_speaks_first(listed: AuthorizationStatus | None, cached: AuthorizationStatus | None) -> None:
    """Core 3.5.3: the list beats the cache, whichever of them is kinder."""
    came = known(info(listed) if listed else None, info(cached) if cached else None, NOW)
    assert (came.status if came else None) == (listed or cached)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("seconds", [-3600, -1, 0, 1, 3600])
@pytest.mark.parametrize("hours", [-5, 0, 9])
def test_only_what_is_accepted_expires(status: AuthorizationStatus, seconds: int, hours: int) -> None:
    """At the instant itself it has expired, in whatever zone it is written; its group stays."""
    until = (NOW + seconds * SECOND).astimezone(timezone(timedelta(hours=hours)))
    came = known(None, info(status, until, "FAMILY"), NOW)
    assert came is not None and came.parent_id_tag == "FAMILY"
    assert came.status == ("Expired" if status == "Accepted" and seconds <= 0 else status)


# May it charge? -------------------------------------------------------------------------------------------------------

OFFLINE = """
    list or cache   LocalAuthorizeOffline  AllowOfflineTxForUnknownId
    -               no                     no                          Invalid
    -               no                     yes                         Accepted
    -               yes                    no                          Invalid
    -               yes                    yes                         Accepted
    Accepted        no                     no                          Invalid
    Accepted        no                     yes                         Accepted
    Accepted        yes                    no                          Accepted
    Accepted        yes                    yes                         Accepted
    Blocked         *                      *                           Blocked
    Expired         *                      *                           Expired
    Invalid         *                      *                           Invalid
    ConcurrentTx    *                      *                           ConcurrentTx
"""


def rows() -> Any:
    """The table above, with each * once as yes and once as no."""
    for line in OFFLINE.strip().splitlines()[1:]:
        status, *keys, decision = line.split()
        for offline, unknown in itertools.product(*[("yes", "no") if key == "*" else (key,) for key in keys]):
            yield status, offline == "yes", unknown == "yes", decision


def test_the_table_is_whole() -> None:
    cases = [row[:3] for row in rows()]
    assert len(cases) == len(set(cases)) == (len(STATUSES) + 1) * 4


@pytest.mark.parametrize(("status", "offline", "unknown", "decision"), list(rows()))
@pytest.mark.parametrize("pre", BOTH)
def test_offline(status: Any, offline: bool, unknown: bool, decision: str, pre: bool) -> None:
    """Core 3.5.2, 3.5.4. LocalPreAuthorize means nothing here."""
    entry = None if status == "-" else info(status)
    came = decide(entry, online=False, pre_authorize=pre, authorize_offline=offline, allow_unknown=unknown)
    assert came == decision


@pytest.mark.parametrize("status", [None, *STATUSES])
@pytest.mark.parametrize(("pre", "offline", "unknown"), list(itertools.product(BOTH, repeat=3)))
def test_online(status: AuthorizationStatus | None, pre: bool, offline: bool, unknown: bool) -> None:
    """Core 3.5.1: only a good tag is let in without a question, and only if the key says so."""
    entry = info(status) if status else None
    came = decide(entry, online=True, pre_authorize=pre, authorize_offline=offline, allow_unknown=unknown)
    assert came == ("Accepted" if (status, pre) == ("Accepted", True) else None)


# A tag is held to the reader ------------------------------------------------------------------------------------------

RUNNING = [None, ("TAG_A", None), ("TAG_A", "FAMILY"), ("FAMILY", None)]
PRESENTED = """
    tag     is known as        nothing  TAG_A    TAG_A/FAMILY  FAMILY
    tag_a   -                  ask      stop     stop          ask
    TAG_A   Blocked            refuse   stop     stop          refuse
    TAG_A   Accepted           start    stop     stop          refuse
    TAG_B   -                  ask      ask      ask           ask
    TAG_B   Accepted           start    refuse   refuse        refuse
    TAG_B   Accepted/family    start    refuse   stop          refuse
    TAG_B   Blocked/FAMILY     refuse   refuse   refuse        refuse
    TAG_B   Accepted/TAG_A     start    refuse   refuse        refuse
    FAMILY  Accepted           start    refuse   refuse        stop
    FAMILY  Accepted/FAMILY    start    refuse   stop          stop
"""


@pytest.mark.parametrize("line", PRESENTED.strip().splitlines()[1:], ids=lambda line: "-".join(line.split()[:2]))
def test_presented(line: str) -> None:
    """Core 3.4, 3.10, 4.1: a group is compared with a group, and an absent one matches nothing."""
    tag, said, *expected = line.split()
    status, _, parent = said.partition("/")
    entry = None if said == "-" else info(status, parent=parent or None)  # type: ignore[arg-type]
    assert [presented(tag, entry, running) for running in RUNNING] == expected


# Whose place? ---------------------------------------------------------------------------------------------------------


def oracle(
    connector: int, tag: str, parent: str | None, reservations: list[Reservation], free: set[int]
) -> tuple[bool, int | None]:
    """By giving places away: each reservation takes its own, or, of no particular one, one that is left."""
    ranked = []
    for each in reservations:
        if each.until > NOW:
            own, group = each.tag.lower() == tag.lower(), bool(parent and each.parent) and each.parent == parent
            ranked.append((not own if own or group else None, each))
    mine_here = sorted((rank, r.id) for rank, r in ranked if rank is not None and r.connector == connector)
    if mine_here:
        return True, mine_here[0][1]
    if any(r.connector == connector for _, r in ranked):
        return False, None
    mine_anywhere = sorted((rank, r.id) for rank, r in ranked if rank is not None and r.connector == 0)
    if mine_anywhere:
        return True, mine_anywhere[0][1]
    places = [place for place in free if place != connector]
    for _, each in ranked:
        if each.connector in places:
            places.remove(each.connector)
    for _, each in ranked:
        if each.connector == 0:
            if not places:
                return False, None
            places.pop()
    return True, None


def test_whose_place_over_random_evenings() -> None:
    """Against the oracle: 5,000 evenings of four connectors, families, and reservations that are over."""
    rng = Random(13)
    tags = {"TAG_A": "FAMILY", "TAG_B": "FAMILY", "TAG_C": None, "FAMILY": None}
    for evening in range(5000):
        made = []
        for number in rng.sample(range(1, 40), rng.randrange(5)):
            tag = rng.choice(list(tags))
            until = NOW + rng.choice([-1, 0, 1, 3600]) * SECOND
            made.append(Reservation(number, rng.choice([0, 0, 1, 2, 3, 4]), tag, rng.choice([None, tags[tag]]), until))
        free = {number for number in range(1, 5) if rng.random() < 0.7}
        connector = rng.choice([1, 2, 3, 4])
        free.add(connector)
        tag = rng.choice(list(tags))
        came = may_use(connector, tag.lower(), tags[tag], made, free, NOW)
        assert came == oracle(connector, tag, tags[tag], made, free), (evening, connector, tag, made, free)


HOUR = NOW + 3600 * SECOND


@pytest.mark.parametrize(
    ("reservations", "free", "expected"),
    [
        ([Reservation(7, 1, "TAG_A", None, HOUR)], {1, 2}, (True, 7)),
        ([Reservation(7, 1, "TAG_B", "family", HOUR)], {1, 2}, (True, 7)),
        ([Reservation(7, 1, "TAG_B", None, HOUR)], {1, 2}, (False, None)),
        ([Reservation(7, 1, "FAMILY", None, HOUR)], {1, 2}, (False, None)),  # a group is no tag
        ([Reservation(7, 1, "TAG_B", None, NOW)], {1, 2}, (True, None)),  # over at the instant itself
        ([Reservation(7, 2, "TAG_B", None, HOUR)], {1, 2}, (True, None)),
        ([Reservation(7, 0, "TAG_B", None, HOUR)], {1, 2}, (True, None)),
        ([Reservation(7, 0, "TAG_B", None, HOUR)], {1}, (False, None)),  # the last free one
        ([Reservation(7, 0, "TAG_B", None, HOUR), Reservation(8, 2, "TAG_C", None, HOUR)], {1, 2}, (False, None)),
        ([Reservation(7, 0, "TAG_A", None, HOUR)], {1}, (True, 7)),
        ([Reservation(9, 1, "TAG_A", None, HOUR), Reservation(7, 0, "TAG_A", None, HOUR)], {1}, (True, 9)),
        ([Reservation(7, 1, "TAG_B", "FAMILY", HOUR), Reservation(9, 1, "TAG_A", None, HOUR)], {1}, (True, 9)),
        ([Reservation(9, 0, "TAG_A", None, HOUR), Reservation(7, 0, "TAG_A", None, HOUR)], {1}, (True, 7)),
    ],
)
def test_whose_place(reservations: list[Reservation], free: set[int], expected: tuple[bool, int | None]) -> None:
    """TAG_A of FAMILY wants to begin on connector 1 (core 5.13)."""
    assert may_use(1, "TAG_A", "FAMILY", reservations, free, NOW) == expected
