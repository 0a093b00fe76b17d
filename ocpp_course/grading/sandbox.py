"""`enter`: shut a process in: it may compute, for a while, in a folder of its own; and what of that this system grants.

Limits that every Unix has: time, memory, size of files, processes. On Linux also namespaces, Landlock and seccomp, as
far as the kernel grants them without privileges. `walls` tries them and says which hold.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path

from .landlock import only_these_files
from .seccomp import refuse_calls

NOBODY = 65534
PR_SET_PDEATHSIG, PR_CAPBSET_DROP = 1, 24
MOST_CAPABILITIES = 64
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_PRIVATE = 2, 4, 8, 1 << 14, 1 << 18
_CAPABILITY_VERSION_3 = 0x20080522


@dataclass(frozen=True)
class Limits:
    """``seconds`` of real time, ``cpu`` seconds of computing; bytes of ``memory``, of each ``file``, of all files
    together (``disk``); ``processes``, threads included, and open ``descriptors``."""

    seconds: float = 60.0
    cpu: int = 30
    memory: int = 2_000_000_000
    file: int = 20_000_000
    disk: int = 64_000_000
    processes: int = 16
    descriptors: int = 256


@dataclass(frozen=True)
class Walls:
    """Which protections hold on this machine."""

    network: bool = False
    processes: bool = False
    files: bool = False
    reads: bool = False
    calls: bool = False
    disk: bool = False

    @property
    def told(self) -> dict[str, str]:
        """A phrase for each wall; one that is missing says NOT."""
        return {
            "network": "no network" if self.network else "network NOT cut off",
            "processes": "processes of its own" if self.processes else "processes NOT in a table of their own",
            "files": "writes only into its own copy" if self.files else "files of this account NOT protected",
            "reads": "reads only Python and the package" if self.reads else "files of this account NOT hidden",
            "calls": "no chmod, sockets, programs" if self.calls else "system calls NOT filtered",
            "disk": "a disk of its own" if self.disk else "disk NOT its own, counted while it runs",
        }

    def __str__(self) -> str:
        return "; ".join(self.told.values())

    def missing(self, here: Walls) -> list[str]:
        """What holds by these walls, and did not ``here``."""
        lost = [each.name for each in fields(self) if getattr(self, each.name) and not getattr(here, each.name)]
        return [here.told[name] for name in lost]


def walls() -> Walls:
    """Try them in a child of this process, in the way in which a submission is shut in."""
    read, write = os.pipe()
    with tempfile.TemporaryDirectory(prefix="ocpp-lab-walls-") as folder:
        pid = os.fork()
        if pid == 0:
            try:
                held = enter(Path(folder), Limits())
                os.write(write, bytes(getattr(held, each.name) for each in fields(held)))
            finally:
                os._exit(0)
        os.close(write)
        told = os.read(read, len(fields(Walls)))
        os.close(read)
        os.waitpid(pid, 0)
    return Walls(*map(bool, told)) if len(told) == len(fields(Walls)) else Walls()


def enter(folder: Path, limits: Limits) -> Walls:
    """Shut this process in, for good. It must be a fresh child without threads; returns in the one that is inside."""
    parent = os.getppid()
    os.setsid()
    own = _own_namespaces()
    others = 0 if own else _tasks_of_this_user()  # the kernel counts them too, threads are tasks
    disk = own and _own_disk(folder, limits)
    _end_with(parent)
    if own:
        _be_first()
    os.chdir(folder)
    files, reads = only_these_files(folder)
    _limit(limits, others)
    _drop_capabilities()
    calls = refuse_calls()
    if not own:
        _end_with(parent)  # a change of rights forgets it
    return Walls(own or calls, own, files, reads, calls, disk)


def _own_namespaces() -> bool:
    """Network, process table, mounts, IPC and host name of its own: whether they were granted."""
    if not hasattr(os, "unshare"):
        return False
    user, group = os.geteuid(), os.getegid()
    if user == 0:  # the kernel counts no processes for a real user who is root; what root may read stays readable
        with suppress(OSError):
            os.setresuid(NOBODY, 0, 0)
    apart = os.CLONE_NEWNET | os.CLONE_NEWPID | os.CLONE_NEWNS | os.CLONE_NEWIPC | os.CLONE_NEWUTS
    try:
        os.unshare(os.CLONE_NEWUSER | apart)
    except OSError:
        return False
    with suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    return True


def _own_disk(folder: Path, limits: Limits) -> bool:
    """A file system in memory in the place of the folder: it has an end, and it ends with the process."""
    libc = _libc()
    if libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) != 0:
        return False
    options = f"size={limits.disk},nr_inodes=4096,mode=700".encode()
    return bool(libc.mount(b"tmpfs", bytes(folder), b"tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options) == 0)


def _be_first() -> None:
    """Go on as the first process of the new table: when it ends, the kernel ends all others in it.

    The one that stays outside ends with it; told to end (SIGTERM), it first sees to it that nobody is left inside.
    """
    read, write = os.pipe()  # the outer one keeps its end open as long as it lives
    pid = os.fork()
    if pid:
        signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGKILL))
        os.close(read)
        with suppress(BaseException):
            os.waitpid(pid, 0)  # returns when the whole table is empty
        os._exit(0)
    os.close(write)
    if sys.platform.startswith("linux"):
        _libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.set_blocking(read, False)
    with suppress(BlockingIOError):
        os.read(read, 1)
        os._exit(0)  # the outer one had ended before the kernel was asked to tell
    os.close(read)


def _end_with(parent: int) -> None:
    """The kernel ends this process when its parent ends; asked anew after each change of rights, which forgets it."""
    if sys.platform.startswith("linux"):
        _libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def _drop_capabilities() -> None:
    """What root may, and what the namespaces have granted, is not for the answer."""
    if not sys.platform.startswith("linux"):
        return
    libc = _libc()
    for capability in range(MOST_CAPABILITIES):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    libc.capset((ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0), (ctypes.c_uint32 * 6)())


def _tasks_of_this_user() -> int:
    """How many there are on this machine, as far as the system tells."""
    count = 0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if process.stat().st_uid == os.getuid():
                count += len(os.listdir(process / "task"))
    return count


def _limit(limits: Limits, others: int) -> None:
    for what, most in (
        (resource.RLIMIT_CPU, limits.cpu),
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_FSIZE, limits.file),
        (resource.RLIMIT_NPROC, limits.processes + others),
        (resource.RLIMIT_NOFILE, limits.descriptors),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):  # a system that is stricter already
            resource.setrlimit(what, (most, most))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
