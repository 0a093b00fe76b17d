"""Each test begins as a new notebook does: nothing has passed yet."""

from __future__ import annotations

import gc
import warnings

import pytest

from ocpp_course.checks import course


@pytest.fixture(autouse=True)
def nothing_passed() -> None:
    course._here.clear()


def pytest_sessionfinish() -> None:
    """Answers that forget an `await` leave coroutines behind, and Python complains of those at its end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        gc.collect()
