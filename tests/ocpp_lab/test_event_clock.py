"""`EventClock`: the central system's time, and timestamps that never repeat or go back (core 4.2, 4.6)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ocpp_lab import messages as m
from ocpp_lab.charge_point.event_clock import MILLISECOND, EventClock, corrected, plausible
from ocpp_lab.errors import StoreFailed
from ocpp_lab.store import Store
from tests.fakes import NOON, Failing, power_cut
from tests.simulated import simulated

HOUR, YEAR = timedelta(hours=1), timedelta(days=365)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


class Clocks:
    """Ours and the central system's; both run with `time`, each can be set. ``restart()`` reads what is in the file."""

    def __init__(self, store: Store | None = None, **options: Any) -> None:
        self.store = store or Store()
        self.options = options
        self.time = 0.0
        self.ours = self.central = timedelta()  # beyond `time`
        self.restart()

    def restart(self) -> None:
        self.clock = EventClock(self.store, self.our_time, **self.options)

    def our_time(self) -> datetime:
        return NOON + seconds(self.time) + self.ours

    def central_time(self) -> datetime:
        return NOON + seconds(self.time) + self.central

    def tell(self) -> None:
        """As an answer does: in whole milliseconds. Not at a whole second, which might be told by a coarse clock."""
        if self.central_time().microsecond < 1000:
            self.time += 0.002
        told = self.central_time()
        self.clock.hear(told.replace(microsecond=told.microsecond // 1000 * 1000))


# What may be believed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "ours", "believed"),
    [
        ("2030-06-01T12:00:00+00:00", "2030-06-01T12:00:00+00:00", True),
        ("2030-06-01T12:00:00+00:00", "2030-06-01T09:00:00+00:00", True),
        ("2030-06-01T12:00:00+00:00", "2028-01-01T00:00:00+00:00", True),  # it lay in a store
        ("2030-06-01T12:00:00+00:00", "2039-01-01T00:00:00+00:00", True),
        ("2030-06-01T12:00:00+00:00", "1970-01-01T00:00:07+00:00", True),  # ours was never set (core 4.2.1)
        ("2030-06-01T12:00:00+00:00", "2000-01-01T00:00:07+00:00", True),
        ("1970-01-01T00:00:07+00:00", "2030-06-01T12:00:00+00:00", False),  # theirs was never set
        ("1970-01-01T00:00:07+00:00", "1970-01-01T00:00:00+00:00", False),  # neither was
        ("2017-09-27T23:59:59+00:00", "2017-09-28T00:00:00+00:00", False),  # before the edition
        ("2010-10-15T12:00:00+00:00", "2030-06-01T12:00:00+00:00", False),  # 1,024 weeks
        ("2050-01-15T12:00:00+00:00", "2030-06-01T12:00:00+00:00", False),
        ("0001-01-01T00:00:00+00:00", "2030-06-01T12:00:00+00:00", False),
        ("0001-01-01T00:00:00+14:00", "2030-06-01T12:00:00+00:00", False),  # in UTC the year 0
        ("9999-12-31T23:59:59+00:00", "2030-06-01T12:00:00+00:00", False),
        ("9999-12-31T23:59:59-14:00", "1970-01-01T00:00:00+00:00", False),
        ("2117-09-28T00:00:00+00:00", "1970-01-01T00:00:00+00:00", False),  # a century after the edition
    ],
)
def test_what_is_plausible(told: str, ours: str, believed: bool) -> None:
    assert plausible(at(told), at(ours)) is believed


@given(
    st.datetimes(timezones=st.sampled_from([None, UTC, timezone(timedelta(hours=14)), timezone(-timedelta(hours=14))]))
)
def test_no_time_kills(told: datetime) -> None:
    """Whatever is told, heard or not: an event that follows has a timestamp within ten years of our clock."""
    clocks = Clocks()
    clocks.clock.hear(told)
    assert abs(clocks.clock.stamp() - NOON) <= 10 * YEAR + timedelta(days=3)


def test_ten_years_from_our_own_clock() -> None:
    """Not from the time that was told before: nobody is led away step by step."""
    clocks = Clocks()
    for years in range(1, 40):
        clocks.clock.hear(NOON + years * YEAR)
    assert clocks.clock.now() == NOON + 10 * YEAR


def test_a_time_without_an_offset_is_utc() -> None:
    clocks = Clocks()
    clocks.clock.hear((NOON + HOUR).replace(tzinfo=None))
    assert clocks.clock.now() == NOON + HOUR


# The offset -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offset", "told", "round_trip", "expected"),
    [
        (0.0, 3600.0, 0.0, 3600.0),
        (0.0, 3600.0, 10.0, 3605.0),  # at the middle of the round trip
        (3600.0, -60.0, 2.0, -59.0),
        # What may be right stays: the time was told somewhere on the way.
        (0.0, -9.9, 10.0, 0.0),
        (0.0, -0.001, 10.0, 0.0),
        (3600.0, 3595.0, 10.0, 3600.0),
        (0.0, -10.1, 10.0, -5.1),
        (0.0, 0.1, 10.0, 5.1),
        # It is told in whole milliseconds,
        (0.0, -0.001, 0.0, 0.0),
        (0.0, -0.002, 0.0, -0.002),
        # or in whole seconds.
        (0.7, 0.0, 0.0, 0.7),
        (1.7, 0.0, 0.0, 0.0),
    ],
)
def test_the_offset(offset: float, told: float, round_trip: float, expected: float) -> None:
    """``told`` is in seconds after the instant at which the answer came."""
    came = corrected(seconds(offset), NOON + seconds(told), NOON, seconds(round_trip))
    assert came == seconds(expected)


