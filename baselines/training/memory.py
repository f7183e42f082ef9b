"""How much memory a training run takes, estimated from its settings before anything is made.

The settings of each algorithm say in `memory` what their sizes cost; the estimates are low rather than high, so that
what is refused could not have run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import closing
from itertools import pairwise
from typing import Any, NamedTuple

import gymnasium

from baselines import checks
from baselines.data.rollout import env_id, make_envs
from rlbench.errors import UserError, shortened

COMPILED_ENV, SIMULATED_ENV = 2**9, 2**16
"""Bytes of an environment besides its observations: of one whose rules are compiled, and of one with a simulator."""

FLOAT = 4
"""Bytes of a number in networks and replay."""

Need = Mapping[str, int]
"""Setting -> bytes that are there because of it."""


class Sizes(NamedTuple):
    """Sizes of an environment."""

    features: int
    """D, the numbers of an encoded observation."""
    actions: int
    """Discrete actions, or components of one."""
    shape: tuple[int, ...]
    """Of an observation."""
    bytes: int
    """Of one environment."""

    @property
    def transition(self) -> int:
        """Bytes of a transition: both observations, action, reward, discount."""
        return FLOAT * (2 * self.features + self.actions + 2)


def check(settings: Any) -> None:
    """UserError where a training run takes more memory than there is, naming the setting that takes most of it.

    An algorithm that is not for these spaces says so first: with other settings it would take other memory.
    """
    if not hasattr(settings, "memory"):  # planning, which has no sizes to set
        return
    observation, action = spaces(settings.task, settings.env_changes())
    settings.check_spaces(observation, action)
    need = settings.memory(sizes(settings.task, observation, action))
    needed, left = sum(need.values()), checks.memory_left()
    if needed > left:
        name = max(need, key=lambda each: need[each])
        given = shortened(getattr(settings, name))
        raise UserError(
            f"{name}={given} takes {written(need[name])} of memory, and there are {written(left)} left; lower {name}"
        )


def spaces(task: str, changes: Mapping[str, Any]) -> tuple[gymnasium.Space[Any], gymnasium.Space[Any]]:
    """Observation and action space of one environment of a task, with these changes of its arguments."""
    with closing(make_envs(task, 1, **changes)) as env:
        return env.single_observation_space, env.single_action_space


def sizes(task: str, observation: gymnasium.Space[Any], action: gymnasium.Space[Any]) -> Sizes:
    """The sizes of a task's environment, with these spaces."""
    name, _ = env_id(task)
    own = COMPILED_ENV if "rules" in gymnasium.spec(name).kwargs else SIMULATED_ENV
    shape = observation.shape or ()
    return Sizes(_numbers(observation), _numbers(action), shape, own + 2 * FLOAT * math.prod(shape))


def _numbers(space: gymnasium.Space[Any]) -> int:
    """The numbers of a value of a space, one-hot where it is Discrete."""
    if isinstance(space, gymnasium.spaces.Dict):
        return sum(map(_numbers, space.values()))
    return int(space.n) if isinstance(space, gymnasium.spaces.Discrete) else math.prod(space.shape or ())


def parameters(widths: tuple[int, ...]) -> int:
    """Weights and biases of a perceptron: of its inputs, hidden layers and outputs."""
    return sum((inputs + 1) * outputs for inputs, outputs in pairwise(map(int, widths)))


def written(size: float) -> str:
    """A number of bytes for people."""
    for unit in ("GiB", "TiB", "PiB"):
        size /= 2**30 if unit == "GiB" else 2**10
        if size < 1000:
            return f"{size:.1f} {unit}"
    return "more than 1,000 PiB"
