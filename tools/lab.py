"""JupyterLab on START: one line in the terminal, no question about news, and what it opens is trusted.

Usage: lab.py [options of JupyterLab]. A fresh clone is not trusted, and JupyterLab then shows neither the styles nor
the scripts of outputs that are already there; these notebooks are our own, so they are signed before it starts.
Errors are still logged. A port that is taken is no trouble: the next one is used, and the line says which.
"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

import nbformat
from jupyterlab.labapp import LabApp
from nbformat.sign import NotebookNotary

ROOT = Path(__file__).resolve().parent.parent
PAGE = "lab/tree/START.ipynb"
SETTINGS = Path(__file__).resolve().parent / "settings"
"""Other defaults than JupyterLab's: no news, no question about them, no look for updates. What a user has set stays."""
QUIET = ["--log-level=ERROR", "--ExtensionApp.log_level=ERROR", "--LabApp.log_level=ERROR"]


def main(arguments: list[str]) -> int:
    trust(ROOT)
    server = LabApp.initialize_server([*options(ROOT), *arguments])
    token = server.identity_provider.token
    print(f"== JupyterLab: {server.connection_url}{PAGE}{f'?token={token}' if token else ''}")
    print("== stop it with Ctrl-C twice", flush=True)
    server.start()
    return 0


def options(root: Path) -> list[str]:
    """For the command line of JupyterLab. A token of our own, because it tells a token of its own in five lines."""
    place = [f"--ServerApp.root_dir={root}", f"--LabApp.default_url=/{PAGE}"]
    token = [] if os.environ.get("JUPYTER_TOKEN") else [f"--IdentityProvider.token={secrets.token_hex(24)}"]
    as_root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    saving = "--ServerApp.jpserver_extensions={'ocpp_course.saving': True}"  # of a widget its picture is saved
    encrypted = "--KernelManager.transport_encryption=auto"  # without it each kernel warns in the terminal
    return [*place, saving, encrypted, f"--LabApp.app_settings_dir={SETTINGS}", *token, *QUIET, *as_root]


def trust(root: Path) -> int:
    """Sign START, the notebooks and the exercises, as `jupyter trust` does; returns how many could be."""
    notary, signed = NotebookNotary(), 0
    for path in [
        root / "START.ipynb",
        *sorted(root.glob("notebooks/*.ipynb")),
        *sorted(root.glob("exercises/*.ipynb")),
    ]:
        try:
            notebook = nbformat.read(path, as_version=4)
        except (OSError, ValueError, nbformat.reader.NotJSONError) as error:  # JupyterLab says more when it is opened
            print(f"== not trusted, because it cannot be read: {path.name} ({error})", file=sys.stderr)
            continue
        notary.sign(notebook)
        signed += 1
    return signed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
