"""A task for an environment that nobody has prepared: measured and computed where possible, else proposed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium

from rlbench import environments
from rlbench.harness.exact_model import optimal_return, returns_of_model
from rlbench.harness.random_play import random_episodes
from rlbench.harness.tasks.checks import task_of
from rlbench.harness.tasks.task import Task

MAX_STEPS = 1_000
"""Steps after which an episode of random play is given up where the environment has no time limit."""

NO_LIMIT = -1  # as Gymnasium writes it

SECONDS_PER_STEP = 0.1
"""What an agent may take for a step of the longest block, where that is more than the limit that tasks usually have."""


@dataclass(frozen=True)
class Proposal:
    """The fields of a task, and where each that was not given comes from, in words."""

    fields: Mapping[str, Any]
    comments: Mapping[str, str]

    @property
    def task(self) -> Task:
        """The task, checked as that of a file."""
        return task_of(self.fields, self.fields["name"])


@dataclass(frozen=True)
class KnownReturns:
    """The lowest and highest return of an episode, and the mean of the best policy; None for what is not known."""

    low: float | None = None
    high: float | None = None
    optimum: float | None = None


def name_for(env_id: str) -> str:
    """A name for a task on an environment: `mountain-car` for `MountainCar-v0`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", environments.short_name(env_id)).lower()
    return re.sub(r"[^a-z0-9]+", "-", words).strip("-")


def propose(
    name: str,
    env_id: str,
    kwargs: Mapping[str, Any],
    *,
    episodes: int,
    num_envs: int,
    measured: int,
    show: Callable[[float], None] = lambda done: None,
) -> Proposal:
    """A task on an environment, by playing it at random.

    Args:
        name: Of the task.
        env_id: Of the environment, as of `environments.Found`.
        kwargs: Its arguments.
        episodes: Of a complete run of the task.
        num_envs: How many of them are played at once.
        measured: How many random episodes are played.
        show: Is told how many of these are done.

    Raises:
        UserError: The environment cannot be made, or its spaces cannot be played.
        UnendingError: It has no time limit, and an episode of random play goes on for more than `MAX_STEPS`.
    """
    about = environments.spec(env_id)
    limit = kwargs.get("max_episode_steps", about.max_episode_steps)
    limit = None if limit == NO_LIMIT else limit
    task = Task(name, 1, env_id, kwargs, episodes, num_envs)
    known = known_returns(env_id, kwargs, limit)
    low, high = known.low, known.high
    played = random_episodes(task, measured, num_envs, show, limit, MAX_STEPS)
    returns = [each.return_ for each in played]
    worst, mean, best = map(_rounded, (min(returns), math.fsum(returns) / len(returns), max(returns)))
    reference, source = reference_of(about.reward_threshold, known, mean, best, measured)
    longest = limit or max(each.length for each in played)
    run = max(600.0, 600.0 * math.ceil(longest * SECONDS_PER_STEP / 600))
    fields: dict[str, Any] = {"name": name, "version": 1, "env_id": env_id}
    fields |= {"env_kwargs": dict(kwargs)} if kwargs else {}
    fields |= {"episodes": episodes, "num_envs": num_envs, "limits": {"load": 60.0, "act": 5.0, "run": run}}
    fields |= {"failure_return": worst, "random": mean}
    fields |= {"random_source": f"{measured:,} episodes of a random agent"}
    fields |= {"reference": reference, "reference_source": source}
    fields |= {"min_return": low, "max_return": high} if low is not None and high is not None else {}
    return Proposal(fields, comments_on(measured, limit, high is not None))


def comments_on(measured: int, limit: int | None, bounded: bool) -> dict[str, str]:
    """Where the fields come from, in words.

    Args:
        measured: Number of random episodes.
        limit: Time limit of the environment, in steps; None for none.
        bounded: Whether the possible returns are known.
    """
    ends = f"after at most {limit:,} steps" if limit else "when the environment says so: it has no time limit"
    return {
        "version": "count it up whenever you change what is played; records of another version do not compare",
        "episodes": f"episode i begins with seed 2^30 + i, and ends {ends}",
        "num_envs": "episodes at once; it changes the last bits of a network's outputs, so it belongs to the task",
        "limits": "seconds of the agent: to start, for one call of act, for all calls while a block is played",
        "failure_return": f"the worst of {measured:,} episodes of random play; what a failed episode counts",
        "random": "their mean, the score 0",
        "reference": "the score 1"
        + (
            "" if bounded else "; the possible returns are not known: add min_return and max_return where you know them"
        ),
        "min_return": "by the rewards of the environment and its time limit",
    }


def reference_of(
    threshold: float | None, known: KnownReturns, mean: float, best: float, measured: int
) -> tuple[float, str]:
    """The return of the score 1, and where it comes from: published with the environment, computed, or a placeholder.

    Args:
        threshold: The reward threshold that the environment is registered with.
        known: What is known of its returns.
        mean: Mean return of random play.
        best: The best return of random play.
        measured: Number of its episodes.
    """
    most = known.high if known.optimum is None else known.optimum
    if threshold is not None and mean < threshold <= (math.inf if most is None else most):
        return float(threshold), "the reward threshold that the environment is registered with"
    if known.optimum is not None and known.optimum > mean:
        return _rounded(known.optimum), "the exact optimum"
    if known.high is not None and known.high > mean:
        return known.high, "a bound by its rewards and its time limit, which may be out of reach"
    placeholder = "a placeholder until somebody publishes a score"
    if best > mean:
        return best, f"ours: the best of {measured:,} random episodes, {placeholder}"
    return mean + 1.0, f"ours: one more than random play, {placeholder}"


def known_returns(env_id: str, kwargs: Mapping[str, Any], limit: int | None) -> KnownReturns:
    """What the environment tells of its returns: by its exact model, or by a `reward_range`.

    The model is `P[s][a] = [(probability, next state, reward, end), ...]`, with `initial_state_distrib[s]`, as
    Gymnasium's toy texts have them.
    """
    env = gymnasium.make(environments.registered(env_id), **kwargs).unwrapped
    model, rewards, starts = (getattr(env, name, None) for name in ("P", "reward_range", "initial_state_distrib"))
    env.close()
    if limit is None:
        return KnownReturns()
    if isinstance(model, Mapping) and model:
        low, high = returns_of_model(model, limit)
        return KnownReturns(low, high, None if starts is None else optimal_return(model, starts, limit))
    if isinstance(rewards, (tuple, list)) and len(rewards) == 2 and all(map(math.isfinite, rewards)):
        low, high = map(float, rewards)
        if low < high:
            return KnownReturns(min(low, low * limit), max(high, high * limit))
    return KnownReturns()


def _rounded(value: float) -> float:
    """A return to three decimals, as the tasks of rlbench have them; a small one to four digits."""
    return (round(value, 3) if abs(value) >= 1 else float(f"{value:.4g}")) + 0.0  # no negative zero
