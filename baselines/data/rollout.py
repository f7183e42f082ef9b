"""N environments stepped together as whole transitions, whole rollouts and episodes of them, and greedy evaluation.

An automatic reset hides the last observation of an episode in one of two ways. In mode NEXT_STEP the step *after* the
last one ignores its action and returns the new episode's first observation: such a row is no transition, and not
`valid`. In mode SAME_STEP the last step itself returns the new episode's first observation, and the one that belongs to
the transition is in `info["final_obs"]`. `Rollout.step` returns the right `s_t` in both; what follows need not know
the mode.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import gymnasium
import numpy as np
from gymnasium.envs.registration import load_env_creator
from gymnasium.vector import AutoresetMode, VectorEnv

from baselines.stateful import Stateful
from baselines.types import Array, Bools
from rlbench.errors import UserError

Act = Callable[[Array, Bools], Array]
"""(observation [N, ...], first [N], True where an episode begins) -> actions [N, ...]."""
Encode = Callable[[Array], Array]
"""Observations [N, ...] -> features [N, D]."""
EncodeFirst = Callable[[Array, Bools], Array]
"""First observations [M, ...] of the M environments in the mask [N] -> features [M, D]."""
Choose = Callable[[Array], Array]
"""Features s[N, D] -> actions a[N, ...]."""
ChooseBy = Callable[[Any, Any], Any]
"""Features s[N, D] and random draws u[N, ...] -> actions a[N, ...]; arrays or tensors, all."""


class Transition(NamedTuple):
    """A step of N environments as arrays or tensors over them, [N, ...]; of T steps, [T, N, ...]. Features are [N, D].

    `last_t`: the episode ends here, terminated or truncated. Rows that are not `valid` are no transitions: a mask
    [T, N] of arrays; of tensors the places [B] of valid rows among the T N, or None where all are.
    """

    s_tm1: Array
    a_tm1: Array
    r_t: Array
    terminated: Bools
    last_t: Bools
    s_t: Array
    valid: Any

    def of_valid(self, values: Array) -> Array:
        """The rows of values[T, N, ...] that belong to transitions, [B, ...]."""
        if isinstance(self.valid, np.ndarray):
            return values[self.valid]
        rows: Any = values.reshape(-1, *values.shape[2:])
        return rows if self.valid is None else rows.index_select(0, self.valid)

    @property
    def is_empty(self) -> bool:
        """Whether no row is a transition."""
        return isinstance(self.valid, np.ndarray) and not self.valid.any()


def env_id(task: str) -> tuple[str, dict[str, Any]]:
    """Registered id and keyword arguments of a task, `cart-pole@1` or `cart-pole`, or of an environment's id."""
    from rlbench import environments
    from rlbench.harness.tasks.suite import catalogue, find_task, is_in_file

    in_file = is_in_file(task)
    known = None if (":" in task or task in gymnasium.registry) and not in_file else find_task(task)
    if known is not None and (in_file or task in (known.key, known.name)):
        return environments.registered(known.env_id), dict(known.env_kwargs)
    return environments.registered(environments.find(task, catalogue().tasks, "task or environment").id), {}


def task_keys(task: str) -> tuple[str, ...]:
    """The keys of the tasks that are played on the very environment: of a task its own; none where there is no task."""
    from rlbench.harness.tasks.suite import catalogue, find_task

    name, _ = env_id(task)
    if task not in gymnasium.registry and (known := find_task(task)):
        return (known.key,)
    return tuple(key for key, known in catalogue().tasks.items() if known.env_id == name and not known.env_kwargs)


def make_envs(task: str, num_envs: int, threads: int | None = None, **changes: Any) -> VectorEnv[Any, Any, Any]:
    """The environment of a task, `num_envs` of it stepped together.

    Args:
        task: a task's key or name, or a Gymnasium id.
        num_envs: N.
        threads: passed on to an environment that takes a number of threads; means nothing to others.
        changes: keyword arguments of the environment that differ from the task's.

    Raises:
        UserError: for an unknown task, and for a change that its environment does not know.
    """
    name, kwargs = env_id(task)
    changes |= {"threads": threads} if threads is not None and batch_takes(name, "threads") else {}
    try:
        return gymnasium.make_vec(name, num_envs=num_envs, **kwargs | changes)
    except TypeError as error:
        if refused := [change for change in changes if change in str(error)]:
            raise UserError(f"{task} takes no {', '.join(refused)}") from None
        raise


