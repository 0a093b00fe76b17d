"""Settings of `pytest --nbval` for every notebook; here because nbval has no ini options.

They take effect only when nbval is loaded: the package tests run with ``-p no:nbval``, which saves 2 s.
"""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]  # for tests/test_conftest.py; pytest accepts it nowhere but here

CELL_TIMEOUT = 60
"""Seconds. nbval's own default is 2000, also for a kernel that died."""


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if not config.pluginmanager.hasplugin("nbval"):
        return
    config.option.nbval_cell_timeout = CELL_TIMEOUT
    config.option.nbval_current_env = True  # this Python, not whatever a kernel named python3 may be
    config.option.nbval_sanitize_with = str(Path(__file__).parent / "notebooks" / "sanitize.cfg")
