"""Each test begins as a new notebook does: nothing has passed yet."""

from __future__ import annotations

import pytest

from ocpp_course.checks import course


@pytest.fixture(autouse=True)
def nothing_passed() -> None:
    course._here.clear()
