"""What a notebook keeps of a widget when JupyterLab saves it: its picture.

A widget lives in a kernel. Saved as such, it says "model not found" tomorrow. So whatever is shown as a widget *and* as
HTML keeps its HTML. A server extension, so that no notebook has to think of it; ``make lab`` switches it on::

    jupyter lab --ServerApp.jpserver_extensions="{'ocpp_course.saving': True}"
"""

from __future__ import annotations

from typing import Any

WIDGET = "application/vnd.jupyter.widget-view+json"


def keep_pictures(content: dict[str, Any]) -> int:
    """Take the widget out of each output of a notebook that has HTML beside it; how many there were.

    The state of widgets that JupyterLab may have put into the metadata goes with them. A widget without HTML stays as
    it is: it is nobody's of ours.
    """
    taken = 0
    for cell in content.get("cells", ()):
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if WIDGET in data and "text/html" in data:
                del data[WIDGET]
                taken += 1
    if taken:
        content.get("metadata", {}).pop("widgets", None)
    return taken


def before_saving(*, model: dict[str, Any], **where: Any) -> None:
    """A ``pre_save_hook`` of Jupyter's contents manager; what is no notebook is let pass."""
    if model.get("type") == "notebook" and isinstance(content := model.get("content"), dict):
        keep_pictures(content)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "ocpp_course.saving"}]


def _load_jupyter_server_extension(server: Any) -> None:
    server.contents_manager.register_pre_save_hook(before_saving)
