"""The filter of system calls: which ones an agent may make, as a program of the kernel's packet filter (BPF).

A list of what is denied, not of what is allowed: numerical libraries call what they and the C library please, and a
sandbox that breaks with their updates would not be used. What a list of denials would miss, calls that the kernel
learns after it was written, is denied by number: they answer ENOSYS, as on an older kernel, which libraries expect.
Source: Documentation/userspace-api/seccomp_filter.rst, include/uapi/linux/{seccomp,filter,audit}.h.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from rlbench.harness.isolation.system_calls import AARCH64, NEWEST, X86_64, call, numbers

DENIED = (
    # Other programs: an agent is one process with threads.
    *("fork", "vfork", "execve", "execveat", "unshare", "setns", "setsid", "setpgid"),
    # Other processes.
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease", "kcmp"),
    *("pidfd_open", "pidfd_getfd", "pidfd_send_signal", "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"),
    *("migrate_pages", "move_pages", "get_robust_list", "setpriority", "ioprio_set"),
    *("sched_setattr", "sched_setparam", "sched_setscheduler"),
    # The network, and Unix sockets with names, which Landlock does not see.
    *("socket", "connect", "bind", "listen", "accept", "accept4"),
    # Messages that carry descriptors, in which files are kept that nobody sees.
    *("sendmsg", "sendmmsg"),
    # Memory and messages that outlive a process, or that no limit counts.
    *("shmget", "shmat", "shmctl", "shmdt", "semget", "semop", "semctl", "semtimedop"),
    *("msgget", "msgsnd", "msgrcv", "msgctl", "mq_open", "mq_unlink", "memfd_create", "memfd_secret"),
    # More rules of Landlock, which keep the files that they name.
    *("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"),
    # Large interfaces of the kernel that no agent needs.
    *("io_uring_setup", "io_uring_enter", "io_uring_register", "bpf", "perf_event_open", "userfaultfd"),
    *("add_key", "request_key", "keyctl", "fanotify_init", "inotify_init", "inotify_init1", "modify_ldt"),
    *("personality", "iopl", "ioperm", "uselib", "remap_file_pages", "vmsplice"),
    # What Landlock does not see of files: owners, modes, times, attributes, lengths (before its third version).
    *("chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat", "truncate", "mknod", "mknodat"),
    *("setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr"),
    *("utime", "utimes", "futimesat", "utimensat", "open_by_handle_at", "name_to_handle_at", "sync"),
    # The machine.
    *("mount", "umount2", "pivot_root", "chroot", "fsopen", "fsconfig", "fsmount", "fspick", "open_tree"),
    *("move_mount", "mount_setattr", "swapon", "swapoff", "reboot", "sethostname", "setdomainname", "vhangup"),
    *("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "syslog", "acct"),
    *("quotactl", "quotactl_fd", "settimeofday", "clock_settime", "adjtimex", "clock_adjtime"),
    # Who the process is.
    *("setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid"),
    "capset",
)
"""Calls that answer EPERM."""

MISSING = ("clone3",)
"""Calls that answer ENOSYS, so that the C library makes an older one, whose arguments a filter can read."""

_THREAD = 0x10600  # CLONE_THREAD, CLONE_FILES, CLONE_FS: with the descriptors of the others, which are counted
_NAMESPACES = 0x7E020080  # CLONE_NEW*
_UNIX, _STREAM, _TYPE = 1, 1, 0xF  # AF_UNIX, SOCK_STREAM; a datagram socket could be sent to any name
_FCNTL = (8, 10, 15, 1024, 1026)  # F_SETOWN, F_SETSIG, F_SETOWN_EX send signals; F_SETLEASE, F_NOTIFY watch files
_IOCTL = (0x5412, 0x541C, 0x8901, 0x8902)  # TIOCSTI and TIOCLINUX type for others; FIOSETOWN, SIOCSPGRP send signals
_PRCTL = (1, 4, 8, 35, 62, 0x59616D61)  # PR_SET_PDEATHSIG, _DUMPABLE, _KEEPCAPS, _MM, PR_SCHED_CORE, PR_SET_PTRACER
_SHARED_ANONYMOUS = 0x21  # MAP_SHARED, MAP_ANONYMOUS: kept whole, and not counted, while one page of it is mapped
_UNSHARE = 2  # CLOSE_RANGE_UNSHARE: descriptors of its own for a thread


@dataclass(frozen=True)
class Condition:
    """A condition on the lower 32 bits of an argument, for which a call is allowed."""

    argument: int
    values: tuple[int, ...]
    among: bool = True
    """Whether the argument must be among the values, or must not."""

    mask: int = 0xFFFFFFFF


def conditions(pid: int, shared_memory: bool) -> dict[str, tuple[Condition, ...]]:
    """Calls that are allowed only where all conditions hold, and EPERM otherwise.

    Args:
        pid: Of the process that is restricted: it may signal itself, and not its group, in which others may be.
        shared_memory: Whether it may share memory without a file.
    """
    itself = (Condition(0, (0, pid)),)
    private = {} if shared_memory else {"mmap": (Condition(3, (_SHARED_ANONYMOUS,), False, _SHARED_ANONYMOUS),)}
    return {
        **private,
        "clone": (Condition(0, (_THREAD,), mask=_THREAD | _NAMESPACES),),
        **dict.fromkeys(("tgkill", "prlimit64", "sched_setaffinity"), itself),
        "kill": (Condition(0, (pid,)),),
        "close_range": (Condition(2, (0,), mask=_UNSHARE),),
        "socketpair": (Condition(0, (_UNIX,)), Condition(1, (_STREAM,), mask=_TYPE)),
        "fcntl": (Condition(1, _FCNTL, among=False),),
        "ioctl": (Condition(1, _IOCTL, among=False),),
        "prctl": (Condition(0, _PRCTL, among=False),),
    }


# Instructions: load a word of `struct seccomp_data`; mask it; jump, always or where it is equal or greater; return.
_LOAD, _AND, _JUMP, _JUMP_EQUAL, _JUMP_GREATER, _RETURN = 0x20, 0x54, 0x05, 0x15, 0x25, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_AUDIT = {X86_64: 0xC000003E, AARCH64: 0xC00000B7}

Instruction = tuple[int, int, int, int]
"""Code, how many instructions to skip where a comparison holds, and where it does not, operand."""


def program(pid: int, machine: str, shared_memory: bool = False) -> list[Instruction]:
    """The filter for a process: calls of another architecture kill it; those beyond NEWEST, x32's too, are unknown.

    Args:
        pid: Of the process.
        machine: One of `system_calls.MACHINES`.
        shared_memory: Whether it may share memory without a file.
    """
    number = numbers(machine)
    instructions = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, _AUDIT[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        *_answer(_JUMP_GREATER, NEWEST, errno.ENOSYS),
    ]
    for name, all_of in conditions(pid, shared_memory).items():
        block = [each for one in all_of for each in _unless(one)] + [(_RETURN, 0, 0, _ALLOW)]
        instructions += [(_JUMP_EQUAL, 0, len(block), number[name]), *block]
    for name in DENIED:
        instructions += _answer(_JUMP_EQUAL, number[name], errno.EPERM) if name in number else []
    for name in MISSING:
        instructions += _answer(_JUMP_EQUAL, number[name], errno.ENOSYS)
    return [*instructions, (_RETURN, 0, 0, _ALLOW)]


def install(shared_memory: bool) -> None:
    """Filter the system calls of this thread, and of all that it starts, for good.

    Args:
        shared_memory: Whether it may share memory without a file.

    Raises:
        OSError: The kernel has no filters; or the process may still gain privileges, see `privileges.give_up_gaining`.
        KeyError: The machine is none of those that the filter is written for.
    """
    instructions = program(os.getpid(), platform.machine(), shared_memory)
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in instructions))
    filter_ = ctypes.create_string_buffer(struct.pack("HP", len(instructions), ctypes.addressof(code)))
    set_mode_filter, allow_speculation = 1, 4  # without the flag kernels before 5.16 slow all of the process down
    call("seccomp", set_mode_filter, allow_speculation, filter_)


def _unless(condition: Condition) -> Iterable[Instruction]:
    """Return EPERM unless a condition holds: each comparison skips to behind the error, or (`among` false) to it."""
    yield (_LOAD, 0, 0, _ARGUMENTS + 8 * condition.argument)
    yield (_AND, 0, 0, condition.mask)
    left = range(len(condition.values) - 1, -1, -1)  # comparisons behind each one
    yield from ((_JUMP_EQUAL, more + 1, 0, value) for more, value in zip(left, condition.values, strict=True))
    if not condition.among:
        yield (_JUMP, 0, 0, 1)
    yield (_RETURN, 0, 0, _ERROR | errno.EPERM)


def _answer(comparison: int, operand: int, code: int) -> tuple[Instruction, Instruction]:
    """Return an error where a comparison of the call's number holds."""
    return (comparison, 0, 1, operand), (_RETURN, 0, 0, _ERROR | code)
