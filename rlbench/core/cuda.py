"""NVIDIA's GPUs, by their driver's own library: kernels are loaded from PTX and launched on torch's current stream.

Nothing here waits for the GPU but the question of how much memory is free, which is asked when an environment is made.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rlbench.core.compiler.ptx import LAUNCH, OLDEST_GPU, FlatArguments, Kind
from rlbench.errors import ArgumentError, TooLargeError, UserError, shortened
from rlbench.process.imports import import_library

THREADS = 128  # of a block; kernels take up to 205 registers, so 255 could not have 256 threads
OLDEST_DRIVER = 11_000  # CUDA 11.0, the first that knows PTX 7.0
NO_GPU, TOO_NEW, UNKNOWN_GPU = 100, 222, 209  # CUresult: NO_DEVICE, UNSUPPORTED_PTX_VERSION, NO_BINARY_FOR_GPU
CAPABILITY_MAJOR, CAPABILITY_MINOR = 75, 76  # CUdevice_attribute
GIB = 1 << 30


class GpuError(UserError, RuntimeError):
    """A GPU or a driver that is not there, is too old, or refuses something."""


class NoGpuError(GpuError):
    """There is no GPU, or no driver."""


class Driver:
    """NVIDIA's driver.

    Args:
        library: Its library, libcuda, as of `ctypes.CDLL`.

    Raises:
        GpuError: It finds no GPU, or is too old.
    """

    def __init__(self, library: Any) -> None:
        self._library = library
        self.call("cuInit", 0)
        version, count = ctypes.c_int(), ctypes.c_int()
        self.call("cuDriverGetVersion", ctypes.byref(version))
        self.version: int = version.value  # 1000 times the major number and 10 times the minor one of its CUDA
        if self.version < OLDEST_DRIVER:
            raise GpuError(f"the NVIDIA driver is for CUDA {self.cuda}; install one for CUDA 11.0 or newer")
        self.call("cuDeviceGetCount", ctypes.byref(count))
        self.count: int = count.value

    @property
    def cuda(self) -> str:
        """The newest version of CUDA that the driver knows."""
        return f"{self.version // 1000}.{self.version % 1000 // 10}"

    def call(self, function: str, *arguments: Any) -> None:
        """Call a function of the library; GpuError names what it answers where it fails."""
        code = getattr(self._library, function)(*arguments)
        if code == NO_GPU:
            raise NoGpuError("the NVIDIA driver finds no GPU; take device='cpu'")
        if code == TOO_NEW:
            raise GpuError(f"the NVIDIA driver, for CUDA {self.cuda}, is too old for PTX 7.0; install a newer one")
        if code == UNKNOWN_GPU:
            raise GpuError(f"the GPU is older than {OLDEST_GPU}, the oldest that kernels are for; take device='cpu'")
        if code:
            raise GpuError(f"{function} of the NVIDIA driver failed: {self._error(code)}")

    def _error(self, code: int) -> str:
        name = ctypes.c_char_p()
        known = self._library.cuGetErrorName(code, ctypes.byref(name)) == 0 and name.value
        return name.value.decode() if known and name.value else f"error {code}"


@functools.cache
def open_driver() -> Driver:
    """The driver of this machine; GpuError where there is none."""
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        library = ctypes.CDLL(name)
    except OSError:
        raise NoGpuError(f"no NVIDIA driver is installed: {name} cannot be loaded; take device='cpu'") from None
    return Driver(library)


class Gpu:
    """One GPU: its memory, and kernels on it.

    Args:
        driver: The driver.
        index: Of the GPU among those that the driver shows.
        device: The same for torch.
    """

    def __init__(self, driver: Driver, index: int, device: Any) -> None:
        self.driver, self.device = driver, device
        number, self._context = ctypes.c_int(), ctypes.c_void_p()
        driver.call("cuDeviceGet", ctypes.byref(number), index)
        name = ctypes.create_string_buffer(100)
        driver.call("cuDeviceGetName", name, len(name), number)
        self.name = name.value.decode(errors="replace")
        parts = []
        for attribute in (CAPABILITY_MAJOR, CAPABILITY_MINOR):
            part = ctypes.c_int()
            driver.call("cuDeviceGetAttribute", ctypes.byref(part), attribute, number)
            parts.append(part.value)
        self.architecture = f"sm_{parts[0]}{parts[1]}"
        if 10 * parts[0] + parts[1] < int(OLDEST_GPU.removeprefix("sm_")):
            raise GpuError(f"{self.name} is {self.architecture}; kernels are for {OLDEST_GPU} and newer")
        driver.call("cuDevicePrimaryCtxRetain", ctypes.byref(self._context), number)  # the one that torch uses

    @contextlib.contextmanager
    def current(self) -> Iterator[None]:
        """The driver's calls inside are for this GPU, on any thread."""
        self.driver.call("cuCtxPushCurrent_v2", self._context)
        try:
            yield
        finally:
            self.driver.call("cuCtxPopCurrent_v2", ctypes.byref(ctypes.c_void_p()))

    def load(self, ptx: str) -> ctypes.c_void_p:
        """The function of a kernel, which the driver compiles for this GPU."""
        module, function = ctypes.c_void_p(), ctypes.c_void_p()
        with self.current():
            self.driver.call("cuModuleLoadData", ctypes.byref(module), ptx.encode() + b"\0")
            self.driver.call("cuModuleGetFunction", ctypes.byref(function), module, LAUNCH.encode())
        return function

    def launch(self, function: ctypes.c_void_p, threads: int, arguments: FlatArguments) -> None:
        """Put a kernel on torch's current stream.

        Args:
            function: Of the kernel.
            threads: At least this many are launched.
            arguments: Copied by the driver, so that they may change when this returns.
        """
        size = (-(-threads // THREADS), 1, 1, THREADS, 1, 1)
        stream = ctypes.c_void_p(self.stream())
        with self.current():
            self.driver.call("cuLaunchKernel", function, *size, 0, stream, arguments.pointers, None)

    def stream(self) -> int:
        """The address of torch's current stream on this GPU."""
        torch = import_library("torch")
        return int(torch.cuda.current_stream(self.device).cuda_stream)

    def free_memory(self) -> int:
        """Bytes that can be allocated, with what torch holds unused."""
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        with self.current():
            self.driver.call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
        cuda = import_library("torch").cuda
        return free.value + int(cuda.memory_reserved(self.device)) - int(cuda.memory_allocated(self.device))

    def check_memory(self, num_envs: int, bytes_per_env: int, bytes_for_all: int) -> None:
        """Raise TooLargeError, which says how many fit, where so many environments do not fit into the free memory."""
        needed, free = num_envs * bytes_per_env + bytes_for_all, self.free_memory()
        if needed > free:
            fit = max(0, free - bytes_for_all) // bytes_per_env
            raise TooLargeError(
                f"num_envs={num_envs}: they take {needed / GIB:.3g} GiB, {self.device} has {free / GIB:.3g} GiB free: "
                f"{fit:,} fit"
            )


class Kernel:
    """A kernel with its arguments.

    Args:
        gpu: Where it runs.
        ptx: Its program.
        kinds: Of its arguments.
        values: The arguments, tensors and numbers.
        num_envs: How many environments there are.
        threads: The most of a launch, where threads have memory to work in; as many launches follow as are needed.
    """

    def __init__(
        self, gpu: Gpu, ptx: str, kinds: Sequence[Kind], values: Sequence[Any], num_envs: int, threads: int
    ) -> None:
        self._gpu, self._function = gpu, gpu.load(ptx)
        self._count, self._threads = num_envs, threads
        self._arguments = FlatArguments(kinds)
        for k, ((_, dimensions), value) in enumerate(zip(kinds, values, strict=True)):
            if dimensions:
                self._arguments.set_array(k, value.data_ptr(), tuple(value.shape))
            else:
                self._arguments.set_scalar(k, value)

    def run(self, changed: Mapping[int, Any]) -> None:
        """Put it on torch's current stream, with other tensors for some arguments, of the same shapes."""
        for k, tensor in changed.items():
            self._arguments.point(k, tensor.data_ptr())
        for first in range(0, self._count, self._threads):
            count = min(first + self._threads, self._count)
            self._arguments.set_range(first, count)
            self._gpu.launch(self._function, count - first, self._arguments)


def open_gpu(name: str) -> Gpu:
    """The GPU of torch's name.

    Args:
        name: "cuda" for torch's current one, or "cuda:N".

    Raises:
        GpuError: There is none, the driver or the GPU is too old, or torch is a build without CUDA.
        ArgumentError: There is no GPU of that number.
    """
    if not (found := re.fullmatch(r"cuda(?::(\d+))?", name)):
        raise ArgumentError(f"device is 'cpu', 'cuda' or 'cuda:N', got {shortened(name)}")
    driver, torch = open_driver(), import_library("torch")
    if torch.version.cuda is None:
        raise GpuError(
            f"torch {torch.__version__} is built without CUDA; install a build with it, or take device='cpu'"
        )
    if not torch.cuda.is_available():
        built = torch.version.cuda
        raise GpuError(f"the NVIDIA driver, for CUDA {driver.cuda}, does not fit this torch, built for CUDA {built}")
    index = torch.cuda.current_device() if found[1] is None else int(found[1])
    if index >= driver.count:
        raise ArgumentError(f"device='{name}' is not there; the driver shows cuda:0 to cuda:{driver.count - 1}")
    torch.cuda.init()
    return Gpu(driver, index, torch.device("cuda", index))
