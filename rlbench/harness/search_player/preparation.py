"""What the harness does before it starts the process of an agent that searches: it compiles the search.

The process has an empty home, and so no cache of compiled code. It would compile for a quarter of a minute.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rlbench.core.compiler import cache
from rlbench.harness.layers.graph import GraphError
from rlbench.harness.search_player.following import FollowedGame
from rlbench.harness.search_player.player import params_of
from rlbench.search.batch import Search
from rlbench.search.settings import SearchSettings


def prepare(home: Path, env_id: str, env_kwargs: Mapping[str, Any]) -> None:
    """Put the compiled search of a task's game into the home of a process; nothing where the task is no such game.

    Args:
        home: Home of the process.
        env_id: The environment.
        env_kwargs: Its keyword arguments.
    """
    with contextlib.suppress(GraphError, OSError):  # the process says what is wrong, or compiles itself
        params_of(env_id, env_kwargs)
        folder = home / ".cache" / "rlbench"
        folder.mkdir(parents=True)
        for each in (folder.parent, folder):
            each.chmod(0o755)  # the process may run as another user
        cache.copy_module(_compiled_module(), folder)


@functools.cache
def _compiled_module() -> str:
    """The name of the module that holds the compiled search, which does not depend on the board; compiled by now."""
    params = params_of("rlbench/Go9x9-v0", {"size": 2})
    search = Search(params, 1, SearchSettings(simulations=1))
    beginning = FollowedGame(params).state
    search.run(type(beginning)._make(np.array([field]) for field in beginning), _uniform)
    return search.module


def _uniform(planes: Any, mask: Any) -> Any:
    return np.zeros(mask.shape, np.float32), np.zeros(len(mask), np.float32)
