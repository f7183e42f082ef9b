"""Settings that belong to the whole process, each changed in a scope and restored when it ends.

Other libraries and the caller's own program share the process: threads, random generators, signals and the locale are
theirs too. Whatever of ours must change one of them does it here, as a context manager.
"""

from __future__ import annotations

import contextlib
import ctypes
import fnmatch
import functools
import importlib
import locale
import os
import shutil
import signal
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

Event = TypeVar("Event")


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


@contextmanager
def openmp_threads(library: str) -> Iterator[None]:
    """OpenMP has as many threads afterwards as before, in the runtime that a shared library is linked with.

    Torch computes with as many, and libraries that start threads of OpenMP tend to set the number for all.

    Args:
        library: The path of the library, which is loaded.
    """
    before = [(runtime, name, getattr(runtime, f"omp_get_{name}")()) for runtime, name in _openmp_settings(library)]
    try:
        yield
    finally:
        for runtime, name, value in before:
            getattr(runtime, f"omp_set_{name.replace('max_threads', 'num_threads')}")(value)


def _openmp_settings(library: str) -> Iterator[tuple[Any, str]]:
    """The runtimes of OpenMP that a library may call, and what is set in them."""
    for path in (library, None):  # a runtime that another library has made global comes before its own
        with contextlib.suppress(OSError, TypeError, AttributeError):
            runtime = ctypes.CDLL(path)
            for name in ("max_threads", "max_active_levels"):
                getattr(runtime, f"omp_get_{name}")  # AttributeError where there is no OpenMP
                yield runtime, name


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


def _single_precision() -> Callable[[], Any]:
    torch: Any = importlib.import_module("torch")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    return lambda: torch.set_default_dtype(before)


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


FORKED_WITHOUT_EXEC = 0x40  # PF_FORKNOEXEC of Linux, in the ninth field of /proc/self/stat
_forked: list[bool] = []  # empty while it is not known


def is_forked() -> bool:
    """Whether this process is a copy of another made by fork: threads that libraries believe in have not come along."""
    if not _forked:
        try:
            flags = int(Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[6])
        except (OSError, ValueError, IndexError):
            flags = 0
        _forked.append(bool(flags & FORKED_WITHOUT_EXEC))
    return _forked[0]


class SurvivesFork(Protocol):
    """An object whose threads or child processes a forked process must do without."""

    def after_fork(self) -> None:
        """Called in the forked process, before anything else there."""


_survivors: weakref.WeakSet[SurvivesFork] = weakref.WeakSet()


def call_after_fork(survivor: SurvivesFork) -> None:
    """Call `after_fork` of this object, for as long as it lives, in every process that is forked from this one."""
    _survivors.add(survivor)


def never_delete(library_object: object) -> None:
    """Keep an object for ever: to delete it would wait for its threads, which have not come along."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(library_object))


def _after_fork() -> None:
    _forked[:] = [True]
    for survivor in list(_survivors):
        survivor.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _decimal_points() -> Callable[[], Any]:
    before = locale.setlocale(locale.LC_NUMERIC)
    locale.setlocale(locale.LC_NUMERIC, "C")
    return lambda: locale.setlocale(locale.LC_NUMERIC, before)


numeric_locale = SharedScope(_decimal_points)
"""LC_NUMERIC is "C" inside, for libraries that read and write decimal points by the process's locale."""


SIGACTION_BYTES = 512  # room for the system's `struct sigaction`, whose layout need not be known to keep it
HANDLED = [
    int(each) for each in signal.valid_signals() - {getattr(signal, "SIGKILL", 0), getattr(signal, "SIGSTOP", 0)}
]


_torch_precision = SharedScope(_single_precision)


@contextmanager
def signal_handlers() -> Iterator[None]:
    """The handlers of all signals are afterwards as they were, also those that C code has set."""
    sigaction = _sigaction()
    actions = {each: ctypes.create_string_buffer(SIGACTION_BYTES) for each in HANDLED} if sigaction else {}
    python = {each: signal.getsignal(each) for each in HANDLED}
    for each, action in actions.items():
        sigaction(each, None, action)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for each, handler in python.items():
                if handler is not None and signal.getsignal(each) != handler:
                    signal.signal(each, handler)
        for each, action in actions.items():
            sigaction(each, action, None)


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


