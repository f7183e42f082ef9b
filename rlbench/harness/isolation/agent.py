"""What a submission provides: an object with a method `act`; and the adapter for agents that play one environment.

A submission's `load(task, spaces, seed)` returns an object with one of two methods:

* `act(observation, first) -> actions`: for the whole batch at once. This is the interface that the harness calls.
* `act(observation) -> action`: for one environment. Then `load` is called once per environment, with `seed`, `seed + 1`
  and so on, so that nothing remembered about one episode can leak into another; a method `reset()`, if there is one, is
  called as an episode begins. The plain way to write an agent, and the slow one.

Which of the two it is, is read from the signature: the second kind takes no second positional argument. Either may have
a method `explain()`, see `explain`. The entry may also be such a function itself, of one or two arguments, instead of
`load`: then it is all there is of the agent, one for all environments, and nobody tells it a seed. Imported in the
agent's process: NumPy only, no gymnasium.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from rlbench import space_tree

if TYPE_CHECKING:
    import gymnasium
    from numpy.typing import NDArray

STATUSES = ("ok", "timeout_act", "timeout_run", "crash", "oom", "invalid_action", "protocol", "load_error")
"""How an episode can end. Every status but `ok` is a failure, for which the task's `failure_return` is recorded."""


ONE_AT_A_TIME = "act takes no argument first, so it is given one observation at a time, and no batch"
"""Why an agent that was written for batches may fail."""


class AgentFault(Exception):  # noqa: N818  # scored like a result, not an error of the harness
    """The agent's mistake that ends its episodes.

    Args:
        status: One of STATUSES.
        message: One line for the agent's author.
        wordless: Whether the process died without reporting anything, as of a signal or in want of memory.
    """

    def __init__(self, status: str, message: str, *, wordless: bool = False) -> None:
        super().__init__(f"{status}: {message}")
        self.status, self.message, self.wordless = status, message, wordless


class Agent(Protocol):
    """An agent that plays N environments at once."""

    def act(self, observation: Any, first: NDArray[np.bool_]) -> Any:
        """Choose an action in every environment.

        Args:
            observation: Batch [N, ...]; a dict or tuple of such arrays where the space is one.
            first: [N], true where the environment begins an episode: forget what belongs to the last one.

        Returns:
            Actions [N, ...], a dict or tuple where the action space is one.
        """


Act = Callable[[Any, "NDArray[np.bool_]"], "list[space_tree.Array]"]
"""How the harness calls an agent: (observation [N, ...], first [N]) -> the leaves of its action, each [N, ...], as
copies that the agent cannot change any more. May raise AgentFault."""


@dataclass(frozen=True)
class TaskInfo:
    """The task, as `load` receives it."""

    name: str
    version: int
    num_envs: int
    """N: how many environments the agent plays at once."""

    discount: float

    env_id: str = ""
    """The environment, as `gymnasium.make` knows it; empty where the caller does not say."""

    env_kwargs: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of the environment."""


@dataclass(frozen=True)
class Spaces:
    """Gymnasium spaces of one environment, built when first used: importing gymnasium costs 0.1 s per block."""

    observation_description: space_tree.Description
    action_description: space_tree.Description

    @cached_property
    def observation(self) -> gymnasium.Space[Any]:
        """The space of one environment's observations."""
        return space_tree.space(self.observation_description)

    @cached_property
    def action(self) -> gymnasium.Space[Any]:
        """The space of one environment's actions."""
        return space_tree.space(self.action_description)


Load = Callable[[TaskInfo, Spaces, int], Any]


class FunctionAgent:
    """A function `act(observation)` or `act(observation, first)` as an agent."""

    def __init__(self, act: Callable[..., Any]) -> None:
        self.act = act


class PerEnvironmentAgents:
    """N agents that play one environment each, as one agent for the batch."""

    def __init__(self, agents: list[Any], spaces: Spaces) -> None:
        self._agents = agents
        self._observation, self._action = spaces.observation_description, spaces.action_description

    def act(self, observation: Any, first: NDArray[np.bool_]) -> Any:
        """Actions [N, ...], one call of an agent for each."""
        for i in np.flatnonzero(first):
            reset = getattr(self._agents[i], "reset", None)
            if reset is not None:
                reset()
        try:
            actions = [
                agent.act(space_tree.index(self._observation, observation, i)) for i, agent in enumerate(self._agents)
            ]
        except IndexError as error:  # the mistake of whoever forgets `first`, and reads a batch
            raise IndexError(f"{error}; {ONE_AT_A_TIME}").with_traceback(error.__traceback__) from None
        return space_tree.stack(self._action, actions)

    def explain(self) -> Any:
        """Their explanations, joined; None where they have no `explain`."""
        if not callable(getattr(self._agents[0], "explain", None)):
            return None
        rows = [agent.explain() or {} for agent in self._agents]
        return {key: [row[key] for row in rows] for key in rows[0]}


def batched(load: Load, task: TaskInfo, spaces: Spaces, seed: int) -> Agent:
    """Load an agent of either kind, as an agent for the batch.

    Args:
        load: The submission's entry point.
        task: First argument of `load`; `task.num_envs` is N.
        spaces: Second argument of `load`: the spaces of one environment.
        seed: Third argument of `load`; of environment i in the second kind, `seed + i`.

    Raises:
        TypeError: The object has no method `act`.
    """
    agent: Any = FunctionAgent(load) if _is_act(load) else load(task, spaces, seed)
    if not callable(getattr(agent, "act", None)):
        raise TypeError(f"load returned {type(agent).__name__}, which has no method act")
    if takes_first(agent.act):
        return agent  # type: ignore[no-any-return]  # checked as far as somebody else's object can be
    more = range(1, task.num_envs)
    others = [agent for _ in more] if type(agent) is FunctionAgent else [load(task, spaces, seed + i) for i in more]
    return PerEnvironmentAgents([agent, *others], spaces)


def takes_first(act: Callable[..., Any]) -> bool:
    """Whether a second positional argument fits."""
    return _takes(act, 2)


def _is_act(entry: Callable[..., Any]) -> bool:
    """Whether an entry point is an agent's `act` and not `load`, which takes three arguments."""
    named = getattr(entry, "__name__", "") == "load"
    return not named and not _takes(entry, 3) and (_takes(entry, 1) or takes_first(entry))


def _takes(function: Callable[..., Any], number: int) -> bool:
    """Whether so many positional arguments fit; assumed where no signature can be read (compiled code)."""
    try:
        inspect.signature(function).bind(*[None] * number)
    except TypeError:
        return False
    except ValueError:
        return True
    return True
