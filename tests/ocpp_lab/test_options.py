"""The groups of a charge point's options: each by its group or by its own name, and nothing that no group knows."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from ocpp_lab import ChargePoint, Session
from ocpp_lab.charge_point import ChargingOptions, Connecting, Pieces, Security, Surroundings
from ocpp_lab.charge_point.options import filled, refuse


def test_by_its_own_name() -> None:
    """What is another group's stays for that one; the group as it was is not changed."""
    options = {"timeout": 5.0, "password": "ff" * 16, "max_size": 1000}
    group = Connecting(retry_interval=7.0)
    assert filled(group, options) == Connecting(timeout=5.0, retry_interval=7.0, max_size=1000)
    assert options == {"password": "ff" * 16}
    assert group == Connecting(retry_interval=7.0)
    with pytest.raises(FrozenInstanceError):
        group.timeout = 1.0  # type: ignore[misc]


def test_what_no_group_knows() -> None:
    """The message names what there is: the commonest mistake is a typo."""
    refuse({})
    with pytest.raises(
        TypeError, match=r"point \(password, ssl, .*, timeout, .*, set_clock\), came conectors, pasword"
    ):
        refuse({"conectors": 2, "pasword": "x"})


async def test_both_ways_are_one() -> None:
    """A group, a name, and a name that overrides its group."""
    grouped = ChargePoint(
        "ws://127.0.0.1:9",
        "CP_1",
        security=Security(password="ff" * 16),
        connecting=Connecting(timeout=5.0, ping_interval=None),
        charging=ChargingOptions(connectors=3),
        pieces=Pieces(session=Session),
        surroundings=Surroundings(ids=iter("abc")),
    )
    named = ChargePoint(
        "ws://127.0.0.1:9",
        "CP_1",
        connecting=Connecting(timeout=1.0, ping_interval=None),
        password="ff" * 16,
        timeout=5.0,
        connectors=3,
        session=Session,
        ids=iter("abc"),
    )
    for each in (grouped, named):
        assert each.dialler.password == "ff" * 16
        assert (each.gate.timeout, each.dialler.options["ping_interval"], len(each.connectors)) == (5.0, None, 4)
        await each.stop()


def test_a_number_of_connectors_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="at least 1 connector, came 0"):
        ChargingOptions(connectors=0)
