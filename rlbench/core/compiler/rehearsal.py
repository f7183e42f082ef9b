"""A rehearsal of the user's rules: a start and a step in plain Python, before they are compiled.

Compiled code neither checks the ends of arrays nor that a number keeps its type, so a mistake there would be silent.
"""

from __future__ import annotations

import numbers
import traceback
from typing import Any

import numpy as np
from gymnasium import spaces

from rlbench.core.rules import StateOf
from rlbench.core.world import World
from rlbench.errors import RulesError, one_line


def rehearse(world: World) -> None:
    """Play one step of rules whose state has no arrays, and which are not slow in Python.

    Raises:
        RulesError: The rules raise an exception, or a field of the state changes its type.
    """
    rules: Any = world.rules
    if world.blank() or world.scratch() or getattr(rules, "COMPILED", False) or world.observe_compiled:
        return
    try:
        before = world.example_state()
        action = world.actions.as_rules([_action(leaf) for leaf in world.actions.leaves.values()])
        after = rules.transition(before, action, (0.5,) * world.draws[1], world.params)
        _check_types(world.name, before, after)
        float(rules.reward(before, action, after, world.params))
        rules.terminated(after, world.params)
        rules.observe(after, world.params, world.observations.as_rules(world.observations.empty()))
    except RulesError:
        raise
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        said = f"{type(error).__name__}: {one_line(error)}"
        raise RulesError(f"{last.filename}, line {last.lineno}: {said}: {last.line}") from error


def _action(leaf: Any) -> Any:
    """An action in the form of the rules: the first number, or the middle of a box."""
    if isinstance(leaf, spaces.Discrete):
        return 0
    low, high = (np.clip(side.astype(np.float64), -1e3, 1e3) for side in (leaf.low, leaf.high))
    return float((low + high)[0] / 2) if leaf.shape == (1,) else (low + high) / 2


def _check_types(name: str, before: StateOf, after: Any) -> None:
    """Raise RulesError where a state is none, or an integer has become a float, which a batch would round."""
    if not isinstance(after, type(before)):
        raise RulesError(f"{name}: transition gives a {type(after).__name__}; write State(...)")
    for field, old, new in zip(before._fields, before, after, strict=True):
        if not isinstance(new, numbers.Real | np.bool_):
            raise RulesError(f"{name}: transition gives the field {field} of State {new!r}, no number")
        if isinstance(old, numbers.Integral) and not isinstance(new, numbers.Integral | np.bool_):
            raise RulesError(
                f"{name}: the field {field} of State begins as the integer {old} and becomes the float {new}, which "
                f"batches would round; let initial give {float(old)}"
            )
