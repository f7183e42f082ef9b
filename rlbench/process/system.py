"""What the operating system keeps for a process: environment variables, standard streams, children, the locale."""

from __future__ import annotations

import contextlib
import ctypes
import locale
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rlbench.process.scopes import SharedScope


@contextmanager
def environment(**changes: str) -> Iterator[None]:
    """Environment variables have these values inside, for a library that reads them; all are afterwards as before."""
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        for name in [name for name in os.environ if name not in before]:
            del os.environ[name]
        os.environ.update({name: value for name, value in before.items() if os.environ.get(name) != value})


@contextmanager
def standard_streams() -> Iterator[None]:
    """Descriptors 0, 1 and 2 are open inside: those that were closed lead nowhere, instead of to the next open file."""
    opened = []
    for number in range(3):
        if not _is_open(number):
            descriptor = os.open(os.devnull, os.O_RDONLY if number == 0 else os.O_WRONLY)
            os.set_inheritable(descriptor, True)
            opened.append(descriptor)  # the lowest that is free, which is `number`
    try:
        yield
    finally:
        for descriptor in opened:
            with contextlib.suppress(OSError):
                os.close(descriptor)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _decimal_points() -> Callable[[], Any]:
    before = locale.setlocale(locale.LC_NUMERIC)
    locale.setlocale(locale.LC_NUMERIC, "C")
    return lambda: locale.setlocale(locale.LC_NUMERIC, before)


numeric_locale = SharedScope(_decimal_points)
"""LC_NUMERIC is "C" inside, for libraries that read and write decimal points by the process's locale."""


SIGACTION_BYTES = 512  # room for the system's `struct sigaction`, whose layout need not be known to keep it


def _sigaction() -> Any:
    """The C library's `sigaction`; None where there is none."""
    try:
        return ctypes.CDLL(None).sigaction
    except (AttributeError, OSError, TypeError):  # Windows
        return None


def _remember_children() -> Callable[[], Any]:
    sigaction = _sigaction()
    if sigaction is None:
        return lambda: None
    default, before = (ctypes.create_string_buffer(SIGACTION_BYTES) for _ in range(2))  # SIG_DFL is all zeros
    sigaction(int(signal.SIGCHLD), None, before)
    if int.from_bytes(before.raw[: ctypes.sizeof(ctypes.c_void_p)], sys.byteorder) != signal.SIG_IGN:
        return lambda: None
    sigaction(int(signal.SIGCHLD), default, None)
    return lambda: sigaction(int(signal.SIGCHLD), before, None)


waitable_children = SharedScope(_remember_children)
"""Child processes can be waited for inside, also where the program was started with SIGCHLD ignored.

Where it is ignored, the system forgets how a child ended: every exit status reads 0, and its number is given away.
"""


def _adopt_orphans() -> Callable[[], Any]:
    if sys.platform != "linux":
        return lambda: None
    set_subreaper, get_subreaper, before = 36, 37, ctypes.c_int()  # of prctl(2)
    library = ctypes.CDLL(None)
    library.prctl(get_subreaper, ctypes.byref(before), 0, 0, 0)
    library.prctl(set_subreaper, 1, 0, 0, 0)
    return lambda: library.prctl(set_subreaper, before.value, 0, 0, 0)


adopting_orphans = SharedScope(_adopt_orphans)
"""Whatever descends from this process and loses its parent inside becomes this process's child, and can be found."""
