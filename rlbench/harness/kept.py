"""What a process keeps from one block to the next, where that cannot change an episode.

An environment of rlbench's own table begins each block as a fresh one does: `reset` with a seed leaves nothing of what
was played before, which is tested for every family. Of anybody else's nothing is known, so each block makes a new one.

An agent's process is never kept, but the libraries that it imports are (`isolation.fork_server`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, TypeVar

from rlbench.harness.isolation import tiers
from rlbench.harness.isolation.fork_server import ForkServer, imported_ahead
from rlbench.harness.play import make_env
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.task import Task
from rlbench.registry import ENVIRONMENTS

Resource = TypeVar("Resource", bound=contextlib.AbstractContextManager[Any])

OWN = frozenset(row.id for row in ENVIRONMENTS)


class Kept:
    """The environment and the libraries of the last block; a context, at whose end they are let go.

    Args:
        alone: Whether this is the only process that plays, so that cores may be given to it and the agent.
    """

    def __init__(self, alone: bool = True) -> None:
        self.alone = alone
        self._env: Any = None
        self._made_for: Any = None
        self._server: ForkServer | None = None
        self._stack = contextlib.ExitStack()
        self._resources: dict[type, Any] = {}

    @contextlib.contextmanager
    def environment(self, task: Task, indices: Sequence[int]) -> Iterator[Any]:
        """The vector environment for episodes of a task; a context. After an error inside, it is not used again."""
        wanted = task.env_id, task.kwargs(indices), len(indices)
        if self._env is None or self._made_for != wanted:
            self._close_environment()
            self._env, self._made_for = make_env(task, len(indices), indices), wanted
        try:
            yield self._env
        except BaseException:
            self._close_environment()
            raise
        if task.env_id not in OWN:
            self._close_environment()

    def server(self, entrant: Submission, tier: tiers.Tier) -> ForkServer | None:
        """Starts processes for an agent, and begins to import its libraries now; None where each starts by itself."""
        if tier != "landlock" or entrant.device != "cpu":  # a driver of GPUs may start threads
            return None
        libraries = imported_ahead(entrant)
        if self._server is None or self._server.libraries != libraries:
            self._close_server()
            self._server = ForkServer(libraries)
        return self._server

    def resource(self, kind: type[Resource]) -> Resource:
        """The one object of a class of contexts, made and entered when it is first asked for."""
        if kind not in self._resources:
            self._resources[kind] = self._stack.enter_context(kind())
        made: Resource = self._resources[kind]
        return made

    def close(self) -> None:
        """Close what is kept."""
        self._stack.close()
        self._resources.clear()
        self._close_server()
        self._close_environment()

    def _close_server(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()

    def _close_environment(self) -> None:
        env, self._env = self._env, None
        if env is not None:
            env.close()

    def __enter__(self) -> Kept:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
