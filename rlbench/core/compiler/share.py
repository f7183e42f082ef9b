"""`share`: from a compiled loop to the threads of a pool, as the text of an intrinsic for generated modules.

A pool calls a function at an address with the address of a context. The intrinsic makes both of a compiled function and
the arguments of the loop, so that no thread needs to know what they are.
"""

from __future__ import annotations

WIDENED = '''def widened(function):
    """The function, compiled once for all integers, where Numba would compile it again for each constant argument."""
    template = function.get_call_template
    function.get_call_template = lambda args, kws: template(tuple(types.unliteral(each) for each in args), kws)
    return function'''
"""A helper of generated modules."""

SHARE = '''

from numba.core import cgutils


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

    def codegen(context, builder, signature, args):
        pool, batch, _, values, count = args
        function, status = runner(context, builder)
        frame = cgutils.alloca_once(builder, frame_type(context))
        held, code, reason = fields(builder, frame)
        builder.store(values, held)
        builder.store(word(0), code)
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