class Terminated(SystemExit):
    """A signal that ends the program, as an exception, so that temporary folders and child processes go with it."""

    def __init__(self, number: int) -> None:
        self.number, self.status = number, 128 + number
        super().__init__(self.status)


@contextmanager
def termination() -> Iterator[None]:
    """SIGTERM and SIGHUP, where they would kill the process at once, raise Terminated inside.

    When the outermost scope ends by Terminated, the process dies of the signal, as it would have without the scope.
    """
    names = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    deadly = [each for each in names if signal.getsignal(each) == signal.SIG_DFL]
    if not deadly or threading.current_thread() is not threading.main_thread():
        yield
        return

    def terminate(number: int, frame: Any) -> None:
        for each in deadly:  # nothing shall interrupt the cleaning up
            signal.signal(each, signal.SIG_IGN)
        raise Terminated(number)

    for each in deadly:
        signal.signal(each, terminate)
    try:
        yield
    except Terminated as end:
        for each in deadly:
            signal.signal(each, signal.SIG_DFL)
        signal.raise_signal(end.number)
        raise
    finally:
        for each in deadly:
            signal.signal(each, signal.SIG_DFL)


TEMPORARY = "rlbench-tmp-"


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """An empty folder that is removed at the end, also when the end is SIGTERM.

    After `kill -9` the next process that makes one removes it: a lock on the folder says whether its process lives.
    """
    with termination():
        remove_leftovers()
        folder = Path(tempfile.mkdtemp(prefix=f".new-{TEMPORARY}"))  # nobody removes it before it is locked
        lock = _lock(folder)
        folder = folder.rename(folder.with_name(f"{TEMPORARY}{folder.name.rpartition('-')[2]}"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            if lock is not None:
                os.close(lock)


@functools.cache
def remove_leftovers() -> None:
    """Remove the temporary folders of processes of this user that were killed; once per process."""
    for folder in Path(tempfile.gettempdir()).glob(f"{TEMPORARY}*"):
        with contextlib.suppress(OSError):
            mine = hasattr(os, "getuid") and folder.lstat().st_uid == os.getuid()
            lock = _lock(folder) if mine and not folder.is_symlink() else None
            if lock is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


def _lock(folder: Path) -> int | None:
    """Descriptor that keeps a folder locked while it is open; None where another has it, or nothing can be locked."""
    try:
        import fcntl  # only on Unix
    except ImportError:
        return None
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


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


INHERITED = (
    *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT"),
    *("PYTHONHOME", "PYTHONPATH", "PYTHONUSERBASE", "PYTHONNOUSERSITE", "PYTHONPYCACHEPREFIX"),
    *("CUDA_HOME", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES"),
    *("MUJOCO_GL", "PYOPENGL_PLATFORM", "EGL_PLATFORM", "LIBGL_ALWAYS_SOFTWARE", "GALLIUM_DRIVER"),
    *("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME"),
    *("RLBENCH_*", "SDL_*", "NUMBA_*", "IMAGEIO_*"),
)
"""Variables that a helper program may see; `*` stands for any end of a name."""


def child_environment(inherited: Iterable[str] = INHERITED, **changes: str | None) -> dict[str, str]:
    """The environment variables of a helper program or child process: a stated list, so that nothing else decides.

    Text is UTF-8 and numbers have points, whatever the locale of this process.

    Args:
        inherited: The variables that it sees as this process does, by name; `*` stands for any end.
        **changes: Variables to set besides; None leaves one out.
    """
    patterns = list(inherited)
    kept = {name: os.environ[name] for name in os.environ if any(fnmatch.fnmatchcase(name, each) for each in patterns)}
    if "PYTHONPATH" in kept:
        kept["PYTHONPATH"] = _absolute(kept["PYTHONPATH"])
    stated = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1", **kept, **changes}
    return {name: value for name, value in stated.items() if value is not None}


def _absolute(path: str) -> str:
    """A search path that holds in any working folder, without the folders that this process cannot find."""
    folders = []
    for folder in path.split(os.pathsep):
        with contextlib.suppress(FileNotFoundError):  # the working folder has been deleted
            folders.append(os.path.abspath(folder))
    return os.pathsep.join(folders)
