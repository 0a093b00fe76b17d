"""A saved notebook holds pictures of widgets, and no widgets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ocpp_course import saving
from ocpp_course.saving import WIDGET, before_saving, keep_pictures


def notebook(**data: Any) -> dict[str, Any]:
    output = {"output_type": "display_data", "data": data, "metadata": {}}
    state = {"application/vnd.jupyter.widget-state+json": {}}
    cells = [{"cell_type": "markdown", "source": ""}, {"cell_type": "code", "source": "panel", "outputs": [output]}]
    return {"cells": cells, "metadata": {"widgets": state}}


def kept(content: dict[str, Any]) -> set[str]:
    return set(content["cells"][1]["outputs"][0]["data"])


def test_a_widget_with_a_picture_becomes_the_picture() -> None:
    content = notebook(**{WIDGET: {"model_id": "1"}, "text/html": "<img>", "text/plain": "a panel"})
    assert keep_pictures(content) == 1
    assert kept(content) == {"text/html", "text/plain"} and "widgets" not in content["metadata"]
    assert keep_pictures(content) == 0


def test_a_widget_without_a_picture_is_left_alone() -> None:
    content = notebook(**{WIDGET: {"model_id": "1"}, "text/plain": "IntSlider()"})
    assert keep_pictures(content) == 0
    assert WIDGET in kept(content) and "widgets" in content["metadata"]


@pytest.mark.parametrize("model", [{"type": "file", "content": "text"}, {"type": "notebook", "content": None}, {}])
def test_what_is_no_notebook_is_let_pass(model: dict[str, Any]) -> None:
    before = json.dumps(model)
    before_saving(model=model, path="a", contents_manager=None)
    assert json.dumps(model) == before


def test_jupyter_calls_it_when_it_saves(tmp_path: Path) -> None:
    """With Jupyter's own contents manager, as the extension registers it."""
    nbformat = pytest.importorskip("nbformat")
    from jupyter_server.services.contents.filemanager import FileContentsManager

    manager = FileContentsManager(root_dir=str(tmp_path))
    saving._load_jupyter_server_extension(type("Server", (), {"contents_manager": manager}))
    content = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(
                "panel",
                outputs=[nbformat.v4.new_output("display_data", {WIDGET: {"model_id": "1"}, "text/html": "<p>it</p>"})],
            )
        ]
    )
    manager.notary.db_file = ":memory:"
    manager.save({"type": "notebook", "format": "json", "content": content}, "panel.ipynb")
    manager.notary.store.close()
    stored = json.loads((tmp_path / "panel.ipynb").read_text(encoding="utf-8"))
    assert stored["cells"][0]["outputs"][0]["data"] == {"text/html": ["<p>it</p>"]}
    assert saving._jupyter_server_extension_points() == [{"module": saving.__name__}]
