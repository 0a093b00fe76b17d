"""`refuse_calls`: from here on the kernel refuses the system calls in a table (seccomp, a BPF program; Linux).

Landlock says which files may be touched. This closes what goes round it: rights and owners of files, sockets, other
processes, new namespaces, memory that no limit counts.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""Machines whose numbers are in `REFUSED`, with their names in the kernel (linux/audit.h)."""
NONE = -1
"""This machine has no such call."""
REFUSED: dict[str, tuple[int, int]] = {
    # other programs, other processes
    "fork": (57, NONE), "vfork": (58, NONE), "execve": (59, 221), "execveat": (322, 281),
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138),
    "rt_sigaction": (13, 134), "rt_tgsigqueueinfo": (297, 240), "pidfd_send_signal": (424, 424),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "ptrace": (101, 117), "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271), "process_madvise": (440, 440), "kcmp": (312, 272),
    "setpriority": (141, 140), "ioprio_set": (251, 30),
    "sched_setscheduler": (144, 119), "sched_setparam": (142, 118), "sched_setattr": (314, 274),
    "sched_setaffinity": (203, 122),
    # rights, owners, dates and names of files
    "chmod": (90, NONE), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, NONE),
    "fchown": (93, 55), "lchown": (94, NONE), "fchownat": (260, 54), "setxattr": (188, 5), "lsetxattr": (189, 6),
    "fsetxattr": (190, 7), "setxattrat": (463, 463), "removexattr": (197, 14), "lremovexattr": (198, 15),
    "fremovexattr": (199, 16), "removexattrat": (466, 466), "utime": (132, NONE), "utimes": (235, NONE),
    "futimesat": (261, NONE), "utimensat": (280, 88), "file_setattr": (469, 469), "symlink": (88, NONE),
    "symlinkat": (266, 36), "link": (86, NONE), "linkat": (265, 37), "mknod": (133, NONE), "mknodat": (259, 33),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "inotify_init": (253, NONE),
    "inotify_init1": (294, 26), "fanotify_init": (300, 262),
    # sockets of every kind, and what could open one unseen; a socketpair has no address and stays
    "socket": (41, 198), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    # memory that no limit counts
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194), "semget": (64, 190),
    "msgget": (68, 186), "mq_open": (240, 180), "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    # other namespaces, other mounts, the machine itself
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "chroot": (161, 51), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "personality": (135, 92),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106), "kexec_load": (246, 104),
    "reboot": (169, 142), "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60),
    "syslog": (103, 116), "sethostname": (170, 161), "setdomainname": (171, 162), "settimeofday": (164, 170),
    "clock_settime": (227, 112), "adjtimex": (159, 171), "clock_adjtime": (305, 266),
}  # fmt: skip
"""Number on x86_64 and on aarch64 (arch/x86/entry/syscalls/syscall_64.tbl, asm-generic/unistd.h)."""
CLONE, CLONE3, PRLIMIT = (56, 220), (435, 435), (302, 261)
CLONE_THREAD = 0x10000
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, MODE_FILTER = 38, 22, 2

LOAD, EQUAL, AT_LEAST, HAS, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER_AT, MACHINE_AT, FIRST_ARGUMENT_AT = 0, 4, 16
"""Where they stand in `struct seccomp_data`; of the argument its lower half."""
ALLOW, ERROR = 0x7FFF0000, 0x00050000
X32 = 0x40000000
"""From here on the numbers are another table of x86_64, which is refused whole."""

type Instruction = tuple[int, int, int, int]


def refuse_calls() -> bool:
    """Whether the filter holds from now on, for this thread and all that it starts."""
    try:
        text = b"".join(struct.pack("=HBBI", *each) for each in program(platform.machine()))
        libc = ctypes.CDLL(None, use_errno=True)
    except (KeyError, OSError, TypeError):
        return False  # another machine, or a system without such calls
    if not hasattr(libc, "prctl"):
        return False
    code = ctypes.create_string_buffer(text, len(text))
    whole = struct.pack("@HP", len(text) // 8, ctypes.addressof(code))
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    return bool(libc.prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.c_char_p(whole), 0, 0) == 0)


def program(machine: str) -> list[Instruction]:
    """The filter for a machine. KeyError if its numbers are not known."""
    column = list(ARCHITECTURES).index(machine) if machine in ARCHITECTURES else None
    if column is None:
        raise KeyError(machine)
    lines: list[Instruction] = [(LOAD, 0, 0, MACHINE_AT), (EQUAL, 1, 0, ARCHITECTURES[machine]), _refuse(errno.EPERM)]
    lines.append((LOAD, 0, 0, NUMBER_AT))
    if machine == "x86_64":
        lines += [(AT_LEAST, 0, 1, X32), _refuse(errno.EPERM)]
    for numbers in REFUSED.values():
        if numbers[column] != NONE:
            lines += [(EQUAL, 0, 1, numbers[column]), _refuse(errno.EPERM)]
    lines += [(EQUAL, 0, 1, CLONE3[column]), _refuse(errno.ENOSYS)]  # its flags lie in memory: Python asks with clone
    lines += _only_if(CLONE[column], (HAS, 1, 0, CLONE_THREAD))  # threads, no processes
    lines += _only_if(PRLIMIT[column], (EQUAL, 1, 0, 0))  # its own limits, nobody else's
    return [*lines, (RETURN, 0, 0, ALLOW)]


def _only_if(number: int, holds: Instruction) -> list[Instruction]:
    """Refuse this call unless its first argument is right."""
    return [(EQUAL, 0, 4, number), (LOAD, 0, 0, FIRST_ARGUMENT_AT), holds, _refuse(errno.EPERM), (RETURN, 0, 0, ALLOW)]


def _refuse(error: int) -> Instruction:
    return (RETURN, 0, 0, ERROR | error)
