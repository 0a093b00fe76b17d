"""Who knocks, and in which protocol (J-spec 3.1.1, 3.2)."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from ocpp_lab.central_system.door import choose_subprotocol, identity_of
from ocpp_lab.pipe import SUBPROTOCOL


@pytest.mark.parametrize(
    ("path", "identity"),
    [
        ("/CP_1", "CP_1"),
        ("/RDAM%20123", "RDAM 123"),  # the specification's example
        ("/ocpp/central/CP_1", "CP_1"),
        ("//CP_1", "CP_1"),  # an endpoint that ended in a slash
        ("/ocpp//CP_1", "CP_1"),
        ("/a%2Fb", "a/b"),  # an encoded slash is part of the identity
        ("/CP_1?token=x", "CP_1"),
        ("/CP_1?redirect=/CP_2", "CP_1"),
        ("/CP%5F1", "CP_1"),
        ("/CP+1", "CP+1"),  # a plus is a plus in a path
        ("/S%C3%A4ule", "Säule"),
        ("/%F0%9F%94%8C", "🔌"),
    ],
)
def test_the_identity_is_the_last_segment(path: str, identity: str) -> None:
    """J-spec 3.1.1: percent-decoded."""
    assert identity_of(path) == identity


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/ocpp/",
        "/?id=CP_1",
        "/a:b",  # HTTP Basic could not tell where the user ends
        "/a%3Ab",
        "/%FF%FE",  # no UTF-8
        "/%00",
        "/a%0Ab",  # a line break would forge the log
        "/%E2%80%AE",  # so would a change of direction
    ],
)
def test_no_identity(path: str) -> None:
    """None, and the door stays shut (404)."""
    assert identity_of(path) is None


@pytest.mark.parametrize("identity", ["RDAM 123", "a/b", "Säule?#&", "100%", "🔌"])
def test_what_a_charge_point_encodes_is_read_back(identity: str) -> None:
    assert identity_of(f"/ocpp/{quote(identity, safe='')}") == identity


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["ocpp1.6"], "ocpp1.6"),
        (["ocpp2.0.1", "ocpp1.6"], "ocpp1.6"),
        (["ocpp1.6", "ocpp2.0.1"], "ocpp1.6"),
        (["ocpp2.0.1"], None),
        (["ocpp1.5"], None),
        (["OCPP1.6"], None),  # RFC 6455 4.1: names are compared as they are
        ([], None),
    ],
)
def test_the_subprotocol(offered: list[str], chosen: str | None) -> None:
    """J-spec 3.2: none in common finishes the handshake without one; whoever accepted then closes."""
    assert choose_subprotocol(offered) == chosen
    assert SUBPROTOCOL == "ocpp1.6"
