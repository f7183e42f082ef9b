"""Words in memory that threads share, and calls of functions at addresses: intrinsics, as text."""

from __future__ import annotations

ATOMICS = '''import platform

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

WORD = ir.IntType(64)
PAUSES = {"x86_64": ("llvm.x86.sse2.pause",), "aarch64": ("llvm.aarch64.hint", 1), "arm64": ("llvm.aarch64.hint", 1)}


def pointer(builder, address):
    return builder.inttoptr(address, WORD.as_pointer())


@intrinsic
def load(typing_context, address):
    """The word at an address."""

    def codegen(context, builder, signature, args):
        return builder.load_atomic(pointer(builder, args[0]), "seq_cst", 8)

    return types.int64(types.int64), codegen


@intrinsic
def store(typing_context, address, value):
    """Write a word."""

    def codegen(context, builder, signature, args):
        builder.store_atomic(args[1], pointer(builder, args[0]), "seq_cst", 8)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), codegen


@intrinsic
def add(typing_context, address, value):
    """Add to a word; returns the sum."""

    def codegen(context, builder, signature, args):
        before = builder.atomic_rmw("add", pointer(builder, args[0]), args[1], "seq_cst")
        return builder.add(before, args[1])

    return types.int64(types.int64, types.int64), codegen


@intrinsic
def exchange(typing_context, address, old, new):
    """Write a word if it is the old one; whether it was."""

    def codegen(context, builder, signature, args):
        pair = builder.cmpxchg(pointer(builder, args[0]), args[1], args[2], "seq_cst", "seq_cst")
        return builder.extract_value(pair, 1)

    return types.boolean(types.int64, types.int64, types.int64), codegen


@intrinsic
def pause(typing_context):
    """A moment in which a core leaves its units to others."""

    def codegen(context, builder, signature, args):
        name, *arguments = PAUSES.get(platform.machine(), ("llvm.donothing",))
        arguments = [ir.IntType(32)(value) for value in arguments]
        kind = ir.FunctionType(ir.VoidType(), [value.type for value in arguments])
        builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def call(typing_context, function, a, b, c, d):
    """Call a function at an address, which may take fewer arguments."""

    def codegen(context, builder, signature, args):
        kind = ir.FunctionType(WORD, [WORD] * 4)
        return builder.call(builder.inttoptr(args[0], kind.as_pointer()), args[1:])

    return types.int64(*[types.int64] * 5), codegen
'''
