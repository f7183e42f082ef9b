"""Many episodes at once: steps of a Gymnasium vector environment as whole transitions, and greedy evaluation.

An automatic reset hides the last observation of an episode in one of two ways. In mode NEXT_STEP the step
*after* the last one ignores its action and returns the new episode's first observation: such a step is no
transition, and not `valid`. In mode SAME_STEP the last step itself returns the new episode's first
observation, and the one that belongs to the transition is in `info["final_obs"]`. `Lanes.step` returns the
right `s_t` in both; what follows need not know the mode.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium.envs.registration import load_env_creator
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray

from rlbench.errors import UserError, unknown

Array = NDArray[Any]
Act = Callable[[Array, NDArray[np.bool_]], Array]
Encode = Callable[[Array], Array]
Options = Callable[[int], dict[str, Any]]


class Step(NamedTuple):
    """One step of N lanes, as arrays over the lanes; s_tm1 and s_t are [N, D].

    `last_t`: the episode ends here, terminated or truncated. Rows that are not `valid` are no transitions.
    """

    s_tm1: Array
    a_tm1: Array
    r_t: Array
    terminated: NDArray[np.bool_]
    last_t: NDArray[np.bool_]
    s_t: Array
    valid: NDArray[np.bool_]


def env_id(task: str) -> tuple[str, dict[str, Any]]:
    """Gymnasium id and keyword arguments of a task, `cart-pole@1` or `cart-pole`, or of a Gymnasium id."""
    import rlbench  # noqa: F401  # registers the ids
    from rlbench.harness.tasks.suite import TASKS, get_task

    if task in gymnasium.registry:
        return task, {}
    if task in TASKS or any(known.name == task for known in TASKS.values()):
        found = get_task(task)
        return found.env_id, dict(found.env_kwargs)
    raise unknown("task or environment", task, [*TASKS, *gymnasium.registry])


def task_keys(task: str) -> tuple[str, ...]:
    """The task's key with its version, for the submission; nothing for a mere environment."""
    from rlbench.harness.tasks.suite import get_task

    return () if task in gymnasium.registry else (get_task(task).key,)


def make_lanes(task: str, lanes: int, threads: int | None = None, **changes: Any) -> VectorEnv[Any, Any, Any]:
    """The environment of a task, `lanes` times over, with some of its keyword arguments changed.

    `threads` is passed on to an environment that takes a number of threads, and means nothing to others.
    """
    name, kwargs = env_id(task)
    entry_point = gymnasium.spec(name).vector_entry_point
    if threads is not None and entry_point is not None:
        make = load_env_creator(entry_point) if isinstance(entry_point, str) else entry_point
        changes |= {"threads": threads} if "threads" in inspect.signature(make).parameters else {}
    return gymnasium.make_vec(name, num_envs=lanes, **kwargs | changes)


class Lanes:
    """N lanes of an environment, stepped together; keeps the returns of the episodes that end.

    `encode` makes features of observations; `decode` makes of a policy's actions what the environment takes.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], encode: Encode, decode: Encode = lambda a: a) -> None:
        mode = env.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP)
        if mode not in (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP):
            raise UserError(f"training needs an environment that resets itself, not {mode}")
        self.env, self.encode, self.decode, self.same_step = env, encode, decode, mode is AutoresetMode.SAME_STEP

    def reset(self, seed: int) -> None:
        """Begin an episode in every lane, lane i seeded `seed + i`; what went before matters no more."""
        observation, _ = self.env.reset(seed=seed)
        self.seen, self.s_tm1 = observation, self.encode(observation)
        self.fresh = np.ones(self.env.num_envs, dtype=bool)  # the next step's row is a transition
        self.running = np.zeros(self.env.num_envs)
        self.finished: list[float] = []  # returns, for the learning curve

    def step(self, a_tm1: Array) -> Step:
        """Act in every lane: a_tm1[N] -> Step."""
        observation, reward, terminated, truncated, info = self.env.step(self.decode(a_tm1))
        s_tm1, valid, last_t = self.s_tm1, self.fresh, terminated | truncated
        if "life_lost" in info:  # nothing more to come for the learner; the episode goes on
            terminated = terminated | info["life_lost"]
        self.s_tm1 = s_t = self.encode(observation)
        if self.same_step:
            if last_t.any():
                s_t = s_t.copy()
                s_t[last_t] = self.encode(np.stack(list(info["final_obs"][last_t])))
        else:
            self.fresh = ~last_t
        self._count(reward, valid, last_t)
        return Step(s_tm1, a_tm1, reward.astype(np.float32), terminated, last_t, s_t, valid)

    def _count(self, reward: Array, valid: NDArray[np.bool_], last_t: NDArray[np.bool_]) -> None:
        """Add up the running returns and keep those of the episodes that end here."""
        self.running += reward * valid
        if last_t.any():
            self.finished.extend(self.running[last_t].tolist())
            self.running[last_t] = 0.0


def explore(best: Array, epsilon: float, actions: int, rng: np.random.Generator) -> Array:
    """Epsilon-greedy actions: best[N], each replaced with probability epsilon by an action at random."""
    at_random = rng.random(len(best)) < epsilon
    return np.where(at_random, rng.integers(actions, size=len(best)), best)


def evaluate(
    env: VectorEnv[Any, Any, Any],
    act: Act,
    seed: int,
    episodes: int,
    options: Options | None = None,
    most_steps: int = 0,
) -> Array:
    """Returns [episodes] of the policy `act(observation, first) -> actions`, episode i seeded `seed + i`.

    Plays blocks of `env.num_envs` episodes; the first episode of each lane counts, as in the harness, and where
    `most_steps` is not 0 only so many steps of it. `options(i)` are the reset options of the block that begins with
    episode i.
    """
    starts, most = range(0, episodes, env.num_envs), most_steps or sys.maxsize
    blocks = [_block(env, act, seed + start, options(start) if options else None, most) for start in starts]
    return np.concatenate(blocks)[:episodes]


def _block(
    env: VectorEnv[Any, Any, Any], act: Act, seed: int, options: dict[str, Any] | None, most_steps: int
) -> Array:
    """Returns [N] of the first episode of each lane, or of its first `most_steps`."""
    observation, _ = env.reset(seed=seed, options=options)
    total, running = np.zeros(env.num_envs), np.ones(env.num_envs, dtype=bool)
    first, step = running.copy(), 0
    while running.any() and step < most_steps:
        observation, reward, terminated, truncated, _ = env.step(act(observation, first))
        total += reward * running
        running &= ~(terminated | truncated)
        first, step = np.zeros_like(first), step + 1
    return total
