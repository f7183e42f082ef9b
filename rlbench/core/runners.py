"""Runners: what steps environments whose arrays are tensors, the compiled loops of a CPU or the kernels of a GPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from gymnasium.error import DependencyNotInstalled
from numpy.typing import NDArray

from rlbench.core.arguments import check_memory
from rlbench.core.compiler.compile import compiled, step_loop, working_memory
from rlbench.core.compiler.ptx import Kind, kinds, ptx
from rlbench.core.cuda import Gpu, Kernel, open_gpu
from rlbench.core.world import World
from rlbench.errors import ArgumentError, shortened
from rlbench.process.imports import import_library

Tensor = Any  # torch.Tensor: torch is an extra, and has no types here

WORKING_MEMORY = 1 << 30  # bytes for the threads of a GPU to work in, which limit how many are launched at once
FEWEST_THREADS = 1 << 16  # but no fewer, with which a GPU is busy


class Call(Protocol):
    """A compiled function with its arguments."""

    def run(self, changed: Mapping[int, Tensor]) -> None:
        """Call it with other tensors for some arguments, of the same shapes."""


class Runner(Protocol):
    """What steps the environments of a device."""

    device: Any  # torch.device
    memory: tuple[Tensor, ...]  # that its threads work in
    threads: int  # which the loops are told

    def place(self, array: NDArray[Any]) -> Tensor:
        """A copy of an array, as a tensor on the device."""

    def constant(self, array: NDArray[Any]) -> Any:
        """An array that no loop writes to, as `prepare` takes it."""

    def prepare(self, kernel: str, values: Sequence[Any]) -> Call:
        """The call of "reset" or "step" with these arguments, tensors and numbers."""

    def close(self) -> None:
        """Give back what a closed environment needs no longer."""


def make_runner(device: Any, world: World, num_envs: int, parallel: bool | None) -> Runner:
    """The runner of a device.

    Args:
        device: "cpu", "cuda", "cuda:N", or a device of torch.
        world: The rules and their parameters.
        num_envs: How many environments there are.
        parallel: As of `RulesVectorEnv`, of CPUs alone.

    Raises:
        DependencyNotInstalled: torch is not installed.
        ArgumentError: There is no such device, or the environment needs a CPU.
        GpuError: No GPU can be used.
        TooLargeError: The environments do not fit into its memory.
    """
    try:
        torch = import_library("torch")
    except ModuleNotFoundError:
        raise DependencyNotInstalled('device= needs torch; pip install "rlbench[baselines]"') from None
    name = str(device) if isinstance(device, torch.device) else device
    if name == "cpu":
        return LoopRunner(world, num_envs, parallel)
    if not isinstance(name, str) or not name.startswith("cuda"):
        raise ArgumentError(f"device is 'cpu', 'cuda' or 'cuda:N', got {shortened(device)}")
    if parallel is not None:
        raise ArgumentError(f"parallel={parallel} is of CPUs; leave it out for device={name!r}")
    needs_cpu = getattr(world.rules, "needs_cpu", None)
    if needs_cpu is not None and (reason := needs_cpu(world.params)):
        raise ArgumentError(f"{reason} needs a CPU; take device='cpu'")
    return KernelRunner(open_gpu(name), world, num_envs)


class LoopRunner:
    """The compiled loops of a CPU, on the memory of tensors."""

    def __init__(self, world: World, num_envs: int, parallel: bool | None) -> None:
        check_memory(f"num_envs={num_envs}", num_envs * bytes_per_env(world))
        self.device = import_library("torch").device("cpu")
        self._world, self._num_envs, self._parallel = world, num_envs, parallel
        self._step_loop, self.threads = step_loop(world, num_envs, parallel)
        self.memory = tuple(map(self.place, working_memory(world, self.threads)))

    def place(self, array: NDArray[Any]) -> Tensor:
        """A tensor of the same values."""
        return import_library("torch").from_numpy(np.array(array, order="C"))

    def constant(self, array: NDArray[Any]) -> Any:
        """The array itself, of the very type that the loops of `RulesVectorEnv` are compiled for."""
        return array

    def prepare(self, kernel: str, values: Sequence[Any]) -> Call:
        """The call of a compiled loop."""
        loops: Any = compiled(self._world)
        types = kinds(self._world, kernel)
        if kernel == "reset":
            return LoopCall(loops.reset, None, types, values)
        return LoopCall(self._step_loop, loops.step_valid, types, values)

    def close(self) -> None:
        """Leave the thread pool, if the loop has one."""
        if (close := getattr(self._step_loop, "close", None)) is not None:
            close()

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy or a pickle makes its own loops."""
        return LoopRunner, (self._world, self._num_envs, self._parallel)


