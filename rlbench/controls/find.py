"""Finds the controls of an environment: the module beside its rules or its class, else the fallback."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any, cast

from rlbench.controls.fallback import Fallback
from rlbench.controls.protocol import Controls


def find_controls(env: Any) -> Controls:
    """The controls of a Gymnasium environment.

    They are those of the module `controls` in the package of the environment's rules, or of its class where it has no
    rules. Without such a module they are made from the spaces.
    """
    name = _module_beside(env)
    if name is not None and importlib.util.find_spec(name) is not None:
        module = importlib.import_module(name)
        if all(hasattr(module, each) for each in ("REAL_TIME", "actions", "help", "action")):
            return cast(Controls, module)
    return Fallback(env)


def _module_beside(env: Any) -> str | None:
    """Dotted name that a controls module of this environment would have; None for an environment without a spec."""
    if env.spec is None:
        return None
    entry = env.spec.entry_point
    module = env.spec.kwargs.get("rules") or (entry.partition(":")[0] if isinstance(entry, str) else entry.__module__)
    package = str(module).rpartition(".")[0]
    return f"{package}.controls" if package else None
