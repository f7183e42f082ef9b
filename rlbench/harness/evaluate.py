"""Evaluation: the loop that plays one block of episodes in lockstep, and the run that joins the blocks.

`play` is the loop. It knows a vector environment and a function `act`, no file and no process, so the same
loop runs an agent behind the wall and one in this process. `evaluate` is the run: child, environment and
record, block after block.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from rlbench import space_tree
from rlbench.errors import HarnessError, UserError
from rlbench.harness import submission
from rlbench.harness.isolation import agent_process, shared_memory
from rlbench.harness.isolation.agent import Act, Agent, AgentFault, Spaces, TaskInfo
from rlbench.harness.results import record
from rlbench.harness.results.record import Block, Episode
from rlbench.harness.results.writer import Writer
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.task import Task
from rlbench.progress import progress

ATTEMPTS = 3
"""How often a block is played before a fault of the harness ends the run."""


@dataclass
class _Trace:
    """What happened in one block: rewards and actions by step, and how each lane's first episode ended."""

    rewards: list[NDArray[Any]]
    actions: list[list[space_tree.Array]]
    running: NDArray[np.bool_]
    length: NDArray[np.int64]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    status: list[str]
    fault: str | None = None

    @classmethod
    def of(cls, lanes: int) -> _Trace:
        running, terminated, truncated = (np.full(lanes, flag) for flag in (True, False, False))
        return cls([], [], running, np.zeros(lanes, np.int64), terminated, truncated, ["ok"] * lanes)

    def end(self, lanes: NDArray[np.bool_]) -> None:
        """These lanes' first episodes end with the steps taken so far."""
        self.running &= ~lanes
        self.length[lanes] = len(self.rewards)

    def fail(self, lanes: NDArray[np.bool_], status: str, message: str) -> None:
        """The agent ends these lanes' first episodes by a fault."""
        for lane in np.flatnonzero(lanes):
            self.status[lane] = status
        self.fault = self.fault or f"{status}: {message}"
        self.end(lanes)


def play(env: Any, act: Act, task: Task, indices: Sequence[int]) -> tuple[list[Episode], str | None]:
    """The episodes of one block, one per lane, and what the agent did wrong first, if anything.

    `env` is a vector environment of `len(indices)` lanes in SAME_STEP mode, which never returns an array twice.
    There, and only there, an agent is never asked to act on a finished episode. A lane whose episode is over plays
    on, unrecorded, until all are over.
    """
    seeds, options = zip(*(task.episode(i) for i in indices), strict=True)
    bounds = shared_memory.Bounds(space_tree.describe(env.single_action_space))
    trace = _Trace.of(len(indices))
    observation, _ = env.reset(seed=list(seeds), options=stacked(options) if options[0] is not None else None)
    over = np.ones(len(indices), np.bool_)
    try:
        while trace.running.any():
            action = act(observation, over)
            broken = bounds.broken(action)
            if broken is not None:
                trace.fail(broken & trace.running, "invalid_action", bounds.said(action))
                bounds.mend(action, broken)
            observation, reward, terminated, truncated, _ = env.step(bounds.tree(action))
            trace.actions.append(action)
            trace.rewards.append(reward)
            over = terminated | truncated
            if b"\1" in over.tobytes():
                ended = over & trace.running
                trace.terminated |= ended & terminated
                trace.truncated |= ended & truncated
                trace.end(ended)
    except AgentFault as fault:
        trace.fail(trace.running.copy(), fault.status, fault.message)
    return _episodes(trace, task, indices), trace.fault


