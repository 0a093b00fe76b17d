"""Which lines of a trace tell of a connection's state."""

from __future__ import annotations

import pytest

from ocpp_course.lab.changes import change
from ocpp_lab.trace import Event


def test_a_line_says_from_where_to_where_and_why() -> None:
    assert change(Event(1.0, "CP_1", "=", "online → waiting (lost)")) == ("online", "waiting", "lost")
    assert change(Event(1.0, "CP_1", "=", "online → waiting")) == ("online", "waiting", "")


@pytest.mark.parametrize(
    ("mark", "text"),
    [
        ("=", "connector 1: Available → Preparing"),
        ("=", "Available → Preparing (plug)"),
        ("=", "power cut"),
        (">", "online → waiting (lost)"),
    ],
)
def test_any_other_line_says_nothing_of_it(mark: str, text: str) -> None:
    assert change(Event(1.0, "CP_1", mark, text)) is None
