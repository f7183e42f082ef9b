"""The way to the reference agents: the only module of `rlbench` that imports `baselines`, and only when called.

`baselines` imports torch, which takes seconds, and comes with the extra `baselines`.
"""

from __future__ import annotations

import importlib
from typing import Any

from rlbench.commands.shared.working_folder import require_working_folder
from rlbench.errors import unknown


def algorithms() -> dict[str, str]:
    """Names of the reference algorithms, and the module of each."""
    known: dict[str, str] = importlib.import_module("baselines").ALGORITHMS
    return known


def agents() -> dict[str, tuple[str, ...]]:
    """Names of the reference agents and algorithms, and the words after `rlbench train` that train each."""
    named: dict[str, tuple[str, ...]] = importlib.import_module("baselines").AGENTS
    return {**{name: (name,) for name in algorithms()}, **named}


def short_names() -> dict[str, str]:
    """What the field calls some algorithms, and their names here: `ram` for `recurrent-attention`."""
    known: dict[str, str] = importlib.import_module("baselines").SHORT_NAMES
    return known


def find_agent(name: str) -> tuple[str, ...]:
    """The words after `rlbench train` that train the agent of that name: `actor-critic --preset locomotion` for `ppo`.

    Raises:
        UserError: there is no such agent or algorithm; it names the nearest ones.
    """
    known, short = agents(), short_names()
    full = short.get(name.lower(), name.lower())
    if full not in known:
        raise unknown("algorithm", name, [*known, *short])
    return known[full]


def training() -> Any:
    """The module `baselines.training.runner`, which trains any reference agent; it imports torch."""
    require_working_folder()
    return importlib.import_module("baselines.training.runner")


def learning_curves() -> Any:
    """The module `baselines.training.curve`, which reads learning curves; it imports no torch."""
    return importlib.import_module("baselines.training.curve")


def dynamic_programming() -> Any:
    """The module `baselines.maths.dynamic_programming`, which solves exact models."""
    return importlib.import_module("baselines.maths.dynamic_programming")


def equations() -> Any:
    """The module `baselines.maths.equations`."""
    return importlib.import_module("baselines.maths.equations")
