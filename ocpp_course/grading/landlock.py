"""`only_these_files`: from here on nothing but the named places can be read, and less be written (Landlock, Linux)."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
import sysconfig
from pathlib import Path

import ocpp_lab

CREATE, ADD, RESTRICT = 444, 445, 446
"""Numbers of the system calls; the same on every architecture."""
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_DIR, REMOVE_FILE, MAKE_DIR, MAKE_FILE = 1 << 4, 1 << 5, 1 << 7, 1 << 8
REFER, TRUNCATE, IOCTL = 1 << 13, 1 << 14, 1 << 15
ALL = (1 << 13) - 1
"""Every right of ABI 1 (linux/landlock.h); whoever is handled and not granted is refused."""
LATER = {2: REFER, 3: TRUNCATE, 5: IOCTL}
"""Rights by the ABI that brought them."""
READS = READ_FILE | READ_DIR
WRITES = WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_FILE | TRUNCATE
"""Files and folders; no links, no pipes, no sockets, no devices."""
OF_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL
TCP = 0b11
"""To listen and to connect (ABI 4)."""
SCOPED = 0b11
"""Abstract Unix sockets of others, and signals to others (ABI 6)."""
PR_SET_NO_NEW_PRIVS = 38


def python_and_package() -> list[Path]:
    """What must be readable for Python to go on: its library, the installed packages, this one, shared libraries."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    library = [Path(sysconfig.get_path(name)) for name in names]
    packages = [Path(ocpp_lab.__file__).parent, Path(__file__).parent.parent]
    return [*library, *packages, *map(Path, ("/usr/lib", "/lib", "/lib64", "/usr/share/zoneinfo"))]


def only_these_files(folder: Path) -> tuple[bool, bool]:
    """Shut this process in: it may use its ``folder``, and read Python and the package.

    Whether writing elsewhere is refused, and whether reading elsewhere is.
    """
    if not sys.platform.startswith("linux"):
        return False, False
    libc = ctypes.CDLL(None, use_errno=True)
    abi = libc.syscall(CREATE, None, 0, 1)
    if abi < 1:
        return False, False
    handled = ALL | sum(right for since, right in LATER.items() if abi >= since)
    asked = struct.pack("=QQQ", handled, TCP, SCOPED)[: 8 if abi < 4 else 16 if abi < 6 else 24]
    rules = libc.syscall(CREATE, ctypes.c_char_p(asked), len(asked), 0)
    if rules < 0:
        return False, False
    for path, rights in _granted(folder):
        _allow(libc, rules, path, rights & handled)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    done = libc.syscall(RESTRICT, rules, 0) == 0
    os.close(rules)
    return done, done


def _granted(folder: Path) -> list[tuple[Path, int]]:
    devices = [(Path("/dev/null"), READ_FILE | WRITE_FILE | TRUNCATE), (Path("/dev/urandom"), READ_FILE)]
    own = [(folder, READS | WRITES), (Path("/proc/self/fd"), READ_DIR)]  # a check counts the files left open
    return [*own, *devices, *((path, READS | EXECUTE) for path in python_and_package())]


def _allow(libc: ctypes.CDLL, rules: int, path: Path, rights: int) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # this system has no such place
    if not path.is_dir():
        rights &= OF_A_FILE
    libc.syscall(ADD, rules, 1, ctypes.c_char_p(struct.pack("=Qi", rights, parent)), 0)
    os.close(parent)
