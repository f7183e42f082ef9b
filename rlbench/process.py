"""Settings that belong to the whole process, each changed in a scope and restored when it ends.

Other libraries and the caller's own program share the process: threads, random generators, signals and the locale are
theirs too. Whatever of ours must change one of them does it here, as a context manager.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import locale
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

Event = TypeVar("Event")


class SharedScope:
    """A scope that several threads may be in at once: the first to enter makes a change, the last to leave undoes it.

    Args:
        change: Makes the change and returns the function that undoes it.
    """

    def __init__(self, change: Callable[[], Callable[[], Any]]) -> None:
        self._change, self._lock, self._inside = change, threading.Lock(), 0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Be inside."""
        with self._lock:
            if not self._inside:
                self._undo = self._change()
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if not self._inside:
                    self._undo()


class _TorchThreads:
    """`torch_threads`; several threads may be inside, of which the last restores the number that the first found."""

    def __init__(self) -> None:
        self._lock, self._inside, self._outside, self._own = threading.Lock(), 0, 1, threading.local()

    @contextmanager
    def __call__(self, count: int) -> Iterator[None]:
        """Torch computes with `count` threads inside."""
        torch: Any = importlib.import_module("torch")
        with self._lock:
            nested = getattr(self._own, "depth", 0) > 0
            if not self._inside:
                self._outside = torch.get_num_threads()
            before = torch.get_num_threads() if nested else self._outside
            self._inside += 1
            self._own.depth = getattr(self._own, "depth", 0) + 1
            torch.set_num_threads(count)
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                self._own.depth -= 1
                torch.set_num_threads(before)


torch_threads = _TorchThreads()
"""Torch computes with so many threads inside: `with torch_threads(1):`."""


def _on_one_thread() -> Callable[[], None]:
    """Let NumPy's BLAS use one thread, and return the function that gives it back as many as it had."""
    count, set_count = _blas_threads()
    before = count()
    set_count(1)
    return lambda: set_count(before)


def _blas_threads() -> tuple[Callable[[], int], Callable[[int], Any]]:
    """The functions that get and set the number of threads of NumPy's OpenBLAS; of another BLAS none is known."""
    return openblas("get_num_threads") or (lambda: 1), openblas("set_num_threads") or (lambda count: None)


def openblas(function: str) -> Any:
    """A function of NumPy's OpenBLAS, such as `get_num_threads`; None where it has none, or NumPy has another BLAS."""
    with contextlib.suppress(ImportError, OSError, TypeError):
        blas = ctypes.CDLL(importlib.import_module("numpy.linalg._umath_linalg").__file__)  # and what it links
        for name in (f"scipy_openblas_{function}64_", f"openblas_{function}64_", f"openblas_{function}"):
            with contextlib.suppress(AttributeError):
                return getattr(blas, name)
    return None


one_blas_thread = SharedScope(_on_one_thread)
"""NumPy multiplies matrices on one thread inside: `with one_blas_thread():`. On several, sums round differently."""


@contextmanager
def torch_generator() -> Iterator[None]:
    """Torch's global random generators, of the CPU and of GPUs in use, are afterwards as they were."""
    torch: Any = importlib.import_module("torch")
    cpu = torch.get_rng_state()
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
    try:
        yield
    finally:
        torch.set_rng_state(cpu)
        if gpus is not None:
            torch.cuda.set_rng_state_all(gpus)


@contextmanager
def random_generator() -> Iterator[None]:
    """The global generator of `random` is afterwards as it was."""
    before = random.getstate()
    try:
        yield
    finally:
        random.setstate(before)


def import_library(name: str) -> Any:
    """A library's module, whose import leaves the global generator of `random` and the warning filters as they were.

    Terminated is raised where a signal has come meanwhile: an import may make an ImportError of it.
    """
    if name in sys.modules:
        return importlib.import_module(name)  # waits where another thread is importing it
    try:
        with random_generator(), warnings.catch_warnings():
            return importlib.import_module(name)
    finally:
        raise_if_terminated()


def _single_precision() -> Callable[[], Any]:
    torch: Any = importlib.import_module("torch")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    return lambda: torch.set_default_dtype(before)


_torch_precision = SharedScope(_single_precision)


def _tf32(allowed: bool) -> Callable[[], Any]:
    torch: Any = importlib.import_module("torch")
    switches = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [each.allow_tf32 for each in switches]
    for each in switches:
        each.allow_tf32 = allowed

    def restore() -> None:
        for each, value in zip(switches, before, strict=True):
            each.allow_tf32 = value

    return restore


