"""How the tests run: async tests without a plugin, nothing left behind, the long ones only in `make soak`."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from ocpp_lab.memory_network import MemoryNetwork
from tests.house import SOAK

# `make test` runs the same examples every time; `make soak` looks for new ones and prints how to repeat a failure.
_SLOW = [HealthCheck.too_slow]
settings.register_profile("test", deadline=None, derandomize=True, database=None, suppress_health_check=_SLOW)
settings.register_profile("soak", deadline=None, max_examples=300, print_blob=True, suppress_health_check=_SLOW)
settings.load_profile("soak" if SOAK else "test")

os.environ["no_proxy"] = "*"  # websockets would ask http_proxy for the hosts of a simulated network

TIME_LIMIT = 30.0
"""Seconds that an async test may take; a hung session must not hang the run."""

GRACE = 10
"""Turns of the loop in which tasks that were cancelled or have just been served may end."""


MEMORY = "--memory-network"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(MEMORY, action="store_true", help="servers and connections in memory instead of sockets")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what belongs to `make soak`, unless this is it; and what needs sockets, if there are none."""
    if config.getoption(MEMORY):
        for item in items:
            if needs := item.get_closest_marker("sockets"):
                item.add_marker(pytest.mark.skip(reason=f"needs sockets: {needs.args[0]}"))
    if SOAK:
        return
    long = [item for item in items if item.get_closest_marker("soak") or item.get_closest_marker("browser")]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in long]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run ``async def test_*`` in a loop of its own, also under hypothesis (then one loop for each example)."""
    seconds = limit.args[0] if (limit := pyfuncitem.get_closest_marker("time_limit")) else TIME_LIMIT
    memory = bool(pyfuncitem.config.getoption(MEMORY))
    test = pyfuncitem.obj
    if hypothesis := getattr(test, "hypothesis", None):
        if inspect.iscoroutinefunction(hypothesis.inner_test):
            hypothesis.inner_test = _in_a_loop(hypothesis.inner_test, seconds, memory)
        return None
    if not inspect.iscoroutinefunction(test):
        return None
    names = inspect.signature(test).parameters
    _in_a_loop(test, seconds, memory)(**{name: pyfuncitem.funcargs[name] for name in names})
    return True


def _in_a_loop(test: Callable[..., Coroutine[Any, Any, None]], seconds: float, memory: bool) -> Callable[..., None]:
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(_watched(test(*args, **kwargs), seconds, memory), debug=False)

    run.__name__ = test.__name__  # hypothesis prints it with the failing example
    return run


async def _watched(test: Coroutine[Any, Any, None], seconds: float, memory: bool) -> None:
    """Await the test, perhaps with a network in memory.

    Fail it if it hangs, leaves a task behind, or something raised where nobody listens.
    """
    unheard: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: unheard.append(_describe(context)))
    if memory:
        MemoryNetwork(loop).install()
    try:
        async with asyncio.timeout(seconds) as limit:
            await test
    except TimeoutError:
        if limit.expired():
            pytest.fail(f"the test did not end within {seconds:g} s; other tasks: {await _left() or 'none'}")
        raise
    if left := await _left():
        pytest.fail(f"tasks left at the end of the test: {left}; close or cancel what started them")
    if unheard:
        pytest.fail("raised where nobody listens:\n" + "\n".join(unheard))


async def _left() -> list[str]:
    """The names of the tasks that still run after a few turns of the loop."""
    for _ in range(GRACE):
        await asyncio.sleep(0)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    return sorted(f"{task.get_name()} ({task.get_coro()!r})" for task in others)


def _describe(context: dict[str, Any]) -> str:
    error = context.get("exception")
    return f"{context['message']}: {error!r}" if error else context["message"]
