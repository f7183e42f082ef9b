"""Kernels on the CPU: the text that becomes PTX, compiled for this machine and launched by the same flat arguments."""

import ctypes

import llvmlite.binding as llvm

from rlbench.core.compiler import ptx


class HostKernel:
    """A kernel in LLVM's language, which steps one environment after the other, as threads of a GPU would.

    Args:
        lowered: Its text, of `ptx.lower`.
        libm: Whether sine and cosine are the C library's, as in the production loops.
    """

    def __init__(self, lowered, libm=False):
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        for each in ("sin", "cos") if libm else ():
            if f"@portable_{each}(" in lowered:
                lowered = lowered.replace(f"call double @portable_{each}(", f"call double @{each}(")
                lowered += f"\ndeclare double @{each}(double)\n"
        module = llvm.parse_assembly(lowered + launcher(ptx.entry_types(lowered)))
        module.triple = llvm.get_process_triple()
        machine = llvm.Target.from_default_triple().create_target_machine(opt=3)
        ptx.optimized(module, machine)
        self.engine = llvm.create_mcjit_compiler(module, machine)  # owns the machine code
        self.engine.finalize_object()
        kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
        self.function = kind(self.engine.get_function_address(ptx.LAUNCH))

    def launch(self, arguments):
        """Run all threads of one launch: FlatArguments whose range was set."""
        first, count = arguments.slots[-2:].tolist()
        self.function(arguments.slots.ctypes.data, first, count)


def launcher(types):
    """LAUNCH of a CPU: a loop over the threads, each of which reads its arguments from the slots."""
    reads = "".join(
        f"  %p{k} = getelementptr i64, ptr %slots, i64 {k}\n  %a{k} = load {kind}, ptr %p{k}\n"
        for k, kind in enumerate(types[:-3])
    )
    given = ", ".join(f"{kind} %a{k}" for k, kind in enumerate(types[:-3]))
    return f"""
define void @{ptx.LAUNCH}(ptr %slots, i64 %first, i64 %count) {{
entry:
{reads}  br label %check
check:
  %start = phi i64 [%first, %entry], [%stop, %work]
  %stop = add i64 %start, 1
  %thread = sub i64 %start, %first
  %exists = icmp slt i64 %start, %count
  br i1 %exists, label %work, label %end
work:
  call void @{ptx.ENTRY}({given}, i64 %start, i64 %stop, i64 %thread)
  br label %check
end:
  ret void
}}
"""


def flat(kinds, values):
    """FlatArguments of NumPy arrays, which must outlive them, and of numbers."""
    arguments = ptx.FlatArguments(kinds)
    for k, value in enumerate(values):
        if kinds[k][1]:
            assert value.dtype == kinds[k][0]
            assert value.flags.c_contiguous
            arguments.set_array(k, value.ctypes.data, value.shape)
        else:
            arguments.set_scalar(k, value)
    return arguments


LOWERED = {}


def lowered(world, kernel):
    """A kernel in LLVM's language, made once for all worlds that share it."""
    if ptx.file_name(world, kernel) not in LOWERED:
        LOWERED.update({ptx.file_name(world, each): text for each, text in ptx.lower(world).items()})
    return LOWERED[ptx.file_name(world, kernel)]
