"""Two wheels of our own for the kernel in a tab: its settings, and an empty one in place of a large one.

*Settings*: it imports the stack before a reader's first line runs, so that what a tab lacks is put in also for those
who import `prometheus_client` first. What a wheel calls data, Pyodide lays below ``sys.prefix``, where IPython looks
for settings.

*jedi*: the kernel insists on a package of that name, which is a quarter of all that would be sent before the first
cell. IPython completes names without it, from the objects that are there.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

SETTINGS = """c = get_config()
c.InteractiveShellApp.exec_lines = ["import ocpp_lab; del ocpp_lab", "get_ipython().Completer.use_jedi = False"]
"""
WHEEL = "Wheel-Version: 1.0\nGenerator: make site\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def wheels(folder: Path) -> list[Path]:
    """Write both there; the same bytes each time."""
    folder.mkdir(parents=True, exist_ok=True)
    return [
        _wheel(folder, "ocpp_lab_kernel", {"data/etc/ipython/ipython_config.py": SETTINGS}),
        _wheel(folder, "jedi", {}),
    ]


def _wheel(folder: Path, name: str, data: dict[str, str]) -> Path:
    files = {f"{name}-0.data/{path}": text for path, text in data.items()}
    files[f"{name}-0.dist-info/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: 0\n"
    files |= {f"{name}-0.dist-info/WHEEL": WHEEL, f"{name}-0.dist-info/RECORD": ""}
    made = folder / f"{name}-0-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as opened:
        for path, text in files.items():
            opened.writestr(zipfile.ZipInfo(path), text)
    return made
