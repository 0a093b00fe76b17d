"""`Sandbox`: what a submission may do: compute, for a while, in a folder of its own, without network.

Limits that every Unix has: time, memory, file size, processes. Where Linux allows it without privileges, also a network
and a process table of its own (namespaces) and no writing outside its folder (Landlock). `Walls` says which hold.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
"""Numbers of the system calls; the same on every architecture."""
WRITES = sum(1 << bit for bit in (1, 4, 5, 6, 7, 8, 9, 10, 11, 12))
"""Landlock's rights to write a file, to remove, and to make anything (linux/landlock.h, ABI 1)."""
TRUNCATE = 1 << 14
"""ABI 3."""
NOBODY = 65534
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38


@dataclass(frozen=True)
class Limits:
    """``seconds`` of real time, ``cpu`` seconds of computing, bytes of ``memory`` and per ``file``, ``processes``."""

    seconds: float = 60.0
    cpu: int = 30
    memory: int = 2_000_000_000
    file: int = 20_000_000
    processes: int = 16


@dataclass(frozen=True)
class Walls:
    """Which protections hold on this machine."""

    network: bool
    processes: bool
    files: bool

    def __str__(self) -> str:
        told = [
            "no network" if self.network else "network NOT cut off",
            "processes of its own" if self.processes else "processes NOT in a table of their own",
            "writes only into its own copy" if self.files else "files of this account NOT protected",
        ]
        return "; ".join(told)


def walls() -> Walls:
    """Try them in a child of this process."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        with suppress(BaseException):
            network, processes = _own_namespaces()
            files = _only_write_into([])
            os.write(write, bytes([network, processes, files]))
        os._exit(0)
    os.close(write)
    told = os.read(read, 3).ljust(3, b"\0")
    os.close(read)
    os.waitpid(pid, 0)
    return Walls(*map(bool, told))


def enter(folder: Path, limits: Limits) -> None:
    """Shut this process in. It must be a fresh child; returns in the process that is inside."""
    os.setsid()
    _, processes = _own_namespaces()
    if processes:
        _be_first()
    os.chdir(folder)
    _only_write_into([str(folder), "/dev/null"])
    _limit(limits)


def _own_namespaces() -> tuple[bool, bool]:
    """A network and a process table of its own: whether each was granted."""
    if not hasattr(os, "unshare"):
        return False, False
    user, group = os.geteuid(), os.getegid()
    if user == 0:  # the kernel counts no processes for a real user who is root; what root may read stays readable
        os.setresuid(NOBODY, 0, 0)
    try:
        os.unshare(os.CLONE_NEWUSER | os.CLONE_NEWNET | os.CLONE_NEWPID)
    except OSError:
        return False, False
    with suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    return True, True


def _be_first() -> None:
    """Go on as the first process of the new table: when it ends, the kernel ends all others in it.

    The one that stays outside ends with it; told to end (SIGTERM), it first sees to it that nobody is left inside.
    """
    pid = os.fork()
    if pid:
        signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGKILL))
        with suppress(BaseException):
            os.waitpid(pid, 0)  # returns when the whole table is empty
        os._exit(0)
    _libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _only_write_into(paths: list[str]) -> bool:
    """Landlock: from here on nothing outside these paths can be written, made or removed."""
    if not sys.platform.startswith("linux"):
        return False
    libc = _libc()
    abi = libc.syscall(LANDLOCK_CREATE, None, 0, 1)
    if abi < 1:
        return False
    rights = WRITES | (TRUNCATE if abi >= 3 else 0)
    rules = libc.syscall(LANDLOCK_CREATE, ctypes.byref(ctypes.c_uint64(rights)), 8, 0)
    if rules < 0:
        return False
    for path in paths:
        _allow(libc, rules, path, rights)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    done = libc.syscall(LANDLOCK_RESTRICT, rules, 0)
    os.close(rules)
    return bool(done == 0)


def _allow(libc: ctypes.CDLL, rules: int, path: str, rights: int) -> None:
    class Beneath(ctypes.Structure):
        _pack_ = 1
        _fields_ = (("rights", ctypes.c_uint64), ("parent", ctypes.c_int32))

    if not os.path.isdir(path):
        rights &= (1 << 1) | TRUNCATE  # the only rights that a file has
    parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    libc.syscall(LANDLOCK_ADD, rules, 1, ctypes.byref(Beneath(rights, parent)), 0)
    os.close(parent)


def _limit(limits: Limits) -> None:
    for what, most in (
        (resource.RLIMIT_CPU, limits.cpu),
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_FSIZE, limits.file),
        (resource.RLIMIT_NPROC, limits.processes),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):  # a system that is stricter already
            resource.setrlimit(what, (most, most))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