def batch_takes(name: str, argument: str) -> bool:
    """Whether the batch that a registered environment has itself takes an argument; False where it has none."""
    entry_point = gymnasium.spec(name).vector_entry_point
    make = load_env_creator(entry_point) if isinstance(entry_point, str) else entry_point
    return make is not None and argument in inspect.signature(make).parameters


def in_numpy(values: Any) -> Any:
    """An array of another library, such as JAX, as one of NumPy that may be written; NumPy's, and a dict's, itself."""
    if isinstance(values, dict | tuple):
        return values
    array = np.asarray(values)
    return array if array.flags.writeable else array.copy()


class Rollout(Stateful):
    """N environments stepped together; counts transitions and keeps the returns of episodes that end.

    Args:
        env: the environments, in autoreset mode NEXT_STEP or SAME_STEP.
        encode: makes features of observations.
        decode: makes of a policy's actions what the environment takes.
        encode_first: makes features of the first observations of some environments, where `encode` keeps a memory of
            each environment and so must be called for all of them.
    """

    CHECKPOINTED: ClassVar[tuple[str, ...]] = ("env_steps", "rows", "finished")

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        encode: Encode,
        decode: Callable[[Array], Array] = lambda a: a,
        encode_first: EncodeFirst | None = None,
    ) -> None:
        mode = env.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP)
        if mode not in (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP):
            raise UserError(f"training needs an environment that resets itself, not {mode}")
        self.env, self.encode, self.decode, self.same_step = env, encode, decode, mode is AutoresetMode.SAME_STEP
        self.encode_first = encode_first or (lambda observation, envs: encode(observation))
        self.env_steps = 0  # transitions
        self.rows = 0  # the same, with the rows in which an environment only reset
        self.finished: list[float] = []  # returns of the episodes that ended, for the learning curve

    @property
    def elapsed(self) -> int:
        """How far training is, as schedules count it: rows."""
        return self.rows

    def reset(self, seed: int | None) -> None:
        """Begin an episode in every environment, the i-th seeded `seed + i`; where that is None, streams go on."""
        observation = in_numpy(self.env.reset(seed=seed)[0])
        self.first_observation, self.s_tm1 = observation, self.encode(observation)
        self.fresh = np.ones(self.env.num_envs, dtype=bool)  # the next step's row is a transition
        self.active = np.ones(self.env.num_envs, dtype=bool)  # steps here count; see `play_episodes`
        self.running = np.zeros(self.env.num_envs)

    def step(self, a_tm1: Array) -> Transition:
        """Act in every environment: a_tm1[N, ...] -> Transition [N, ...]."""
        *arrays, info = self.env.step(self.decode(a_tm1))
        observation, reward, terminated, truncated = map(in_numpy, arrays)
        s_tm1, valid, last_t = self.s_tm1, self.fresh & self.active, terminated | truncated
        if "life_lost" in info:  # the learner sees a termination; the episode goes on
            terminated = terminated | info["life_lost"]
        if self.same_step and last_t.any():
            s_t = self._through_same_step_reset(observation, info["final_obs"], last_t)
        else:
            self.s_tm1 = s_t = self.encode(observation)
        if not self.same_step:
            self.fresh = ~last_t
        self._count(reward, valid, last_t)
        return Transition(s_tm1, a_tm1, reward.astype(np.float32), terminated, last_t, s_t, valid)

    def play(self, choose: ChooseBy, u: Array) -> Transition:
        """The next steps of every environment, [T, N, ...], by draws u[T, N, ...]; episodes go on between calls."""
        return stacked([self.step(choose(self.s_tm1, u_t)) for u_t in u])

    def _through_same_step_reset(self, observation: Array, final_obs: Array, last_t: Bools) -> Array:
        """The features s_t[N, D] that the step led to; `s_tm1` becomes those from which the next one starts."""
        s_t = self.encode(_replaced(observation, _of(final_obs, last_t), last_t))
        self.s_tm1 = s_t.copy()
        self.s_tm1[last_t] = self.encode_first(_of(observation, last_t), last_t)
        return s_t

    def _count(self, reward: Array, valid: Bools, last_t: Bools) -> None:
        """Add up the running returns and keep those of the episodes that end here."""
        self.env_steps += int(valid.sum())
        self.rows += int(self.active.sum())
        self.running += reward * valid
        ended = last_t & self.active
        if ended.any():
            self.finished.extend(self.running[ended].tolist())
            self.running[ended] = 0.0

    def close(self) -> None:
        """Close the environments."""
        self.env.close()

    def training_return(self) -> dict[str, float]:
        """Mean return of the training episodes that ended since the last call, where some did."""
        finished, self.finished = self.finished, []
        return {"training return": float(np.mean(finished))} if finished else {}