class LoopCall:
    """A compiled loop with its arguments.

    Args:
        loop: The loop, which does nothing and returns a negative number where an action is invalid.
        loop_of_valid: The one to call then; None where there are no actions.
        types: The kinds of the arguments.
        values: The arguments.
    """

    def __init__(self, loop: Any, loop_of_valid: Any, types: Sequence[Kind], values: Sequence[Any]) -> None:
        self._loop, self._loop_of_valid = loop, loop_of_valid
        torch = import_library("torch")
        self._values = [
            value.numpy().view(dtype) if isinstance(value, torch.Tensor) else value
            for (dtype, _), value in zip(types, values, strict=True)
        ]

    def run(self, changed: Mapping[int, Tensor]) -> None:
        """Call it."""
        for k, tensor in changed.items():
            self._values[k] = tensor.numpy()
        if self._loop_of_valid is None:
            self._loop(*self._values)
            return
        *values, refused = self._values
        if self._loop(*values) < 0:
            self._loop_of_valid(*values, refused, 0, len(refused), 0)


class KernelRunner:
    """The kernels of a GPU."""

    def __init__(self, gpu: Gpu, world: World, num_envs: int) -> None:
        torch = import_library("torch")
        self._gpu, self._world, self._num_envs = gpu, world, num_envs
        self.device, self.threads = gpu.device, 1
        scratch = world.working_memory().values()
        bytes_per_thread = sum(array.nbytes for array in scratch)
        busy = max(FEWEST_THREADS, WORKING_MEMORY // max(1, bytes_per_thread))
        self._at_once = at_once = min(num_envs, busy) if bytes_per_thread else num_envs
        shared = sum(np.asarray(value).nbytes for value in world.params) + at_once * bytes_per_thread
        gpu.check_memory(num_envs, bytes_per_env(world), shared)
        self.memory = tuple(
            torch.zeros((at_once, *array.shape), dtype=getattr(torch, array.dtype.name), device=self.device)
            for array in scratch
        )

    def place(self, array: NDArray[Any]) -> Tensor:
        """A copy on the GPU."""
        return import_library("torch").from_numpy(np.array(array, order="C")).to(self.device)

    def constant(self, array: NDArray[Any]) -> Any:
        """A copy on the GPU."""
        return self.place(array)

    def prepare(self, kernel: str, values: Sequence[Any]) -> Call:
        """The call of a kernel."""
        program = ptx(self._world, kernel)
        return Kernel(self._gpu, program, kinds(self._world, kernel), values, self._num_envs, self._at_once)

    def close(self) -> None:
        """Nothing: the driver unloads kernels with the process."""

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy or a pickle opens the GPU anew."""
        return make_runner, (str(self.device), self._world, self._num_envs, None)


def bytes_per_env(world: World) -> int:
    """The memory that an environment takes: its arrays, and outputs twice, those that the caller holds and new ones."""
    state = sum(np.asarray(value).nbytes for value in world.example_state())
    seen = sum(array.nbytes for array in world.observations.empty_batch(1))
    acted = sum(array.nbytes for array in world.actions.empty_batch(1))
    return state + 4 * seen + acted + 100  # final observations too; streams, counts, flags, rewards and masks
