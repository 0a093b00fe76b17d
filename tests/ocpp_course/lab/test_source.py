"""`lab.source` shows the package's lines as they are, and says where they stand."""

from __future__ import annotations

import inspect
from itertools import islice
from typing import Any

import pytest

from ocpp_course import lab
from ocpp_lab import Transport
from ocpp_lab.errors import NotConnected


def test_it_is_the_code_that_runs_and_names_its_file() -> None:
    shown = lab.source(Transport.send)
    assert shown.file == "ocpp_lab/transport.py"
    assert repr(shown).startswith("# ocpp_lab/transport.py\nasync def send(self")
    running = {line.strip() for line in inspect.getsource(Transport.send).splitlines()}
    assert {line.strip() for line in shown.code.splitlines()} <= running


def test_docstrings_are_left_out_and_nothing_else() -> None:
    shown = lab.source(Transport)
    assert Transport.__doc__ is not None and Transport.__doc__[:40] not in shown.code
    assert '"""' not in "".join(islice(shown.code.splitlines(), 1, 3))
    compile(shown.code, "shown", "exec")


def test_a_class_that_is_only_a_docstring_keeps_it() -> None:
    """Without it there would be no body."""
    compile(lab.source(NotConnected).code, "shown", "exec")


def test_html_is_coloured_and_nothing_in_it_is_a_tag() -> None:
    page = lab.source(Transport.send)._repr_html_()
    assert '<span class="k">' in page or '<span class="k' in page
    assert "ocpp_lab/transport.py" in page


@pytest.mark.parametrize("thing", [len, 7, inspect.getsource])
def test_what_is_not_ours_is_refused(thing: Any) -> None:
    with pytest.raises(TypeError, match="expected a function, a method or a class of the package, came"):
        lab.source(thing)
