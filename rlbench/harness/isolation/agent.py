"""The contract between an agent and the harness, and the adapter for agents that know only one observation.

A submission's `load(task, spaces, seed)` returns an object with one of two methods:

* `act(observation, first) -> actions`: all lanes at once. This is the contract.
* `act(observation) -> action`: one lane. Then `load` is called once per lane, with `seed`, `seed + 1` and so
  on, and each lane keeps an object of its own, so that nothing remembered about one episode can leak into
  another; a method `reset()`, where there is one, is called as an episode begins. The plain way to write an
  agent, and the slow one.

Either may have a method `explain()`, which tells those who watch what it thought; see `explanation`.

Which of the two it is, is read from the signature: one-lane agents are those whose `act` takes no second
positional argument. This module is imported in the agent's own process and stays light: NumPy, and no
gymnasium.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from rlbench import space_tree

if TYPE_CHECKING:
    import gymnasium
    from numpy.typing import NDArray

STATUSES = ("ok", "timeout_act", "timeout_run", "crash", "oom", "invalid_action", "protocol", "load_error")
"""How an episode can end. All but `ok` score the task's floor."""


class AgentFault(Exception):  # noqa: N818  # a fault is scored, not an error of ours
    """What ends an agent's episodes early: `status` is one of STATUSES, `message` one line for its author."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status, self.message = status, message


class Agent(Protocol):
    """A player of N episodes at once."""

    def act(self, observation: Any, first: NDArray[np.bool_]) -> Any:
        """Actions [N, ...] for observation [N, ...] (a dict or tuple of arrays where the space is one).

        `first` [N] is True where a lane begins an episode: the moment to forget what was remembered about
        that lane.
        """


Act = Callable[[Any, "NDArray[np.bool_]"], "list[space_tree.Array]"]
"""How the harness calls an agent: (observation [N, ...], first [N]) -> the leaves of its action [N, ...], copied
out of its reach; may raise an AgentFault."""


@dataclass(frozen=True)
class TaskInfo:
    """What an agent is told about the task it plays."""

    name: str
    version: int
    lanes: int
    """N of this block."""

    discount: float


@dataclass(frozen=True)
class Spaces:
    """The gymnasium spaces of one lane, built when first asked for: that import costs 0.1 s per block."""

    observation_description: space_tree.Description
    action_description: space_tree.Description

    @cached_property
    def observation(self) -> gymnasium.Space[Any]:
        """Where one lane's observations lie."""
        return space_tree.space(self.observation_description)

    @cached_property
    def action(self) -> gymnasium.Space[Any]:
        """Where one lane's actions must lie."""
        return space_tree.space(self.action_description)


Load = Callable[[TaskInfo, Spaces, int], Any]


class OneByOne:
    """One-observation agents, one per lane, seen as one batched agent."""

    def __init__(self, agents: list[Any], spaces: Spaces) -> None:
        self._agents = agents
        self._observation, self._action = spaces.observation_description, spaces.action_description

    def act(self, observation: Any, first: NDArray[np.bool_]) -> Any:
        """Actions [N, ...], each lane asked in turn."""
        for lane in np.flatnonzero(first):
            reset = getattr(self._agents[lane], "reset", None)
            if reset is not None:
                reset()
        actions = [
            agent.act(space_tree.lane(self._observation, observation, i)) for i, agent in enumerate(self._agents)
        ]
        return space_tree.stack(self._action, actions)

    def explain(self) -> Any:
        """What the lanes tell, joined; None where they have no `explain`."""
        if not callable(getattr(self._agents[0], "explain", None)):
            return None
        told = [agent.explain() or {} for agent in self._agents]
        return {key: [lane[key] for lane in told] for key in told[0]}


def batched(load: Load, task: TaskInfo, spaces: Spaces, seed: int) -> Agent:
    """What `load` makes, as a batched agent; a TypeError where it has no `act`."""
    agent: Any = load(task, spaces, seed)
    if not callable(getattr(agent, "act", None)):
        raise TypeError(f"load returned {type(agent).__name__}, which has no method act")
    if _takes_first(agent.act):
        return agent  # type: ignore[no-any-return]  # checked as far as it can be: it is somebody else's object
    return OneByOne([agent, *(load(task, spaces, seed + i) for i in range(1, task.lanes))], spaces)


def _takes_first(act: Callable[..., Any]) -> bool:
    """Whether a second positional argument fits; assumed where no signature can be read (compiled code)."""
    try:
        inspect.signature(act).bind(None, None)
    except TypeError:
        return False
    except ValueError:
        return True
    return True
