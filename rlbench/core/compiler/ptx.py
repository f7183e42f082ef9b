"""Kernels: the loops of rules as programs for NVIDIA's GPUs, made by Numba and LLVM without a GPU or its tools.

Numba makes LLVM's language of the generated loops (`compiler.lowering`); llvmlite, which Numba brings, has the back end
for PTX, which every driver compiles for its own GPU. A thread of the GPU steps one environment. Kernels of registered
ids come with the package, so that their users need no compiler; those of other rules are made once, and cached.

The text keeps each multiplication apart from the addition after it, as the CPU's loops do, so that both give the same
bits; only sine and cosine are `compiler.portable_math`'s own.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import llvmlite.binding as llvm
import numpy as np
from numpy.typing import NDArray

from rlbench.children import child_environment, search_path
from rlbench.core.compiler import cache
from rlbench.core.compiler.template import kernel_body, kernel_source
from rlbench.core.spaces import Layout
from rlbench.core.world import World
from rlbench.errors import UserError, printable
from rlbench.process.system import waitable_children

Kind: TypeAlias = "tuple[str, int]"
"""NumPy's name of a type, and the number of dimensions: 0 for a scalar."""

KERNELS = {"step": "step_valid", "reset": "reset_range"}
"""The kernels of a rules module, and the functions of the generated module that they run."""

ENTRY = "ranged"  # the function that `compiler.lowering` makes
LAUNCH = "launch"  # the function of a kernel that is launched
OLDEST_GPU = "sm_80"  # A100; drivers compile its PTX for all later GPUs
EXACT = {"ceil", "copysign", "fabs", "floor", "maxnum", "minnum", "nearbyint", "rint", "roundeven", "sqrt", "trunc"}
"""LLVM's functions of floats that a GPU computes as a CPU does."""

DEVICE_TRIPLE = "nvptx64-nvidia-cuda"
DEVICE_LAYOUT = "e-p6:32:32-i64:64-i128:128-i256:256-v16:16-v32:32-n16:32:64"
SHIPPED = Path(__file__).parent / "kernels"

STATED = {
    **dict.fromkeys(("NUMBA_OPT", "NUMBA_LOOP_VECTORIZE", "NUMBA_SLP_VECTORIZE", "NUMBA_DISABLE_JIT"), "0"),
    **dict.fromkeys(("NUMBA_BOUNDSCHECK", "NUMBA_DEBUGINFO"), "0"),
}
"""Numba's settings in the process that lowers kernels, whatever the environment says."""

BOOT = "import sys; sys.path[:] = {path!r}; from rlbench.core.compiler.lowering import main; sys.exit(main())"


def ptx(world: World, kernel: str) -> str:
    """A kernel as PTX: the one that came with the package, or from the cache, or made now.

    Args:
        world: The rules and their parameters.
        kernel: One of KERNELS.

    Raises:
        UserError: The rules cannot be compiled for a GPU.
    """
    shipped = SHIPPED / file_name(world, kernel)
    if shipped.is_file():
        return shipped.read_text(encoding="utf-8")
    prefix = f"rlbench_{_digest(kernel_source(world), versions())}_"
    if (known := cache.load(f"{prefix}{shipped.name}")) is not None:
        return known.decode()
    made = make_ptx(world)
    for each, text in made.items():
        cache.store(f"{prefix}{file_name(world, each)}", text.encode())
    return made[kernel]


def make_ptx(world: World) -> dict[str, str]:
    """All kernels of rules as PTX, made now."""
    head = f"of {world.name}, made by {versions()}.\n"
    made = {kernel: to_ptx(text, name=world.name) for kernel, text in lower(world).items()}
    return {kernel: f"// The kernel {kernel!r} {head}{text}" for kernel, text in made.items()}


def file_name(world: World, kernel: str) -> str:
    """The name of a kernel's file, which tells the kernels of all rules and of all kinds of arguments apart."""
    stem = world.name.removeprefix("rlbench.envs.").removesuffix(".rules").replace(".", "_")
    return f"{stem}.{kernel}.{_digest(kernel_body(world), json.dumps(kinds(world, kernel)))}.ptx"


