"""The rules of tests/conftest.py, each shown to bite: they are checks too, and a check that cannot fail is none."""

from __future__ import annotations

import sys

import pytest

from tests.house import ROOT

CASES = {
    "passes": ("async def test_it():\n    await asyncio.sleep(0)", "1 passed"),
    "fails": ("async def test_it():\n    assert 1 == 2", "assert 1 == 2"),
    "fixture arrives": ("async def test_it(tmp_path):\n    assert tmp_path.is_dir()", "1 passed"),
    "hangs": (
        "@pytest.mark.time_limit(0.1)\nasync def test_it():\n    await asyncio.Event().wait()",
        "did not end within 0.1 s",
    ),
    "own timeout is its own": (
        "async def test_it():\n    async with asyncio.timeout(0.01):\n        await asyncio.Event().wait()",
        "TimeoutError",
    ),
    "leaves a task": (
        "async def test_it():\n    global task\n"
        "    task = asyncio.create_task(asyncio.Event().wait(), name='forgotten')",
        "tasks left at the end of the test: ['forgotten",
    ),
    "raises unheard": (
        "async def test_it():\n    asyncio.get_running_loop().call_soon(lambda: 1 / 0)\n    await asyncio.sleep(0)",
        "raised where nobody listens",
    ),
    "never awaited": ("async def test_it():\n    asyncio.sleep(0)", "was never awaited"),
    "hypothesis passes": ("@given(st.integers())\nasync def test_it(n):\n    await asyncio.sleep(0)", "1 passed"),
    "hypothesis fails": ("@given(st.integers())\nasync def test_it(n):\n    assert n < 5", "test_it(\n"),
    "soak is left out": ("@pytest.mark.soak\ndef test_it(): pass", "1 deselected"),
}

HEAD = "import asyncio\nimport pytest\nfrom hypothesis import given, strategies as st\n\n"

INI = f"""
[pytest]
pythonpath = {ROOT}
filterwarnings = error
addopts = --import-mode=importlib -p no:nbval
markers =
    soak
    browser
    time_limit(seconds)
"""


@pytest.mark.parametrize("name", CASES)
def test_an_async_test_is_run_and_watched(pytester: pytest.Pytester, name: str) -> None:
    """Each case is a test module run by pytest with our conftest."""
    body, expected = CASES[name]
    pytester.makeini(INI)
    pytester.makeconftest((ROOT / "tests" / "conftest.py").read_text())
    pytester.makepyfile(test_case=HEAD + body)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("OCPP_LAB_SOAK", raising=False)
        patch.delitem(sys.modules, "tests.house")  # it has read the variable already
        assert expected in str(pytester.runpytest_inprocess().stdout)
