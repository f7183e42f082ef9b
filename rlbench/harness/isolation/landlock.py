"""Landlock: what a process may do with files, TCP ports, other processes and abstract sockets, by the kernel.

A process restricts itself, for good, and everything it starts. Access to files is granted to whole hierarchies; what is
granted to nobody is denied. Source: Documentation/userspace-api/landlock.rst and include/uapi/linux/landlock.h.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat
import struct
from collections.abc import Iterable, Mapping

from rlbench.harness.isolation.system_calls import call

_FILE_RIGHTS = ("execute", "write_file", "read_file")
_FOLDER_RIGHTS = (
    *("read_dir", "remove_dir", "remove_file", "make_char", "make_dir", "make_reg", "make_sock", "make_fifo"),
    *("make_block", "make_sym", "refer"),
)
_LATER_FILE_RIGHTS = ("truncate", "ioctl_dev")
_BIT = {name: 1 << i for i, name in enumerate((*_FILE_RIGHTS, *_FOLDER_RIGHTS, *_LATER_FILE_RIGHTS))}

_RIGHTS_BY_ABI = {1: 13, 2: 14, 3: 15, 5: 16}
"""Version of the interface -> how many of the rights, in the order above, the kernel knows since then."""

READ = _BIT["read_file"] | _BIT["read_dir"]
DEVICE = READ | _BIT["write_file"] | _BIT["ioctl_dev"]
WRITE = (
    *("read_file", "write_file", "truncate", "read_dir", "remove_dir", "remove_file"),
    *("make_dir", "make_reg", "make_sym", "refer"),
)
"""Names of the rights to a scratch folder: nothing in it runs, and nothing is made but files, folders and links."""

_ALL_TCP = 0b11  # bind and connect, since ABI 4
_ALL_SCOPES = 0b11  # abstract Unix sockets and signals of processes outside, since ABI 6
_VERSION_FLAG, _PATH_BENEATH = 1, 1
_OF_FILES = sum(_BIT[name] for name in (*_FILE_RIGHTS, *_LATER_FILE_RIGHTS))


def abi() -> int:
    """Version of the kernel's interface; 0 where there is none."""
    try:
        return call("landlock_create_ruleset", None, 0, _VERSION_FLAG)
    except (OSError, KeyError):  # not built, not enabled, forbidden by a container; a machine that is not listed
        return 0


def restrict(readable: Iterable[str], devices: Iterable[str], writable: Iterable[str]) -> None:
    """Deny this thread, and what it starts, every access that the kernel can deny and that is not listed here.

    Paths that do not exist are left out.

    Args:
        readable: Files, and folders with all that is in them, that may be read.
        devices: Files and folders of devices that may be read, written and controlled.
        writable: Folders in which files may be read and made.

    Raises:
        OSError: The kernel has no Landlock.
    """
    version = abi()
    handled = sum(list(_BIT.values())[: max((n for v, n in _RIGHTS_BY_ABI.items() if v <= version), default=0)])
    attributes = struct.pack("QQQ", handled, _ALL_TCP if version >= 4 else 0, _ALL_SCOPES if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    rules = call("landlock_create_ruleset", ctypes.create_string_buffer(attributes[:size], size), size, 0)
    try:
        write = sum(_BIT[name] for name in WRITE)
        _allow(rules, {**dict.fromkeys(readable, READ), **dict.fromkeys(devices, DEVICE)}, handled)
        _allow(rules, dict.fromkeys(writable, write), handled)
        call("landlock_restrict_self", rules, 0)
    finally:
        os.close(rules)


def _allow(rules: int, rights: Mapping[str, int], handled: int) -> None:
    """Add the rights to each path to a set of rules."""
    for path, right in rights.items():
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                kind = right if stat.S_ISDIR(os.fstat(descriptor).st_mode) else right & _OF_FILES
                rule = ctypes.create_string_buffer(struct.pack("=Qi", kind & handled, descriptor), 12)
                call("landlock_add_rule", rules, _PATH_BENEATH, rule, 0)
            finally:
                os.close(descriptor)