def versions() -> str:
    """What a kernel is made by; other versions may make another text."""
    python = ".".join(platform.python_version_tuple()[:2])
    return f"Python {python}, numba {version('numba')}, llvmlite {version('llvmlite')}"


def _digest(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def kinds(world: World, kernel: str) -> list[Kind]:
    """The kinds of a kernel's arguments, in the order of the generated function's parameters."""
    one = ("int64", 0)
    state = world.example_state()
    observations = [_kind(each) for each in world.observations.empty_batch(1)]
    arrays = [
        *[_kind(each) for each in world.params],
        *[_batched(each) for each in (*state, *world.working_memory().values())],
        *[("uint64", 2), ("int64", 1), ("bool", 1)],  # streams, elapsed, done
    ]
    if kernel == "reset":
        options = [_kind(each) for each in world.batch_options({}, 1)]
        return [*arrays, ("bool", 1), *options, *observations]
    return [
        *arrays,
        *action_kinds(world.actions),
        *[one] * len(world.actions.sizes),
        *observations,
        *[("float64", 1), ("bool", 1), ("bool", 1)],  # rewards, terminations, truncations
        *observations,  # the final ones
        *[_batched(each) for each in world.result(state)],
        *[one] * 3,  # mode, limit, threads
        ("bool", 1),  # refused
    ]


def action_kinds(actions: Layout) -> list[Kind]:
    """The kinds of a batch's actions: int64 where a leaf is Discrete, else float64."""
    given = [_kind(each) for each in actions.empty_batch(1)]
    return [("int64" if np.dtype(dtype).kind in "iu" else "float64", count) for dtype, count in given]


def _kind(value: Any) -> Kind:
    array = np.asarray(value)
    return array.dtype.name, array.ndim


def _batched(value: Any) -> Kind:
    dtype, dimensions = _kind(value)
    return dtype, dimensions + 1


def lower(world: World) -> dict[str, str]:
    """All kernels in LLVM's language, for no machine yet; made in a process of its own, as Numba's settings are global.

    Raises:
        UserError: The rules cannot be compiled for a GPU.
    """
    requests = [(kernel_source(world), function, kinds(world, kernel)) for kernel, function in KERNELS.items()]
    with waitable_children():
        done = subprocess.run(
            [sys.executable, "-c", BOOT.format(path=search_path())],
            input=json.dumps(requests),
            capture_output=True,
            env=child_environment(**STATED),
            encoding="utf-8",
            errors="replace",
        )
    if done.returncode:
        reason = printable(done.stderr) or f"exit status {done.returncode}"
        raise UserError(f"{world.name} cannot be compiled for a GPU: {reason}; leave out device=")
    return dict(zip(KERNELS, json.loads(done.stdout), strict=True))


def to_ptx(lowered: str, gpu: str = OLDEST_GPU, name: str = "the kernel") -> str:
    """PTX of a kernel in LLVM's language, whose function LAUNCH takes the flat arguments and a range of environments.

    Args:
        lowered: The kernel.
        gpu: The oldest GPU that it is for.
        name: Of the rules, for messages.

    Raises:
        UserError: The rules need what a GPU computes otherwise than a CPU, or not at all.
    """
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    text = f'target datalayout = "{DEVICE_LAYOUT}"\ntarget triple = "{DEVICE_TRIPLE}"\n'
    module = llvm.parse_assembly(f"{text}{lowered}{_launcher(entry_types(lowered))}")
    machine = llvm.Target.from_triple(DEVICE_TRIPLE).create_target_machine(cpu=gpu, opt=3)
    optimized(module, machine)
    if foreign := _foreign(str(module)):
        raise UserError(
            f"{name} cannot be compiled for a GPU, which has no {' and no '.join(foreign)} of the same bits"
        )
    return str(machine.emit_assembly(module))


def _foreign(text: str) -> list[str]:
    """What a kernel in LLVM's language calls that a GPU has not, or not with the same bits."""
    called = set(re.findall(r"\bcall\b[^@\n]*@([\w.$]+)\(", text))
    floats = {each: found[1] for each in called if (found := re.fullmatch(r"llvm\.(\w+)\.f(?:16|32|64)", each))}
    others = {each for each in called if not each.startswith("llvm.")}
    remainder = {"remainder of floats"} if re.search(r"= frem\b", text) else set()  # x - y trunc(x / y) there
    return sorted({*floats.values()} - EXACT | others | remainder)


def optimized(module: Any, machine: Any) -> None:
    """Take all functions into LAUNCH, and optimise it; LLVM contracts no operations unless it is told to."""
    module.get_function(ENTRY).linkage = "internal"
    module.verify()
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
    builder.getModulePassManager().run(module, builder)


def entry_types(lowered: str) -> list[str]:
    """The types of ENTRY's flat arguments, by LLVM's names; the last three are start, stop and thread."""
    function = llvm.parse_assembly(lowered).get_function(ENTRY)
    return [str(each.type) for each in function.arguments]


def _launcher(types: Sequence[str]) -> str:
    """LAUNCH: the threads of a GPU, one for each environment from `first` on, up to `count` - 1."""
    given = [f"{kind} %a{k}" for k, kind in enumerate(types[:-3])]
    registers = ("ctaid", "ntid", "tid")
    reads = "".join(f"  %{each}.read = call i32 @llvm.nvvm.read.ptx.sreg.{each}.x()\n" for each in registers)
    wide = "".join(f"  %{each} = zext i32 %{each}.read to i64\n" for each in registers)
    declared = "".join(f"declare i32 @llvm.nvvm.read.ptx.sreg.{each}.x()\n" for each in registers)
    return f"""
define ptx_kernel void @{LAUNCH}({", ".join([*given, "i64 %first", "i64 %count"])}) {{
{reads}{wide}  %before = mul i64 %ctaid, %ntid
  %thread = add i64 %before, %tid
  %start = add i64 %first, %thread
  %stop = add i64 %start, 1
  %exists = icmp slt i64 %start, %count
  br i1 %exists, label %work, label %end
work:
  call void @{ENTRY}({", ".join([*given, "i64 %start, i64 %stop, i64 %thread"])})
  br label %end
end:
  ret void
}}
{declared}"""


class FlatArguments:
    """A kernel's arguments as a driver takes them: a slot of eight bytes for each number, and a pointer to each slot.

    Of an array the function takes two pointers that it does not use, the number of elements, the bytes of one, the
    pointer to the first, the shape, and the strides in bytes.

    Args:
        kinds: Of the arguments.
    """

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self._kinds = kinds
        sizes = [5 + 2 * dimensions if dimensions else 1 for _, dimensions in kinds]
        self._starts = np.cumsum([0, *sizes]).tolist()
        self.slots: NDArray[np.int64] = np.zeros(self._starts[-1] + 2, np.int64)
        address = self.slots.ctypes.data
        self.pointers = (ctypes.c_void_p * len(self.slots))(*range(address, address + self.slots.nbytes, 8))

    def set_array(self, k: int, pointer: int, shape: Sequence[int]) -> None:
        """Describe argument k, a contiguous array at an address of the device."""
        dtype, dimensions = self._kinds[k]
        if len(shape) != dimensions:
            raise ValueError(f"argument {k} has {dimensions} dimensions, not {len(shape)}")
        itemsize = np.dtype(dtype).itemsize
        strides = [itemsize * int(np.prod(shape[axis + 1 :])) for axis in range(dimensions)]
        start = self._starts[k]
        self.slots[start : start + 5] = (0, 0, int(np.prod(shape)), itemsize, pointer)
        self.slots[start + 5 : self._starts[k + 1]] = [*shape, *strides]

    def point(self, k: int, pointer: int) -> None:
        """Give argument k, an array that was described, another address."""
        self.slots[self._starts[k] + 4] = pointer

    def set_scalar(self, k: int, value: Any) -> None:
        """Set argument k, a number."""
        dtype, _ = self._kinds[k]
        slot = self.slots[self._starts[k] : self._starts[k] + 1]
        slot.view(np.float64 if dtype == "float64" else np.int64)[0] = value

    def set_range(self, first: int, count: int) -> None:
        """Set the first environment of a launch, and how many there are in all: the last arguments of every kernel."""
        self.slots[-2:] = (first, count)