def test_a_coarse_clock_comes_to_rest() -> None:
    """One that tells whole seconds does not set ours at each heartbeat."""
    clocks, set_to = Clocks(), []
    clocks.central = seconds(100.25)
    for n in range(200):
        clocks.time = 17.31 * n
        clocks.clock.hear(clocks.central_time().replace(microsecond=0))
        set_to.append(clocks.clock.offset)
    assert len(set(set_to)) < 15 and len(set(set_to[100:])) == 1
    assert abs(set_to[-1] - clocks.central) < seconds(0.05)


def test_it_may_be_switched_off() -> None:
    """Then our clock counts, and what an earlier life was told does not; timestamps are what they are all the same."""
    store = Store()
    believing = Clocks(store)
    believing.clock.hear(NOON + HOUR)
    assert believing.clock.now() == NOON + HOUR
    own = Clocks(store, settable=False)
    own.clock.hear(NOON - HOUR)
    assert own.clock.now() == NOON and own.clock.stamp() == NOON
    own.ours = -HOUR
    assert own.clock.stamp() == NOON + MILLISECOND


# Timestamps -----------------------------------------------------------------------------------------------------------


def test_set_back() -> None:
    """The clock goes back, timestamps do not; they go on by milliseconds until the clock has caught up."""
    clocks = Clocks()
    assert clocks.clock.stamp() == NOON
    clocks.clock.hear(NOON - seconds(10))
    assert clocks.clock.now() == NOON - seconds(10)
    assert [clocks.clock.stamp() - NOON for _ in range(3)] == [n * MILLISECOND for n in (1, 2, 3)]
    clocks.time = 10.004
    assert clocks.clock.stamp() - NOON == 4 * MILLISECOND
    clocks.time = 11
    assert clocks.clock.stamp() - NOON == seconds(1)


JUMPS = st.sampled_from([-86_400.0, -3600.0, -1.5, -0.0004, 0.0004, 1.5, 3600.0, 86_400.0, 400 * 86_400.0, 20e8])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("event"), st.integers(1, 4)),
        st.tuples(st.just("wait"), st.floats(0.0, 1e4)),
        st.tuples(st.just("told"), st.none()),
        st.tuples(st.just("absurd"), st.sampled_from(["0001-01-01T00:00Z", "1970-01-01T00:00Z", "9999-12-31T23:59Z"])),
        st.tuples(st.just("our clock jumps"), JUMPS),
        st.tuples(st.just("their clock jumps"), JUMPS),
        st.tuples(st.just("restart"), st.none()),
    ),
    max_size=40,
)


@given(STEPS)
@example([("event", 1), ("their clock jumps", -3600.0), ("told", None), ("restart", None), ("event", 2)])
@example([("their clock jumps", 3600.0), ("told", None), ("event", 1), ("restart", None), ("event", 2)])
@example([("event", 3), ("our clock jumps", -20e8), ("restart", None), ("event", 1)])
def test_no_timestamp_repeats_or_goes_back(steps: list[tuple[str, Any]]) -> None:
    """Whatever happens to both clocks and to the power. As they are sent: in milliseconds."""
    clocks = Clocks()
    stamps: list[datetime] = []
    for step, value in steps:
        match step:
            case "event":
                stamps += [clocks.clock.stamp() for _ in range(value)]
            case "wait":
                clocks.time += value
            case "told":
                clocks.tell()
            case "absurd":
                clocks.clock.hear(at(value))
            case "our clock jumps":
                clocks.ours += seconds(value)
            case "their clock jumps":
                clocks.central += seconds(value)
            case "restart":
                clocks.restart()
    sent = [stamp.isoformat(timespec="milliseconds") for stamp in stamps]
    assert sent == sorted(set(sent))


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("events"), st.integers(1, 20)),
            st.tuples(st.just("wait"), st.floats(1.0, 1e5)),
            st.tuples(st.just("our clock jumps"), st.floats(-1e6, 1e6)),
            st.tuples(st.just("their clock jumps"), st.floats(0.0, 1e6)),
            st.tuples(st.just("restart"), st.none()),
        ),
        max_size=30,
    )
)
def test_an_event_happens_when_the_central_system_says(steps: list[tuple[str, Any]]) -> None:
    """Told after every jump, and never set back: the nth event of one instant is within n milliseconds of its clock."""
    clocks, ties = Clocks(), 0
    for step, value in steps:
        match step:
            case "events":
                for _ in range(value):
                    ties += 1
                    assert abs(clocks.clock.stamp() - clocks.central_time()) <= ties * MILLISECOND
            case "wait":
                clocks.time, ties = clocks.time + value, 0
            case "our clock jumps":
                clocks.ours = seconds(value)
            case "their clock jumps":
                clocks.central += seconds(value)
            case "restart":
                clocks.restart()
        clocks.tell()


