"""The loop of evaluation: one block of episodes, all stepped together.

It knows a vector environment and a function `act`, no file and no process. The same loop plays an agent behind the
process boundary and one in this process.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from rlbench import environments, space_tree
from rlbench.errors import LackingError
from rlbench.harness.isolation.actions import ActionBounds, as_array
from rlbench.harness.isolation.agent import Act, Agent, AgentFault
from rlbench.harness.results.record import EpisodeResult
from rlbench.harness.tasks.task import Task


def play(
    env: Any, act: Act, task: Task, indices: Sequence[int], *, strict: bool = False
) -> tuple[list[EpisodeResult], str | None]:
    """Play one block: the first episode of each environment counts.

    An environment whose episode has ended plays on, unrecorded, until all have. SAME_STEP is the one mode in which an
    agent is never asked to act on an episode that has ended.

    Args:
        env: Vector environment of `len(indices)` environments in SAME_STEP mode that never returns an array twice.
        act: Calls the agent.
        task: Gives the episodes their seeds and reset options.
        indices: Indices of the episodes, one per environment.
        strict: Whether a fault in the first call of `act` is raised instead of scored, unless the agent's process died
            without a word.

    Returns:
        The episodes, and the agent's first fault, None where there was none.

    Raises:
        AgentFault: The first call failed, and `strict` was given.
    """
    seeds, options = zip(*(task.episode(i) for i in indices), strict=True)
    bounds = ActionBounds(space_tree.describe(env.single_action_space))
    rollout = _Rollout.of(len(indices))
    observation, _ = env.reset(seed=list(seeds), options=stacked(options) if options[0] is not None else None)
    first = np.ones(len(indices), np.bool_)
    try:
        while rollout.running.any():
            action = act(observation, first)
            invalid = bounds.violations(action)
            if invalid is not None:
                if strict and not rollout.actions:
                    raise AgentFault("invalid_action", bounds.message(action))
                rollout.fail(invalid & rollout.running, "invalid_action", bounds.message(action))
                bounds.replace(action, invalid)
            observation, reward, terminated, truncated, info = env.step(bounds.unflatten(action))
            rollout.add(action, reward)
            first = terminated | truncated
            if b"\1" in first.tobytes():  # hot loop: faster than first.any()
                rollout.note(first & rollout.running, task.outcomes, info)
                rollout.end(first & rollout.running, terminated, truncated)
    except AgentFault as fault:
        if strict and not rollout.actions and not fault.wordless:
            raise
        rollout.fail(rollout.running.copy(), fault.status, fault.message)
    return rollout.episodes(task, indices), rollout.fault


@dataclass
class _Rollout:
    """Rewards and actions of one block by step, and how the first episode of each environment ended."""

    rewards: list[NDArray[Any]]
    actions: list[list[space_tree.Array]]
    running: NDArray[np.bool_]
    """[N], whether the first episode has not ended yet."""

    length: NDArray[np.int64]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    status: list[str]
    outcomes: list[dict[str, Any]]
    fault: str | None = None

    @classmethod
    def of(cls, num_envs: int) -> _Rollout:
        """Nothing has been played yet."""
        running, terminated, truncated = (np.full(num_envs, flag) for flag in (True, False, False))
        length = np.zeros(num_envs, np.int64)
        outcomes: list[dict[str, Any]] = [{} for _ in range(num_envs)]
        return cls([], [], running, length, terminated, truncated, ["ok"] * num_envs, outcomes)

    def add(self, action: list[space_tree.Array], reward: NDArray[Any]) -> None:
        """Record one step."""
        self.actions.append(action)
        self.rewards.append(reward)

    def note(self, mask: NDArray[np.bool_], names: Sequence[str], info: Mapping[str, Any]) -> None:
        """Keep entries of the `info` with which the episodes end where mask [N] is true."""
        final = info.get("final_info", {})
        for name in (name for name in names if name in final):
            there = mask & final.get(f"_{name}", True)
            for i in np.flatnonzero(there):
                value = final[name][i]
                self.outcomes[i][name] = value.item() if isinstance(value, np.generic) else value

    def end(self, mask: NDArray[np.bool_], terminated: NDArray[np.bool_], truncated: NDArray[np.bool_]) -> None:
        """End the first episodes where mask [N] is true, after the steps taken so far."""
        self.terminated |= mask & terminated
        self.truncated |= mask & truncated
        self._stop(mask)

    def fail(self, mask: NDArray[np.bool_], status: str, message: str) -> None:
        """End the first episodes where mask [N] is true by a fault of the agent."""
        for i in np.flatnonzero(mask):
            self.status[i] = status
        self.fault = self.fault or f"{status}: {message}"
        self._stop(mask)

    def _stop(self, mask: NDArray[np.bool_]) -> None:
        self.running &= ~mask
        self.length[mask] = len(self.rewards)

    def episodes(self, task: Task, indices: Sequence[int]) -> list[EpisodeResult]:
        """The results of all first episodes."""
        rewards = np.array(self.rewards, np.float64).reshape(-1, len(indices))
        leaves = [np.array(steps) for steps in zip(*self.actions, strict=True)]
        return [self._episode(task, index, i, rewards[: self.length[i], i], leaves) for i, index in enumerate(indices)]

    def _episode(
        self, task: Task, index: int, i: int, rewards: NDArray[np.float64], leaves: list[space_tree.Array]
    ) -> EpisodeResult:
        """The first episode of environment i. Its sums are correctly rounded, hence the same in every batch size."""
        seed, options = task.episode(index)
        ok = self.status[i] == "ok"
        discounts = np.cumprod([1.0] + [task.discount] * len(rewards))[:-1]  # ** differs in the last bit between CPUs
        return EpisodeResult(
            index=index,
            seed=seed,
            return_=math.fsum(rewards) if ok else task.failure_return,
            discounted_return=math.fsum(rewards * discounts) if ok else task.failure_return,
            length=len(rewards),
            terminated=bool(self.terminated[i]),
            truncated=bool(self.truncated[i]),
            status=self.status[i],
            actions=actions_digest([leaf[: len(rewards), i] for leaf in leaves]),
            extra={**(options or {}), **self.outcomes[i]},
        )


def actions_digest(actions: Sequence[space_tree.Array]) -> str:
    """Start of the sha256 of one episode's actions, given as leaves [T, ...] in the dtype of `Leaf.wide`."""
    digest = hashlib.sha256()
    for leaf in actions:
        digest.update(leaf.tobytes())
    return digest.hexdigest()[:16]


