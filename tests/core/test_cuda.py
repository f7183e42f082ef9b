"""NVIDIA's driver: what it answers, and what is said of it, by a stand-in for its library."""

import ctypes

import numpy as np
import pytest
import torch

from rlbench.core import cuda
from rlbench.core.compiler import ptx
from rlbench.core.compiler.ptx import FlatArguments
from rlbench.core.world import World
from rlbench.errors import ArgumentError, UserError
from tests.core.compiler.host_kernel import lowered
from tests.core.fake_cuda import FakeLibrary

MISTAKES = [
    ({"codes": {"cuInit": 100}}, "the NVIDIA driver finds no GPU; take device='cpu'"),
    ({"version": 10_020}, "the NVIDIA driver is for CUDA 10.2; install one for CUDA 11.0 or newer"),
    ({"capability": (7, 5)}, "Pretend GPU is sm_75; kernels are for sm_80 and newer"),
    ({"codes": {"cuModuleLoadData": 222}}, "the NVIDIA driver, for CUDA 13.0, is too old for PTX 7.0"),
    ({"codes": {"cuModuleLoadData": 209}}, "the GPU is older than sm_80"),
    ({"codes": {"cuModuleLoadData": 218}}, "cuModuleLoadData of the NVIDIA driver failed: CUDA_ERROR_OF_TESTS"),
    ({"codes": {"cuDevicePrimaryCtxRetain": 2, "cuGetErrorName": 1}}, "the NVIDIA driver failed: error 2"),
]


@pytest.mark.parametrize(("library", "message"), MISTAKES)
def test_what_the_driver_lacks_is_said_in_one_line(library, message):
    with pytest.raises(cuda.GpuError) as error:
        cuda.Gpu(cuda.Driver(FakeLibrary(**library)), 0, torch.device("cpu")).load("")
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert isinstance(error.value, UserError)


def test_no_driver_at_all(monkeypatch):
    def missing(name):
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(cuda.ctypes, "CDLL", missing)
    with pytest.raises(
        cuda.GpuError, match=r"^no NVIDIA driver is installed: \S+ cannot be loaded; take device='cpu'$"
    ):
        cuda.open_driver.__wrapped__()


@pytest.fixture
def driver(monkeypatch):
    """The driver of a machine with two GPUs, whose torch has CUDA."""
    found = cuda.Driver(FakeLibrary(count=2))
    monkeypatch.setattr(cuda, "open_driver", lambda: found)
    monkeypatch.setattr(torch.version, "cuda", "12.6")
    for name, value in {"is_available": True, "current_device": 1, "init": None}.items():
        monkeypatch.setattr(torch.cuda, name, lambda value=value: value)
    return found


def test_names_of_gpus_are_those_of_torch(driver):
    assert [cuda.open_gpu(name).device.index for name in ("cuda", "cuda:0", "cuda:1")] == [1, 0, 1]
    assert cuda.open_gpu("cuda").architecture == "sm_90"
    with pytest.raises(ArgumentError, match="device='cuda:2' is not there; the driver shows cuda:0 to cuda:1"):
        cuda.open_gpu("cuda:2")
    for name in ("cuda:", "cuda:-1", "cuda:x", "cuda0", "cuda:1 "):
        with pytest.raises(ArgumentError, match="device is 'cpu', 'cuda' or 'cuda:N', got "):
            cuda.open_gpu(name)


def test_torch_without_cuda_and_with_a_newer_one(driver, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(cuda.GpuError, match=r"for CUDA 13\.0, does not fit this torch, built for CUDA 12\.6"):
        cuda.open_gpu("cuda")
    monkeypatch.setattr(torch.version, "cuda", None)
    with pytest.raises(cuda.GpuError, match=r"torch \S+ is built without CUDA; install a build with it"):
        cuda.open_gpu("cuda")


def test_free_memory_is_the_drivers_and_what_torch_holds_unused(driver, monkeypatch):
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 700)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 300)
    assert cuda.open_gpu("cuda").free_memory() == (1 << 40) + 400


def test_a_kernel_is_launched_in_parts_on_torchs_stream():
    world = World("rlbench.envs.cart_pole.rules", None, {})
    library = FakeLibrary({"text": lowered(world, "reset")})
    gpu = cuda.Gpu(cuda.Driver(library), 0, torch.device("cpu"))
    gpu.stream = lambda: 5
    kinds, count = ptx.kinds(world, "reset"), 300
    values = [
        torch.zeros((count, *[4] * (dimensions - 1)), dtype=getattr(torch, dtype.replace("uint64", "int64")))
        if dimensions
        else float(world.params[k])
        for k, (dtype, dimensions) in enumerate(kinds)
    ]
    first = len(world.params)
    mask = torch.ones(count, dtype=torch.bool)
    values[first + 7] = mask
    values[first + 4] += torch.arange(4 * count).reshape(count, 4)  # streams that differ
    kernel = cuda.Kernel(gpu, "text", kinds, values, count, 130)
    observations = torch.full((count, 4), torch.nan)
    kernel.run({len(kinds) - 1: observations})
    assert [each[:3] for each in library.launches] == [
        (0, 256, 5),
        (130, 256, 5),
        (260, 128, 5),
    ]
    assert observations.isfinite().all()
    assert values[-1].eq(0).all()  # the tensor that was replaced


def test_flat_arguments_describe_arrays_as_numba_does():
    arguments = FlatArguments([("float64", 0), ("float32", 3), ("bool", 0), ("int64", 1)])
    arguments.set_scalar(0, 0.5)
    arguments.set_array(1, 4096, (5, 2, 3))
    arguments.set_scalar(2, True)
    arguments.set_array(3, 8192, (7,))
    arguments.point(3, 8200)
    arguments.set_range(3, 5)
    slots = arguments.slots
    assert slots[:1].view(np.float64)[0] == 0.5
    assert slots[1:].tolist() == [0, 0, 30, 4, 4096, 5, 2, 3, 24, 12, 4, 1, 0, 0, 7, 8, 8200, 7, 8, 3, 5]
    assert [ctypes.c_int64.from_address(each).value for each in arguments.pointers] == slots.tolist()
    with pytest.raises(ValueError, match="argument 3 has 1 dimensions, not 2"):
        arguments.set_array(3, 0, (1, 1))
