"""Each test begins as a new notebook does: nothing has passed yet. `make test` samples the wrong answers."""

from __future__ import annotations

import gc
import warnings

import pytest

from ocpp_course.checks import course
from tests.house import SOAK

EVERY = 5
"""Of the wrong answers, which are tried outside `make soak`; with ``-k 4.1`` all of that step."""
ALL_TOGETHER = "test_nobody_is_told_the_mistake_of_another"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave two of three wrong answers to `make soak`, and what needs all of them."""
    if SOAK or config.option.keyword:
        return
    wrong = [item for item in items if _is_wrong(item)]
    left = {*wrong} - {*wrong[::EVERY]} | {item for item in items if item.name.startswith(ALL_TOGETHER)}
    config.hook.pytest_deselected(items=[item for item in items if item in left])
    items[:] = [item for item in items if item not in left]


def _is_wrong(item: pytest.Item) -> bool:
    variant = item.callspec.params.get("variant") if hasattr(item, "callspec") else None
    return bool(variant and variant.diagnosis)


@pytest.fixture(autouse=True)
def nothing_passed() -> None:
    course._here.clear()


def pytest_sessionfinish() -> None:
    """Answers that forget an `await` leave coroutines behind, and Python complains of those at its end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        gc.collect()
