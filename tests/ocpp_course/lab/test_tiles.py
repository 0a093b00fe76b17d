"""The pictures of the cards."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from ocpp_course.lab import tiles
from ocpp_course.lab.night import NIGHT


@pytest.mark.parametrize("number", [each.number for each in NIGHT])
def test_a_tile_is_a_whole_file_with_colours_of_its_own(number: int) -> None:
    svg = tiles.tile(number)
    assert ElementTree.fromstring(svg).get("width") == "320"
    assert "var(" not in svg and "href" not in svg


def test_every_hour_has_its_own_tile() -> None:
    assert len({tiles.tile(each.number) for each in NIGHT}) == len(NIGHT)
    with pytest.raises(LookupError, match=r"draw its picture in tiles\.py"):
        tiles.tile(12)
