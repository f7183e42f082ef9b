"""NVIDIA's driver as a Python object: kernels that it launches run on the CPU."""

import contextlib
import ctypes
from unittest import mock

import torch

from rlbench.core import runners
from rlbench.core.compiler import ptx
from rlbench.core.cuda import Driver, Gpu
from tests import pretend_device
from tests.core.compiler.host_kernel import HostKernel, lowered


class FakeLibrary:
    """What `ctypes.CDLL("libcuda.so.1")` would be on a machine with GPUs.

    Args:
        kernels: The kernels that it can load, in LLVM's language, by their PTX.
        codes: What functions answer that fail, by name.
        version: Of CUDA, as the driver numbers it.
        count: How many GPUs there are.
        capability: Of each.
        free: Bytes of memory.
        libm: Whether sine and cosine are the C library's.
    """

    def __init__(self, kernels=(), codes=(), version=13_000, count=1, capability=(9, 0), free=1 << 40, libm=True):
        self.kernels, self.codes = dict(kernels), dict(codes)
        self.version, self.count, self.capability, self.free = version, count, capability, free
        self.libm = libm
        self.loaded, self.launches, self.contexts = {}, [], 0

    def __getattribute__(self, name):
        if name.startswith("cu") and name in self.codes:
            return lambda *arguments: self.codes[name]
        return super().__getattribute__(name)

    def cuInit(self, flags):
        return 0

    def cuDriverGetVersion(self, version):
        version._obj.value = self.version
        return 0

    def cuDeviceGetCount(self, count):
        count._obj.value = self.count
        return 0

    def cuDeviceGet(self, number, index):
        number._obj.value = index
        return 0

    def cuDeviceGetName(self, name, size, number):
        name.value = b"Pretend GPU"
        return 0

    def cuDeviceGetAttribute(self, value, attribute, number):
        value._obj.value = self.capability[attribute - 75]
        return 0

    def cuDevicePrimaryCtxRetain(self, context, number):
        context._obj.value = 7
        return 0

    def cuCtxPushCurrent_v2(self, context):
        assert context.value == 7
        self.contexts += 1
        return 0

    def cuCtxPopCurrent_v2(self, context):
        self.contexts -= 1
        return 0

    def cuMemGetInfo_v2(self, free, total):
        free._obj.value, total._obj.value = self.free, 2 * self.free
        return 0

    def cuModuleLoadData(self, module, text):
        assert text.endswith(b"\0")
        module._obj.value = len(self.loaded) + 1
        self.loaded[module._obj.value] = HostKernel(self.kernels[text[:-1].decode()], libm=self.libm)
        return 0

    def cuModuleGetFunction(self, function, module, name):
        assert name == b"launch"
        function._obj.value = module.value
        return 0

    def cuLaunchKernel(self, function, *rest):
        """Run the threads, as far as their environments exist; `rest` is as for CUDA."""
        blocks, _, _, threads, _, _, shared, stream, pointers, extra = rest
        assert (self.contexts, shared, extra) == (1, 0, None)
        first, count = (ctypes.c_int64.from_address(pointers[k]).value for k in (-2, -1))
        slots = ctypes.string_at(pointers[0], 8 * len(pointers))
        self.launches.append((first, blocks * threads, stream.value, slots))
        run, last = self.loaded[function.value].function, min(count, first + blocks * threads)
        kept = ctypes.create_string_buffer(slots)  # as CUDA copies the arguments of a launch
        pretend_device.LOG.record(lambda: run(ctypes.addressof(kept), first, last))
        run(pointers[0], first, last)
        return 0

    def cuGetErrorName(self, code, name):
        name._obj.value = b"CUDA_ERROR_OF_TESTS"
        return 0


@contextlib.contextmanager
def gpu_on_the_cpu(library, device=torch.device("cpu")):  # noqa: B008  # a constant
    """Inside, `device="cuda"` is this GPU, whose kernels run on the CPU.

    Args:
        library: A FakeLibrary, which is given the kernels that are asked for.
        device: What torch takes for the GPU's memory.
    """

    def lower(world, kernel):
        library.kernels[ptx.file_name(world, kernel)] = lowered(world, kernel)
        return ptx.file_name(world, kernel)

    gpu = Gpu(Driver(library), 0, device)
    gpu.stream, gpu.free_memory = lambda: 42, lambda: library.free
    with mock.patch.object(runners, "ptx", lower), mock.patch.object(runners, "open_gpu", return_value=gpu):
        yield gpu
