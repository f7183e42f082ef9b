"""Threads, random generators and precision of PyTorch, and threads of NumPy's BLAS."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rlbench.process.scopes import SharedScope


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