# The file -------------------------------------------------------------------------------------------------------------


def test_offset_and_newest_timestamp_survive(tmp_path: Path) -> None:
    """A clock that was wrong before the power cut is as wrong after it."""
    path = str(tmp_path / "cp.db")
    clocks = Clocks(Store(path))
    clocks.clock.hear(NOON + HOUR)
    assert clocks.clock.stamp() == NOON + HOUR
    again = Clocks(left := Store(power_cut(path)))
    assert again.clock.now() == NOON + HOUR
    assert again.clock.stamp() == NOON + HOUR + MILLISECOND
    left.close()
    clocks.store.close()


def test_written_together_with_its_event() -> None:
    """Undone with it: a timestamp is on the disk if, and only if, its event is. Nobody else gets it in this life."""
    clocks = Clocks()
    with pytest.raises(KeyError), clocks.store.transaction():
        assert clocks.clock.stamp() == NOON
        raise KeyError
    assert clocks.store.execute("SELECT newest FROM clock") == [(None,)]
    with clocks.store.transaction():
        assert clocks.clock.stamp() == NOON + MILLISECOND
    assert clocks.store.execute("SELECT newest FROM clock") == [((NOON + MILLISECOND).isoformat(),)]


def test_a_disk_that_fails() -> None:
    """An event that is written down needs it, and has not happened; a status is told all the same, once."""
    clocks = Clocks()
    clocks.store.before = Failing(2)
    with pytest.raises(StoreFailed), clocks.store.transaction():
        clocks.clock.stamp()
    clocks.store.before = Failing(1, once=False)
    assert [clocks.clock.stamp() - NOON for _ in range(2)] == [MILLISECOND, 2 * MILLISECOND]
    clocks.store.before = Failing(0)
    clocks.restart()
    assert clocks.clock.stamp() == NOON  # of which nobody has a copy: none of the others was written down


def test_an_offset_that_cannot_be_written_is_not_taken() -> None:
    """Written, then done; the next answer brings it again."""
    clocks = Clocks()
    clocks.central = HOUR
    clocks.store.before = Failing(1)
    clocks.tell()
    assert clocks.clock.now() == clocks.our_time()
    clocks.tell()
    assert clocks.clock.now() == clocks.our_time() + HOUR


def test_nothing_is_written_while_the_clocks_agree() -> None:
    clocks = Clocks()
    clocks.store.before = Failing(1, once=False)
    for n in range(5):
        clocks.time = n * 60.123_456
        clocks.tell()
    assert clocks.store.before.count == 0  # type: ignore[attr-defined]


# Who tells the time ---------------------------------------------------------------------------------------------------


@simulated
async def test_which_answers_are_heard() -> None:
    """A Heartbeat's, and a boot's if it is Accepted (core 4.2); measured at the middle of the round trip."""
    answers: dict[str, tuple[Any, Any, timedelta]] = {
        "a heartbeat": (m.HeartbeatRequest(), m.HeartbeatResponse(current_time=NOON + HOUR), HOUR - seconds(5)),
        **{
            f"a boot that is {status}": (
                m.BootNotificationRequest(charge_point_vendor="Lab", charge_point_model="One"),
                m.BootNotificationResponse(status=status, current_time=NOON + HOUR, interval=0),
                expected,
            )
            for status, expected in {
                "Accepted": HOUR - seconds(5),
                "Pending": timedelta(),
                "Rejected": timedelta(),
            }.items()
        },
        "any other": (m.ClearCacheRequest(), m.ClearCacheResponse(status="Accepted"), timedelta()),
    }
    for what, (request, response, expected) in answers.items():
        begun = asyncio.get_running_loop().time()
        clock = EventClock(Store(), lambda begun=begun: NOON + seconds(asyncio.get_running_loop().time() - begun))

        async def call(asked: Any, *, timeout: float) -> Any:
            assert (asked, timeout) == (request, 7.0)  # noqa: B023 - it is called at once
            await asyncio.sleep(10)
            return response  # noqa: B023

        assert await clock.listening(call)(request, timeout=7.0) is response
        assert abs(clock.offset - expected) < MILLISECOND, what
