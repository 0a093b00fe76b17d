"""`Disk`: where the files of the simulated machines lie, and what a power cut leaves of them."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
"""A file system in memory, where there is one: sqlite waits for the disk at every statement."""

USUAL = (None, "/tmp", "/var/tmp", "/usr/tmp")
"""What `tempfile` finds by itself, and remembers once anybody has asked: nobody chose it."""


def scratch() -> str | None:
    """Where files that live for seconds may lie: in memory, unless `tempfile` was told of another place."""
    if tempfile.tempdir not in USUAL:
        return tempfile.tempdir
    return str(MEMORY) if os.access(MEMORY, os.W_OK) else None


class Disk:
    """Files in a folder of their own, which `remove` takes away."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="ocpp-lab-", dir=scratch())  # until `remove`
        self._numbers: dict[str, int] = {}  # how many files of a name there were: `path` never gives one twice

    @property
    def folder(self) -> str:
        """Where it all lies."""
        return self._folder.name

    def put(self, name: str, content: bytes) -> None:
        """A file with this content."""
        (Path(self.folder) / name).write_bytes(content)

    def path(self, name: str) -> str:
        """The path of a fresh file."""
        number = self._numbers[name] = self._numbers.get(name, 0) + 1
        return str(Path(self._folder.name) / f"{name}.{number}.db")

    def snapshot(self, name: str, path: str) -> str:
        """What is on the disk at this instant, under a new path: all files whose names begin with the old one.

        What the dying process may still write goes into the old files, which nobody opens again.
        """
        copy = self.path(name)
        for file in Path(path).parent.glob(f"{Path(path).name}*"):
            suffix = file.name.removeprefix(Path(path).name)
            if not suffix.endswith("-shm"):  # sqlite's memory, which goes with the power
                shutil.copyfile(file, copy + suffix)
        return copy

    def open_files(self) -> list[str]:
        """Files of ours that this process has still open, as far as the operating system tells."""
        try:
            numbers = os.listdir("/proc/self/fd")
        except OSError:
            return []
        targets = []
        for number in numbers:
            try:
                targets.append(os.readlink(f"/proc/self/fd/{number}"))
            except OSError:
                continue  # the listing's own
        return sorted({Path(target).name for target in targets if target.startswith(self._folder.name)})

    def remove(self) -> None:
        """Take all files away."""
        self._folder.cleanup()
