"""`fit`: what it takes, what it leaves alone, and that whoever judges a piece still finds the learner's."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

import ocpp_lab
from ocpp_course import check, fit
from ocpp_course.checks import step
from ocpp_course.checks.answer import files, is_reference, source
from ocpp_course.checks.authoring import load
from ocpp_course.checks.fitted import MAKERS, OBJECTS
from ocpp_lab import Policy, watch_charge_point
from ocpp_lab import messages as m
from ocpp_lab.central_system import Recording
from ocpp_lab.session import Awaiting, Carrying
from ocpp_lab.tally import Counted, Probes
from tests.fakes import FakePipe
from tests.learner import MINE, MyLedger, MyOutbox
from tests.ocpp_course.checks.answers import authored
from tests.ocpp_course.checks.fitted.nonsense import nonsense
from tests.pair import pair, simulated, simulated_now

OURS: dict[str, Any] = {name: whole for name, (whole, _) in (MAKERS | OBJECTS).items()}


def test_a_name_that_is_no_piece() -> None:
    with pytest.raises(TypeError, match=r"pieces called transport, session, .*, came router"):
        fit(router=object())


@pytest.mark.parametrize("name", OURS)
def test_the_package_s_own_stays_as_it_is(name: str) -> None:
    """So does a class that inherits from it: it is whole already."""
    thin = type("Thin", (OURS[name],), {})
    assert fit(**{name: OURS[name]}) == {name: OURS[name]}
    assert fit(**{name: thin})[name] is thin


def members(protocol: Any) -> set[str]:
    """What the room asks for."""
    names = {name for each in protocol.__mro__ for name in (*vars(each), *vars(each).get("__annotations__", {}))}
    return {name for name in names if not name.startswith("_")} | ({"__len__"} & names)


@simulated
async def test_each_is_whole() -> None:
    """It has all that the room asks for which it goes into, whatever the piece has."""
    pieces = {name: nonsense(name, piece) for name, piece in MINE.items() if name != "delays"}
    make = fit(**pieces, outbox=MyOutbox(), ledger=MyLedger())
    transport, pending = make["transport"](FakePipe()), make["pending"]()
    assert members(Carrying) > members(Probes) > {"queue_depth"} and members(Awaiting) > {"__len__", "spoil", "counts"}
    for protocol, whole in (
        (Carrying, transport),
        (Awaiting, pending),
        (Counted, make["session"](transport, None, pending)),
        (Recording, make["ledger"]),
    ):
        missing = {name for name in members(protocol) if not hasattr(whole, name)}
        assert not missing, f"{type(whole).__name__} lacks {missing}"
    assert members(type(make["outbox"])) >= {"put", "head", "entries", "failed", "delete", "drain", "close", "__len__"}


def test_what_is_fitted_is_not_fitted_again() -> None:
    box = fit(outbox=MyOutbox())["outbox"]
    assert fit(outbox=box)["outbox"] is box
    ours = ocpp_lab.Outbox()
    assert fit(outbox=ours)["outbox"] is ours
    ours.close()


def test_a_function_that_makes_an_object() -> None:
    """For whoever wants one for each path, as a simulation does. What it makes is fitted, unless it is ours."""
    make = fit(outbox=lambda path: MyOutbox() if path == "mine" else ocpp_lab.Outbox())["outbox"]
    assert isinstance(make("mine").piece, MyOutbox)
    ours = make("ours")
    assert type(ours) is ocpp_lab.Outbox
    ours.close()


def test_whoever_judges_it_finds_the_learner_s() -> None:
    """Neither does an adapter make a learner's piece look like the package's, nor the package's like a learner's."""
    this, names = step("4.1"), load(authored("4"), "4.1")
    theirs, fitted = (names["Pending"],), (fit(pending=names["Pending"])["pending"],)
    assert files(fitted) == files(theirs) != set()
    assert source(fitted) == source(theirs)
    assert not is_reference(this, fitted)
    assert is_reference(this, (fit(pending=ocpp_lab.Pending)["pending"],))
    assert is_reference(this, (fit(pending=partial(ocpp_lab.Pending))["pending"],))
    assert check("4.1", fitted[0]).state == "passed"


@simulated
async def test_the_numbers_of_a_charge_point_of_learner_s_pieces() -> None:
    """All series can be read, and each knows what happened, though no piece counts anything of it."""
    pieces = {name: nonsense(name, piece) for name, piece in MINE.items() if name != "delays"}
    whole = fit(**pieces, outbox=nonsense("outbox", MyOutbox)())
    server = {"now": simulated_now}
    async with pair(Policy(interval=100), server, **whole, now=simulated_now) as (central_system, charge_point):
        metrics = watch_charge_point(charge_point)
        await charge_point.wait_for("online")
        await asyncio.sleep(250)
        await central_system["CP_1"].call(m.GetConfigurationRequest(key=["NumberOfConnectors"]))
        page, tally = metrics.snapshot(), charge_point.tally
        assert metrics.value("ocpp_connection_state", state="online") == 1
        assert metrics.value("ocpp_calls_total", action="Heartbeat", outcome="result") == 2
        assert metrics.value("ocpp_frames_total", direction="in", type="call") == 1
        assert abs(metrics.value("ocpp_clock_offset_seconds")) < 1
        assert metrics.value("ocpp_writes_in_flight_max") == 1
        assert page["ocpp_outbox_depth"] == 0
        sent = sum(len(event.text.encode()) for event in charge_point.trace if event.mark == ">")
        assert metrics.value("ocpp_frame_bytes_total", direction="out") == sent
    assert tally.imbalance() == {} and tally.pending() == 0 and not tally.sessions