def evaluate(task: Task, submission_path: str | Path, results_dir: str | Path, *, quiet: bool = False) -> Path:
    """Score a submission on a task and return its record, `results_dir/<task>/<agent>@<digest12>.jsonl`.

    A run that was interrupted continues after its last complete block, and a complete one is left as it is.
    The agent's faults are scored; a UserError says what the caller can mend, a HarnessError what we must.
    """
    if sys.platform != "linux":
        raise UserError(f"agents are evaluated on Linux only (sealed memory, process groups); this is {sys.platform}")
    entrant = submission.read(submission_path)
    if not entrant.plays(task):
        listed = ", ".join(entrant.tasks)
        raise UserError(
            f"{entrant.folder} is not submitted to {task.key}, only to {listed}; list {task.key} under tasks"
        )
    path = record.path_of(results_dir, task, entrant)
    if record.is_complete(path, task, entrant):
        return path
    record.refuse_namesakes(path, entrant)
    with (
        Writer(path, task, entrant) as writer,
        progress(f"{entrant.name} on {task.key}", quiet=quiet) as show,
    ):
        for number in range(writer.blocks, task.blocks):
            show(number / task.blocks, number * task.lanes, "episodes")
            writer.commit(play_isolated(task, entrant, number))
        writer.finish()
    return path


def play_isolated(task: Task, entrant: Submission, number: int) -> Block:
    """One block, its agent in a fresh child; played again where the harness was at fault."""
    for attempt in range(1, ATTEMPTS + 1):
        if submission.digest(entrant.folder) != entrant.digest:
            raise UserError(f"{entrant.folder} changed while it was being evaluated; evaluate it again")
        try:
            return _attempt(task, entrant, number, attempt)
        except UserError:
            raise
        except Exception as error:
            if attempt == ATTEMPTS:
                raise HarnessError(f"{task.key}, block {number}, {ATTEMPTS} attempts: {error!r}") from error
    raise AssertionError("unreachable")


def agent_seed(task: Task, training_seed: int | None, block: int) -> int:
    """The seed given to `load`: 31 bits of a hash over the task, the training seed and the block."""
    text = json.dumps([task.hash, training_seed, block])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def measure_anchors(task: Task, episodes: int = 1_000) -> tuple[float, float]:
    """The worst and the mean return of so many random episodes: what `floor` and `random` of a task are."""
    from rlbench.harness.builtin.random import agent

    wide = dataclasses.replace(task, episodes=episodes, lanes=episodes)
    env = make_env(wide, episodes)
    info = TaskInfo(task.name, task.version, episodes, task.discount)
    player = agent.load(info, Spaces(*_descriptions(env)), seed=0)
    played, _ = play(env, in_process(player, env), wide, range(episodes))
    env.close()
    return min(e.return_ for e in played), math.fsum(e.return_ for e in played) / episodes


def in_process(player: Agent, env: Any) -> Act:
    """An agent of this very process as `play` wants it: for measuring, and for agents that are trusted."""
    leaves = tuple(space_tree.leaves(space_tree.describe(env.single_action_space)))
    shapes = [(env.num_envs, *leaf.shape) for leaf in leaves]

    def act(observation: Any, first: NDArray[np.bool_]) -> list[space_tree.Array]:
        action = player.act(observation, first)
        return [
            np.array(shared_memory.fitted(action, leaf, shape), leaf.wide)
            for leaf, shape in zip(leaves, shapes, strict=True)
        ]

    return act


def digest_of(actions: Sequence[space_tree.Array]) -> str:
    """The start of the sha256 over one episode's actions, each leaf [T, ...] in the dtype in which it crosses."""
    digest = hashlib.sha256()
    for leaf in actions:
        digest.update(leaf.tobytes())
    return digest.hexdigest()[:16]


def make_env(task: Task, lanes: int) -> Any:
    """The vector environment that `play` wants; a UserError names the extra that it needs and is not there."""
    mode = gymnasium.vector.AutoresetMode.SAME_STEP
    try:
        return gymnasium.make_vec(task.env_id, num_envs=lanes, autoreset_mode=mode, **task.env_kwargs)
    except gymnasium.error.DependencyNotInstalled as error:
        raise UserError(f"{task.key}: {error}") from None