torch_tf32 = SharedScope(lambda: _tf32(True))
"""Torch may round factors to TF32 on GPUs inside."""

torch_float32 = SharedScope(lambda: _tf32(False))
"""Torch rounds no factor to TF32 on GPUs inside; by its own defaults convolutions do, other products do not."""


@contextmanager
def torch_defaults() -> Iterator[None]:
    """Torch computes by its own defaults inside: on the CPU, in float32, with gradients, outside of inference mode."""
    torch: Any = importlib.import_module("torch")
    with contextlib.ExitStack() as stack:
        stack.enter_context(_torch_precision())
        for mode in (torch.inference_mode(False), torch.enable_grad()):
            stack.enter_context(mode)
        for device in ("cpu", "cuda"):
            if torch.is_autocast_enabled(device):
                stack.enter_context(torch.autocast(device, enabled=False))
        if torch.get_default_device().type != "cpu":  # the context costs every call of torch a microsecond
            stack.enter_context(torch.device("cpu"))
        yield


def within(scope: Callable[[], AbstractContextManager[Any]], events: Iterator[Event]) -> Generator[Event, None, None]:
    """The same events, with the scope entered only while one is computed, never while the caller has control.

    Args:
        scope: Makes the context manager, anew for each event.
        events: An iterator; a generator is closed with this one.
    """
    end: Any = object()
    try:
        while True:
            with scope():
                event = next(events, end)
            if event is end:
                return
            yield event
    finally:
        if isinstance(events, Generator):
            with scope():
                events.close()


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


class Terminated(SystemExit):
    """A signal that ends the program, as an exception, so that temporary folders and child processes go with it."""

    def __init__(self, number: int) -> None:
        self.number, self.status = number, 128 + number
        super().__init__(self.status)


_ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
_came: list[int] = []  # the signal that has come and that no program has ended by yet


@contextmanager
def termination() -> Iterator[None]:
    """SIGTERM and SIGHUP, where they would kill the process at once, raise Terminated inside; a second one kills.

    A finaliser or a library may swallow Terminated: it is then raised at the end of the scope, also of an inner one.
    When the outermost scope ends by it, the process dies of the signal, as it would have without the scope.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    raise_if_terminated()
    deadly = [each for each in _ENDING if signal.getsignal(each) == signal.SIG_DFL]

    def terminate(number: int, frame: Any) -> None:
        for each in deadly:
            signal.signal(each, signal.SIG_DFL)
        _came.append(number)
        raise Terminated(number)

    unraisable = sys.unraisablehook

    def print_others(swallowed: Any) -> None:
        if not isinstance(swallowed.exc_value, Terminated):
            unraisable(swallowed)

    for each in deadly:
        signal.signal(each, terminate)
    sys.unraisablehook = print_others
    try:
        yield
    finally:
        sys.unraisablehook = unraisable
        for each in deadly:
            signal.signal(each, signal.SIG_DFL)
        if deadly and _came:
            signal.raise_signal(_came.pop())
        raise_if_terminated()


def forget_signals() -> None:
    """In a fork: SIGTERM and SIGHUP kill it again, whatever this process did on them, and none has come yet."""
    _came.clear()
    for each in _ENDING:
        signal.signal(each, signal.SIG_DFL)


def raise_if_terminated() -> None:
    """Raise Terminated where a signal has come inside `termination`, whatever has become of the exception."""
    if _came:
        raise Terminated(_came[0]) from None


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Inside `termination`: Terminated leaves this scope once a signal has come, and the process does not die of it.

    A program that uses this ends by itself.
    """
    try:
        yield
    finally:
        if _came:
            raise Terminated(_came.pop()) from None


@contextmanager
def cleaning_up() -> Iterator[None]:
    """A second SIGTERM or SIGHUP does nothing inside, so that what the first one has ended is cleaned up."""
    in_main = threading.current_thread() is threading.main_thread()
    ignored = [each for each in _ENDING if _came and in_main and signal.getsignal(each) == signal.SIG_DFL]
    for each in ignored:
        signal.signal(each, signal.SIG_IGN)
    try:
        yield
    finally:
        for each in ignored:
            signal.signal(each, signal.SIG_DFL)


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


@contextmanager
def program() -> Iterator[None]:
    """A command line's own process: inside, it has standard streams and children, and ends in order on SIGTERM."""
    with standard_streams(), waitable_children(), termination():
        yield


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
