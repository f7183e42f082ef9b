"""Code generation from rules: the arrays of a batch, one per field of the state, and how element i is read and written.

`rlbench.core.compiler.template` has the template that these pieces complete.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from rlbench.core.spaces import Layout
from rlbench.core.world import World

STEP_ARGUMENTS = (
    "{params}, {fields}, {memory}streams, elapsed, done, {actions}, {sizes}{observations}, rewards, terminations, "
    "truncations, {final}, {results}mode, limit, threads"
)
RESET_ARGUMENTS = "{params}, {fields}, {memory}streams, elapsed, done, mask, {options}{observations}"
PADDING = 8  # rows of memory per thread, of which it uses the first: false sharing of cache lines would slow it down


def pieces(world: World, padding: int = PADDING) -> dict[str, str]:
    """The parts of the loops that depend on the rules: their state's fields, spaces, draws, options and results.

    Args:
        world: The rules and their parameters.
        padding: Rows of working memory per thread.
    """
    state = world.example_state()
    fields = {name: f"field_{name}" for name in state._fields}
    scalars = {name: fields[name] for name, value in state._asdict().items() if not np.ndim(value)}
    load = ", ".join(f"{field}[i]" for field in fields.values())
    filling = {
        "params": ", ".join(f"param_{name}" for name in world.params._fields),
        "fields": ", ".join(fields.values()),
        "load": load,
        "blank": f", State({load})" if world.blank() else "",
        # Code that makes no array need not count references, which is half of what a small glimpse costs.
        "flags": ", _nrt=False" if world.blank() else "",
        "store": _store(scalars, "state"),  # arrays are written in place
        "memory": "".join(f"{array}, " for array in world.working_memory()),
        "work": _work(world.scratch(), padding),
        "initial_work": _work(world.scratch(), padding) if world.initial_takes_scratch else "",
        "initial_draws": _random_draws(world, 0, padding),
        "transition_draws": _random_draws(world, 1, padding),
        "given_draws": _given_draws(world, 0),
        "given_transition_draws": _given_draws(world, 1),
        **_observation_pieces(world.observations),
        **_action_pieces(world.actions),
        **_option_pieces(world.options),
        **_result_pieces(world.result(state)),
    }
    return {
        **filling,
        "step_arguments": STEP_ARGUMENTS.format(**filling),
        "reset_arguments": RESET_ARGUMENTS.format(**filling),
    }


def _store(fields: Mapping[str, str], record: str) -> str:
    return "\n".join(f"{array}[i] = {record}.{name}" for name, array in fields.items())


def _arrays(prefix: str, layout: Layout) -> dict[str, Any]:
    """The leaves of a space by the names of the arrays that hold them."""
    return {f"{prefix}_{name}" if name else prefix: leaf for name, leaf in layout.leaves.items()}


def _value(layout: Layout, leaves: Iterable[str]) -> str:
    """The leaves as the rules know them: the only one, or a record of several."""
    listed = ", ".join(leaves)
    return listed if layout.record is None else f"{layout.record.__name__}({listed})"


def _observation_pieces(layout: Layout) -> dict[str, str]:
    """The arrays of the observation and of the final one, and how those of environment i are written."""
    arrays, final = _arrays("observations", layout), _arrays("final", layout)
    out = (f"{name}[i]" if leaf.shape else f"{name}[i : i + 1]" for name, leaf in arrays.items())
    copies = (
        f"copy({a}[i], {b}[i])" if leaf.shape else f"{a}[i] = {b}[i]"
        for (a, leaf), b in zip(final.items(), arrays, strict=True)
    )
    return {
        "observations": ", ".join(arrays),
        "out": _value(layout, out),
        "final": ", ".join(final),
        "copy_final": "\n".join(copies),
    }


def _action_pieces(layout: Layout) -> dict[str, str]:
    """The arrays of the action, how that of environment i is read, and when it is valid."""
    arrays = _arrays("actions", layout)
    read = (f"{name}[i, 0]" if leaf.shape == (1,) else f"{name}[i]" for name, leaf in arrays.items())
    valid = (condition for name, leaf in arrays.items() for condition in _conditions(name, leaf))
    return {
        "actions": ", ".join(arrays),
        "first_action": next(iter(arrays)),
        "sizes": "".join(f"{name}_n, " for name, leaf in arrays.items() if isinstance(leaf, spaces.Discrete)),
        "action": _value(layout, read),
        "valid_action": " and ".join(valid),
    }


def _conditions(name: str, leaf: Any) -> Iterator[str]:
    if isinstance(leaf, spaces.Discrete):
        yield f"0 <= {name}[i] < {name}_n"  # an argument, so that one text serves all sizes of board
        return
    low, high = leaf.low.astype(float).tolist(), leaf.high.astype(float).tolist()
    for k, (a, b) in enumerate(zip(low, high, strict=True)):
        yield f"{a!r} <= {name}[i, {k}] <= {b!r}"


def _option_pieces(options: Any) -> dict[str, str]:
    """The arrays of the options, how those of environment i are read, and their defaults."""
    if options is None:
        return {"options": "", "chosen": "", "default": ""}
    arrays = [f"option_{name}" for name in options._fields]
    return {
        "options": "".join(f"{array}, " for array in arrays),
        "chosen": f", Options({', '.join(f'{array}[i]' for array in arrays)})",
        "default": f", Options({', '.join(map(repr, options))})",
    }


def _result_pieces(result: Any) -> dict[str, str]:
    """The arrays of the results of ended episodes, and how those of environment i are written."""
    arrays = {name: f"result_{name}" for name in getattr(result, "_fields", ())}
    stored = textwrap.indent(f"outcome = result(state, params)\n{_store(arrays, 'outcome')}", "    ")
    return {
        "results": "".join(f"{array}, " for array in arrays.values()),
        "store_result": f"if terminations[i]:\n{stored}" if arrays else "",
    }


def _work(scratch: tuple[Any, ...], padding: int) -> str:
    """A thread's arrays to work in, as the last argument of the rules' functions."""
    if not scratch:
        return ""
    return f", Scratch({', '.join(f'scratch_{name}[{padding} * thread]' for name in scratch[0]._fields)})"


def _random_draws(world: World, which: int, padding: int) -> str:
    """The draws of `initial` (0) or `transition` (1): a tuple, or an array where their number is no constant."""
    if f"draws_{which}" in world.working_memory():
        return f"fill_uniform(streams, i, draws_{which}[{padding} * thread])"
    return f"({'uniform(streams, i), ' * world.draws[which]})"


def _given_draws(world: World, which: int) -> str:
    """The same from an array `draws`, of the same type, so that nothing is compiled twice."""
    if f"draws_{which}" in world.working_memory():
        return "draws"
    return f"({''.join(f'draws[{k}], ' for k in range(world.draws[which]))})"