def _of(values: Any, envs: Bools) -> Any:
    """The rows [M, ...] of the M environments in a mask [N]; of arrays, dicts of them, and arrays of either."""
    if isinstance(values, dict):
        return {key: _of(each, envs) for key, each in values.items()}
    rows = list(values[envs])
    if isinstance(rows[0], dict):
        return {key: np.stack([row[key] for row in rows]) for key in rows[0]}
    return np.stack(rows)


def _replaced(values: Any, rows: Any, envs: Bools) -> Any:
    """A copy of values [N, ...] with rows [M, ...] for the M environments in a mask [N]; of arrays or dicts of them."""
    if isinstance(values, dict):
        return {key: _replaced(each, rows[key], envs) for key, each in values.items()}
    changed = values.copy()
    changed[envs] = rows
    return changed


def play_episodes(rollout: Rollout, choose: Choose, seed: int | None) -> Transition:
    """One episode of every environment, [T, N, ...], seeded as by `Rollout.reset`; T is the length of the longest.

    What an environment does after the end of its episode is not `valid`: an agent that played one episode after the
    other would not take those steps, so they are neither learned from nor counted.
    """
    rollout.reset(seed)
    steps = []
    while rollout.active.any():
        steps.append(rollout.step(choose(rollout.s_tm1)))
        rollout.active = rollout.active & ~steps[-1].last_t
    return stacked(steps)


def stacked(steps: list[Transition]) -> Transition:
    """Steps one after the other as a single one with a leading axis of time."""
    return Transition(*map(_stack, zip(*steps, strict=True)))


def _stack(column: tuple[Any, ...]) -> Any:
    """Arrays or tensors along a new first axis; None of Nones."""
    if column[0] is None or isinstance(column[0], np.ndarray):
        return None if column[0] is None else np.stack(column)
    import torch  # not at the top: tabular agents start at once

    return torch.stack(column)


def epsilon_greedy(best: Array, epsilon: float, actions: int, rng: Any) -> Array:
    """The actions best[N], each replaced with probability epsilon by one of `actions` at random; as `rng` draws."""
    at_random = rng.random(len(best)) < epsilon
    chosen: Array = rng.integers(actions, size=len(best)) * at_random + best * ~at_random
    return chosen


def explored(best: Any, epsilon: Any, actions: int, u: Any) -> Any:
    """The actions best[N], each replaced with probability epsilon by one of `actions` at random.

    u[N, 2] uniform in [0, 1): whether, and by which; arrays or tensors, all.
    """
    at_random, which = u[:, 0] < epsilon, u[:, 1] * actions
    if isinstance(best, np.ndarray):
        return np.where(at_random, which.astype(best.dtype), best)
    return which.to(best.dtype).where(at_random, best)


def evaluate(
    env: VectorEnv[Any, Any, Any],
    act: Act,
    seed: int,
    episodes: int,
    options: Callable[[int], dict[str, Any]] | None = None,
    max_steps: int = 0,
) -> Array:
    """Returns [episodes] of a policy, played in blocks of `env.num_envs` episodes as the harness plays them.

    Args:
        env: the environments; the first episode of each counts in a block.
        act: the policy.
        seed: episode i is seeded `seed + i`.
        episodes: how many.
        options: the reset options of the block that begins with episode i.
        max_steps: how many steps of an episode count, 0 for all.
    """
    starts, steps = range(0, episodes, env.num_envs), max_steps or sys.maxsize
    blocks = [_block(env, act, seed + start, options(start) if options else None, steps) for start in starts]
    return np.concatenate(blocks)[:episodes]


def _block(env: VectorEnv[Any, Any, Any], act: Act, seed: int, options: dict[str, Any] | None, max_steps: int) -> Array:
    """Returns [N] of the first episode of each environment, or of its first `max_steps`."""
    observation = in_numpy(env.reset(seed=seed, options=options)[0])
    total, running = np.zeros(env.num_envs), np.ones(env.num_envs, dtype=bool)
    first, step = running.copy(), 0
    while running.any() and step < max_steps:
        observation, reward, terminated, truncated = map(in_numpy, env.step(act(observation, first))[:4])
        total += reward * running
        running &= ~(terminated | truncated)
        first, step = np.zeros_like(first), step + 1
    return total