def in_process(agent: Agent, env: Any) -> Act:
    """Call an agent in this very process: for measuring, and for agents that are trusted.

    Args:
        agent: Plays all environments at once.
        env: The vector environment that it plays.

    Returns:
        The function that `play` calls; it raises InvalidActionError where an action does not fit the space.
    """
    leaves = tuple(space_tree.leaves(space_tree.describe(env.single_action_space)))
    shapes = [(env.num_envs, *leaf.shape) for leaf in leaves]

    def act(observation: Any, first: NDArray[np.bool_]) -> list[space_tree.Array]:
        action = agent.act(observation, first)
        return [np.array(as_array(action, leaf, shape), leaf.wide) for leaf, shape in zip(leaves, shapes, strict=True)]

    return act


def make_env(task: Task, num_envs: int, indices: Sequence[int] = ()) -> Any:
    """The vector environment that `play` needs.

    Args:
        task: What is played.
        num_envs: Number of environments.
        indices: Indices of the episodes, where they matter.

    Raises:
        LackingError: A package or a program is not installed; the message says how to install it.
        SpaceError: Its spaces cannot cross to an agent.
    """
    mode = gymnasium.vector.AutoresetMode.SAME_STEP
    try:
        env = environments.make_vec(task.env_id, num_envs, mode, **task.kwargs(indices))
    except gymnasium.error.DependencyNotInstalled as error:
        raise LackingError(f"{task.key}: {error}") from None
    try:
        for space in (env.single_observation_space, env.single_action_space):
            space_tree.describe(space)
    except space_tree.SpaceError as error:
        env.close()
        raise space_tree.SpaceError(f"{task.env_id}: {error}") from None
    return env


def stacked(options: Sequence[Any]) -> Any:
    """Reset options of N episodes as those of one vector environment: every leaf an array [N]."""
    if isinstance(options[0], Mapping):
        return {key: stacked([one[key] for one in options]) for key in options[0]}
    return np.array(options)
