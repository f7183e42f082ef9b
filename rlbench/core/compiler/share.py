"""`share`: from a compiled loop to the threads of a pool, as the text of an intrinsic for generated modules.

A pool calls a function at an address with the address of a context. The intrinsic makes both of a compiled function and
the arguments of the loop, so that no thread needs to know what they are.
"""

from __future__ import annotations

from rlbench.core.compiler.pool_memory import BATCH_WORDS, FRAME_WORDS

WIDENED = '''def widened(function):
    """The function, compiled once for all integers, where Numba would compile it again for each constant argument."""
    template = function.get_call_template
    function.get_call_template = lambda args, kws: template(tuple(types.unliteral(each) for each in args), kws)
    return function'''
"""A helper of generated modules."""

SHARE = f"""

from numba.core import cgutils

BATCH_WORDS, FRAME_WORDS = {BATCH_WORDS}, {FRAME_WORDS}
"""
SHARE += '''


@intrinsic
def share(typing_context, pool, batch, chunk, arguments, count):
    """Let a pool do chunk(arguments, start, stop, thread) for all of `count` environments.

    Args:
        pool, batch: The addresses of their words.
        chunk, arguments, count: The work.

    Returns the sum of what `chunk` returns; raises what it raises.
    """
    called = chunk.get_call_type(typing_context, (arguments, *[types.int64] * 3), {})
    word = ir.IntType(64)

    def frame_type(context):
        return ir.LiteralStructType([context.get_value_type(arguments), word, word])

    def fields(builder, frame):
        index = ir.IntType(32)
        return [builder.gep(frame, [index(0), index(i)]) for i in range(3)]

    def runner(context, builder):
        """The function run(frame, start, stop, thread), whose frame holds the arguments and keeps an error."""
        compiled = chunk.dispatcher.overloads[called.args]
        context.add_linking_libs([compiled.library])
        name = builder.module.get_unique_name("run_chunk")
        function = ir.Function(builder.module, ir.FunctionType(word, [word] * 4), name)
        function.linkage = "internal"
        inner = ir.IRBuilder(function.append_basic_block())
        held, code, reason = fields(inner, inner.inttoptr(function.args[0], frame_type(context).as_pointer()))
        inputs = [inner.load(held), *function.args[1:]]
        status, result = context.call_internal_no_propagate(inner, compiled.fndesc, called, inputs)
        with inner.if_then(status.is_error, likely=False):
            inner.store(inner.zext(status.code, word), code)
            inner.store(inner.ptrtoint(status.excinfoptr, word), reason)
        inner.ret(inner.select(status.is_error, word(0), result))
        return function, status

    def shared_frame(context, builder, batch, values):
        """The batch's own frame with these arguments, of which only what has changed is written.

        A worker reads it from the caller's core, which takes longer than a hundred steps of a cart-pole.
        """
        kind = frame_type(context)
        words = context.get_abi_sizeof(kind) // 8
        new = cgutils.alloca_once(builder, kind)
        builder.store(ir.Constant(kind, None), new)
        builder.store(values, fields(builder, new)[0])
        if words > FRAME_WORDS:
            return new
        address = builder.add(batch, word(8 * BATCH_WORDS))
        source, target = builder.bitcast(new, word.as_pointer()), builder.inttoptr(address, word.as_pointer())
        with cgutils.for_range(builder, word(words)) as loop:
            here, there = builder.gep(source, [loop.index]), builder.gep(target, [loop.index])
            value = builder.load(here)
            with builder.if_then(builder.icmp_unsigned("!=", value, builder.load(there))):
                builder.store(value, there)
        return builder.bitcast(target, kind.as_pointer())

    def codegen(context, builder, signature, args):
        pool, batch, _, values, count = args
        function, status = runner(context, builder)
        frame = shared_frame(context, builder, batch, values)
        _, code, reason = fields(builder, frame)
        steal = builder.load(builder.inttoptr(pool, word.as_pointer()))  # the first word of a pool
        steal = builder.inttoptr(steal, ir.FunctionType(word, [word] * 5).as_pointer())
        addresses = [builder.ptrtoint(function, word), builder.ptrtoint(frame, word)]
        total = builder.call(steal, [pool, *addresses, count, batch])
        failure = builder.load(code)
        with builder.if_then(builder.icmp_unsigned("!=", failure, word(0)), likely=False):
            pointer = builder.inttoptr(builder.load(reason), status.excinfoptr.type)
            failed = status._replace(code=builder.trunc(failure, status.code.type), excinfoptr=pointer)
            context.call_conv.return_status_propagate(builder, failed)
        return total

    return types.int64(pool, batch, chunk, arguments, count), codegen

'''
