"""Q-learning: the optimal action values of an unknown world, in a table, from episodes of a policy that explores.

Watkins (1989), "Learning from Delayed Rewards"; Watkins & Dayan (1992), equation 1. Departures: several episodes are
played at once; of lanes that take the same action in the same state at the same moment, one is learned from.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import gymnasium
import numpy as np
from numpy.typing import NDArray

from baselines import checks
from baselines.data.rollout import Lanes, explore, make_lanes
from baselines.maths.equations import Floats, linear_schedule, q_learning_target, q_learning_update
from baselines.templates.agent_template import Table
from baselines.training.events import Evaluated, Event, Finished, Progress, Snapshot, Stopwatch, Tree
from baselines.training.validation import Validation, training_seed
from rlbench.errors import UserError


@dataclass(frozen=True)
class Config:
    """Settings of a Q-learning training. A step is one step of every lane."""

    task: str = "grid-world@1"
    """Task or Gymnasium id to learn; its observations and actions must be Discrete."""
    agent: str = "q-learning"
    """Name under which the trained agent is submitted."""
    seed: int = 0
    """Training seed: decides the exploration and the episodes."""
    device: Literal["auto", "cpu"] = "auto"
    """Always the CPU."""
    lanes: int = 16
    """Episodes played at once."""
    steps: int = 2_000
    """Budget: steps of every lane."""
    gamma: float = 1.0
    """Discount."""
    learning_rate: float = 0.5
    """Alpha at the start."""
    learning_rate_end: float = 0.05
    """Alpha at the end of the budget, reached on a line."""
    epsilon: float = 0.2
    """Probability of an action at random."""
    evaluate_every: int = 100
    """Steps between evaluations."""
    evaluation_episodes: int = 20
    """Greedy episodes per evaluation, on validation seeds."""
    checkpoint_every: int = 1_000
    """Steps between snapshots; every lane begins a new episode there, so that no simulator need be stored."""


PRESETS: dict[str, Config] = {"lecture": Config()}


def check(config: Config) -> None:
    """UserError for a setting that makes no sense, naming it."""
    checks.seed(config.seed)
    checks.gamma(config.gamma)
    checks.probability("epsilon", config.epsilon)
    for name in ("learning_rate", "learning_rate_end"):
        checks.positive(name, getattr(config, name))
    for name in ("lanes", "steps", "evaluate_every", "evaluation_episodes", "checkpoint_every"):
        checks.count(name, getattr(config, name))
    if config.device not in ("auto", "cpu"):
        raise UserError(f"Q-learning with a table runs on the CPU, not on device={config.device}")


def table(env: gymnasium.vector.VectorEnv[Any, Any, Any]) -> Floats:
    """Q[S, A] = 0; UserError for an environment whose states and actions are not numbered from 0."""
    spaces = env.single_observation_space, env.single_action_space
    for name, space in zip(("observations", "actions"), spaces, strict=True):
        if not isinstance(space, gymnasium.spaces.Discrete) or space.start != 0:
            raise UserError(f"Q-learning with a table takes Discrete {name} from 0, not {space}")
    return np.zeros([int(space.n) for space in spaces])  # type: ignore[attr-defined]  # checked above


def as_it_is(observation: NDArray[Any]) -> NDArray[Any]:
    """A table's encoding of states: none."""
    return observation


def learn(Q: Floats, lanes: Lanes, config: Config, step: int, rng: np.random.Generator) -> float:
    """One step of every lane, and what it teaches, into Q; returns the mean temporal-difference error."""
    alpha = linear_schedule(step, config.learning_rate, config.learning_rate_end, config.steps)
    played = lanes.step(explore(Q[lanes.s_tm1].argmax(axis=1), config.epsilon, Q.shape[1], rng))
    discount_t = config.gamma * ~played.terminated
    target_tm1 = q_learning_target(played.r_t, discount_t, Q[played.s_t].max(axis=1))
    at = played.s_tm1[played.valid], played.a_tm1[played.valid]
    error: float = np.abs(target_tm1[played.valid] - Q[at]).sum() / len(played.valid)
    Q[at] = q_learning_update(Q[at], target_tm1[played.valid], alpha)
    return error


def train(
    config: Config, *, resume: Tree | None = None, clock: Callable[[], float] = time.perf_counter
) -> Iterator[Event]:
    """Learn; yields what happens and ends with Finished. `resume` is the state of an earlier Snapshot.

    The last table is the one to keep: it converges, and a better validation mean would only tell of easier starts.
    """
    check(config)
    watch = Stopwatch(clock)
    lanes = Lanes(make_lanes(config.task, config.lanes), as_it_is)
    validation = Validation(config.task, config.evaluation_episodes)
    Q, rng, step, error = table(lanes.env), np.random.default_rng(config.seed), 0, 0.0

    def state() -> Tree:
        trees = {"rng": rng.bit_generator.state, "validation": validation.state()}
        return {"Q": Q.copy(), "step": step, "seconds": watch.seconds, **trees}

    def counts() -> tuple[int, int, float]:
        return step, step * config.lanes, watch.seconds

    if resume is not None:
        Q, step, watch = resume["Q"].copy(), resume["step"], Stopwatch(clock, resume["seconds"])
        rng.bit_generator.state = resume["rng"]
        validation.restore(resume["validation"])
    while step < config.steps:
        if step % config.checkpoint_every == 0:
            with watch.paused():
                yield Snapshot(*counts(), state)
            lanes.reset(training_seed(rng))
        error = learn(Q, lanes, config, step, rng)
        step += 1
        if step % config.evaluate_every == 0:
            with watch.paused():
                yield Progress(*counts(), step / config.steps, {"temporal-difference error": error})
                yield Evaluated(*counts(), *validation.evaluate(Table(Q)))
    lanes.env.close()
    validation.close()
    yield Finished(*counts(), Table(Q), "budget spent", state)