def stacked(options: Sequence[Any]) -> Any:
    """Reset options of N episodes as the options of a vector environment: every leaf an array [N]."""
    if isinstance(options[0], Mapping):
        return {key: stacked([one[key] for one in options]) for key in options[0]}
    return np.array(options)


def play_watched(
    task: Task, entrant: Submission, indices: Sequence[int], seed: int, watch: Callable[[Act, agent_process.Child], Act]
) -> tuple[list[Episode], str | None]:
    """Episodes as `play` gives them, by an isolated agent that tells what it thinks, where it does.

    `watch` puts another function in the place of the agent's `act`: one that calls it and shows what it did. With the
    indices and the seed of a block of a run the episodes are those of that run.
    """
    with _scene(task, entrant, indices, seed, explain=True) as (env, child):
        return play(env, watch(_loaded(child), child), task, indices)


def _attempt(task: Task, entrant: Submission, number: int, attempt: int) -> Block:
    began = time.monotonic()
    indices = task.block(number)
    with _scene(task, entrant, indices, agent_seed(task, entrant.training_seed, number)) as (env, child):
        episodes, fault = play(env, _loaded(child), task, indices)
    return Block(
        number=number,
        episodes=episodes,
        seconds=time.monotonic() - began,
        load_seconds=child.load_seconds,
        act_seconds=child.act_seconds,
        attempt=attempt,
        fault=fault,
    )


@contextlib.contextmanager
def _scene(
    task: Task, entrant: Submission, indices: Sequence[int], seed: int, explain: bool = False
) -> Iterator[tuple[Any, agent_process.Child]]:
    """An environment of one lane per index and an agent behind the wall for it, both fresh."""
    env = make_env(task, len(indices))
    try:
        info = TaskInfo(task.name, task.version, len(indices), task.discount)
        with agent_process.Child(entrant, info, *_descriptions(env), seed, task.limits, explain) as child:
            yield env, child
    finally:
        env.close()


def _descriptions(env: Any) -> tuple[space_tree.Description, space_tree.Description]:
    return space_tree.describe(env.single_observation_space), space_tree.describe(env.single_action_space)


def _loaded(child: agent_process.Child) -> Act:
    """The agent's `act`; where it cannot be loaded, a function that says so when called."""
    try:
        return child.load()
    except AgentFault as fault:
        return _raising(fault)


def _raising(fault: AgentFault) -> Act:
    def act(observation: Any, first: NDArray[np.bool_]) -> list[space_tree.Array]:
        raise fault

    return act


def _episodes(trace: _Trace, task: Task, indices: Sequence[int]) -> list[Episode]:
    """The episode lines of a finished block."""
    rewards = np.array(trace.rewards, np.float64).reshape(-1, len(indices))
    leaves = [np.array(steps) for steps in zip(*trace.actions, strict=True)]
    return [
        _episode(trace, task, index, lane, rewards[: trace.length[lane], lane], leaves)
        for lane, index in enumerate(indices)
    ]


def _episode(
    trace: _Trace, task: Task, index: int, lane: int, rewards: NDArray[np.float64], leaves: list[space_tree.Array]
) -> Episode:
    """One lane's first episode. Sums are correctly rounded, hence the same in every batch width."""
    seed, options = task.episode(index)
    ok = trace.status[lane] == "ok"
    discounts = np.cumprod([1.0] + [task.discount] * len(rewards))[:-1]  # ** differs in the last bit between CPUs
    return Episode(
        index=index,
        seed=seed,
        return_=math.fsum(rewards) if ok else task.floor,
        discounted_return=math.fsum(rewards * discounts) if ok else task.floor,
        length=len(rewards),
        terminated=bool(trace.terminated[lane]),
        truncated=bool(trace.truncated[lane]),
        status=trace.status[lane],
        actions=digest_of([leaf[: len(rewards), lane] for leaf in leaves]),
        extra=dict(options or {}),
    )
