"""Lowering: the loops of a generated module as LLVM's language, by Numba, in a process of its own.

Numba's optimiser is off, which holds for a whole process: what it makes for a CPU spills registers on a GPU. What comes
out knows neither: `compiler.ptx` gives it a target.

`main` reads a list of `Request` as JSON, and writes the modules' texts as another.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
import typing
from collections.abc import Sequence
from types import ModuleType
from typing import Any, NamedTuple

import llvmlite.binding as llvm
import numpy as np

from rlbench.core.compiler import portable_math
from rlbench.errors import one_line

Kind: typing.TypeAlias = "tuple[str, int]"
"""NumPy's name of a type, and the number of dimensions: 0 for a scalar."""

ENTRY = "ranged"
"""Name of the function that comes out: `void (its flat arguments, i64 start, i64 stop, i64 thread)`."""

INTRINSICS = {"floor": "floor", "sqrt": "sqrt", "fabs": "fabs"}
"""Functions of the C library that are one instruction of a GPU, by LLVM's names."""
PORTABLE = ("sin", "cos")
"""Functions of the C library that `compiler.portable_math` has."""


class Request(NamedTuple):
    """What is to be lowered."""

    text: str  # of the generated module
    function: str  # one that ends in the parameters start, stop, thread
    kinds: Sequence[Kind]  # of its arguments, without these three


def lowered(request: Request) -> str:
    """The text of a module of LLVM's language without a target: ENTRY, which is to take in all else."""
    module = _executed(request.text, "kernel")
    kinds = [*request.kinds, *[("int64", 0)] * 3]
    name, text = _compiled(vars(module)[request.function].py_func, [_type(*kind) for kind in kinds])
    parts = [_entry(name, text)]
    for each in PORTABLE:
        text, uses = re.subn(rf"@(llvm\.{each}\.f64|{each})\(", f"@portable_{each}(", text)
        if uses:
            parts += _portable(each)
    whole = llvm.parse_assembly(text)
    for part in parts:
        whole.link_in(llvm.parse_assembly(part))
    for each in (*whole.functions, *whole.global_variables):
        if not each.is_declaration and each.name != ENTRY:
            each.linkage = "internal"
    whole.verify()
    # By the text, as older versions of llvmlite put a function's attribute elsewhere.
    return re.sub(r"^(define (?:internal )?.*) \{$", r"\1 alwaysinline {", str(whole), flags=re.MULTILINE)


def _executed(text: str, name: str) -> ModuleType:
    """The module of a generated text, whose functions count no references when they are compiled."""
    from numba.core.dispatcher import Dispatcher

    module = ModuleType(name)
    sys.modules[name] = module
    exec(compile(text, f"{name}.py", "exec"), vars(module))
    for each in vars(module).values():
        if isinstance(each, Dispatcher):
            each.targetoptions["_nrt"] = False
    return module


def _type(dtype: str, dimensions: int) -> Any:
    """Numba's type of a kind of argument; arrays are in C's order."""
    from numba.core import types
    from numba.np.numpy_support import from_dtype

    scalar = from_dtype(np.dtype(dtype))
    return types.Array(scalar, dimensions, "C") if dimensions else scalar


def _compiled(function: Any, types: list[Any]) -> tuple[str, str]:
    """A function's name in LLVM's language, and its module's text without a target."""
    from numba.core import compiler
    from numba.core.registry import cpu_target

    flags = compiler.Flags()
    flags.error_model = "numpy"
    flags.nrt = False
    flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
    contexts = cpu_target.typing_context, cpu_target.target_context
    result = compiler.compile_extra(*contexts, function, tuple(types), None, flags, {})
    return result.fndesc.llvm_func_name, _without_target(result.library.get_llvm_str())


def _without_target(text: str) -> str:
    """The text for any machine, and without functions of the C library that are instructions."""
    for ours, theirs in INTRINSICS.items():
        text = text.replace(f"@{ours}(", f"@llvm.{theirs}.f64(")
    text = re.sub(r"^target (triple|datalayout) = .*$", "", text, flags=re.MULTILINE)
    return re.sub(r'"(target-cpu|target-features|tune-cpu)"="[^"]*"', "", text)


def _entry(name: str, text: str) -> str:
    """ENTRY, which calls a function that Numba has compiled and drops its status: kernels raise no exceptions."""
    types = [str(each.type) for each in llvm.parse_assembly(text).get_function(name).arguments][2:]
    parameters = ", ".join(f"{kind} %a{k}" for k, kind in enumerate(types))
    return _calling(f"void @{ENTRY}", name, parameters, types, "ret void")


def _portable(each: str) -> list[str]:
    """The modules that define one of PORTABLE."""
    from numba import njit
    from numba.core import types

    module = ModuleType("portable")
    exec(inspect.getsource(portable_math), vars(module))
    for name, function in list(vars(module).items()):
        if inspect.isfunction(function):
            setattr(module, name, njit(error_model="numpy", forceinline=True, _nrt=False)(function))
    name, text = _compiled(getattr(module, f"portable_{each}").py_func, [types.float64])
    result = "%value = load double, ptr %result\n  ret double %value"
    return [_calling(f"double @portable_{each}", name, "double %a0", ["double"], result), text]


def _calling(head: str, name: str, parameters: str, types: list[str], last: str) -> str:
    """The text of a function that passes its parameters a0, a1, ... on to a function of Numba's."""
    arguments = ", ".join(f"{kind} %a{k}" for k, kind in enumerate(types))
    return f"""
declare i32 @{name}(ptr, ptr, {", ".join(types)})

define {head}({parameters}) {{
  %result = alloca i64
  %exception = alloca ptr
  %status = call i32 @{name}(ptr %result, ptr %exception, {arguments})
  {last}
}}
"""


def main() -> int:
    """Answer the requests on standard input; 1 with the reason as one line where a text cannot be compiled."""
    try:
        texts = [lowered(Request(*each)) for each in json.load(sys.stdin)]
    except Exception as error:  # of Numba, which has many kinds
        sys.stderr.write(f"{one_line(error)}\n")
        return 1
    json.dump(texts, sys.stdout)
    return 0
