"""rlbench: the problems that a deep-RL course teaches, the agents that solve them, and a harness that scores yours.

Importing the package registers its environments with Gymnasium; nothing else is loaded until it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from rlbench.registry import ENVIRONMENTS, Environment, register, register_all

if TYPE_CHECKING:  # for editors and type checkers; at run time they come by `__getattr__`
    from rlbench.api.board import Leaderboard, leaderboard
    from rlbench.api.checking import check
    from rlbench.api.evaluating import evaluate, load_results
    from rlbench.api.page_films import WatchedEpisodes
    from rlbench.api.run import Run
    from rlbench.api.trained import Training
    from rlbench.api.training import train
    from rlbench.api.verifying import verify
    from rlbench.api.watching import watch
    from rlbench.core.wrapped_rules import wrap_rules
    from rlbench.errors import UserError

__all__ = [
    "ENVIRONMENTS",
    "Environment",
    "Leaderboard",
    "Run",
    "Training",
    "UserError",
    "WatchedEpisodes",
    "__version__",
    "check",
    "evaluate",
    "leaderboard",
    "load_results",
    "register",
    "train",
    "verify",
    "watch",
    "wrap_rules",
]
__version__ = "0.2.0"

_LAZY = {
    "Leaderboard": "rlbench.api.board",
    "Run": "rlbench.api.run",
    "Training": "rlbench.api.trained",
    "UserError": "rlbench.errors",
    "WatchedEpisodes": "rlbench.api.page_films",
    "check": "rlbench.api.checking",
    "evaluate": "rlbench.api.evaluating",
    "leaderboard": "rlbench.api.board",
    "load_results": "rlbench.api.evaluating",
    "train": "rlbench.api.training",
    "verify": "rlbench.api.verifying",
    "watch": "rlbench.api.watching",
    "wrap_rules": "rlbench.core.wrapped_rules",
}
"""Names that are imported when they are first used (PEP 562), and the modules that have them."""


def __getattr__(name: str) -> Any:
    """A name of `_LAZY`, from its module; it is kept, so that this is asked once."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_LAZY[name]), name)
    return value


def __dir__() -> list[str]:
    """All names, those that are not imported yet included."""
    return sorted({*globals(), *_LAZY})


register_all()
