"""A live agent, an object of this very process: played here, not recorded, and so never ranked.

It cannot be put into a process of its own, so nothing keeps it from the environment, the seeds and the clock: its time
is not limited, its arithmetic is that of this process, and what it raises ends the evaluation. To score it as others
are scored, make a folder of it; docs/submitting.md.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from numpy.typing import NDArray

from rlbench.api.run import Run
from rlbench.errors import UserError, shortened
from rlbench.harness.blocks import describe_spaces
from rlbench.harness.isolation.actions import InvalidActionError
from rlbench.harness.isolation.agent import Agent, AgentFault, FunctionAgent, PerEnvironmentAgents, Spaces, takes_first
from rlbench.harness.play import in_process, make_env, play
from rlbench.harness.results.record import Record
from rlbench.harness.tasks import fingerprint
from rlbench.harness.tasks.task import Task
from rlbench.progress import progress

REMARK = "played in this process, so not recorded and not ranked"


def is_live(agent: object) -> bool:
    """Whether an object is an agent by itself, neither a name nor a path; UserError for a class of agents."""
    if inspect.isclass(agent):
        raise UserError(f"{agent.__name__} is a class; give an object of it")
    return any(callable(getattr(agent, name, None)) for name in ("act", "predict")) or callable(agent)


def play_live(agent: Any, task: Task, limit: int | None = None, *, quiet: bool = False) -> Run:
    """Play all episodes of a task with an agent of this process.

    Args:
        agent: An object with `act(observation, first)`, `act(observation)` or `predict(observation)`, or a function
            in the place of such an `act`.
        task: What is played.
        limit: How many episodes, in whole blocks; None for all.
        quiet: Whether to show no progress.

    Raises:
        UserError: It is no agent, or its actions have a wrong structure, type or shape.
    """
    name = name_of(agent)
    episodes: list[dict[str, Any]] = []
    blocks: list[dict[str, Any]] = []
    with progress(f"{name} on {task.key}", quiet=quiet) as show:
        for number in range(task.blocks):
            if limit is not None and len(episodes) >= limit:
                break
            show(number / task.blocks, len(episodes), "episodes")
            indices = task.block(number)
            env = make_env(task, len(indices), indices)
            try:
                act = in_process(batch_agent(agent, env), env)
                played, fault = play(env, act, task, indices, strict=number == 0)
            except (InvalidActionError, AgentFault) as error:
                raise UserError(f"{name} on {task.key}: {error}") from None
            finally:
                env.close()
            episodes += [{**episode.line(), "block": number} for episode in played]
            blocks.append({"kind": "block", "block": number, "fault": fault})
    run = Record(
        header(name, task), episodes, blocks, complete=len(episodes) == task.episodes, size=0, last="", walled=False
    )
    faults = [REMARK, *(line["fault"] for line in blocks if line["fault"])]
    return Run.of_record(run, None, "; ".join(faults[:2]))


def name_of(agent: Any) -> str:
    """What a live agent is called: the function's name, or that of its class."""
    return str(getattr(agent, "__name__", type(agent).__name__))


def header(name: str, task: Task) -> dict[str, Any]:
    """What the header of a record would say."""
    return {
        "task": task.key,
        "task_hash": task.hash,
        "agent": name,
        "version": "",
        "owner": "",
        "digest": "",
        "contents": "",
        "dynamics": fingerprint.fingerprint(task),
        "training_seed": None,
        "training_steps": None,
        "isolation": "none",
    }


class OneEnvironment(NamedTuple):
    """What an agent must know of a batch of one environment."""

    single_observation_space: gymnasium.Space[Any]
    single_action_space: gymnasium.Space[Any]
    num_envs: int = 1


def batch_agent(agent: Any, env: Any) -> Agent:
    """A live agent as one for all environments of a batch.

    Args:
        agent: As `play_live` takes it.
        env: The vector environment, or a `OneEnvironment`.

    Raises:
        UserError: It is no agent, or one for a single environment that remembers its episode.
    """
    if callable(getattr(agent, "act", None)):
        act = agent.act
    elif callable(getattr(agent, "predict", None)):
        act = predicting(agent.predict)
    elif callable(agent):
        act = agent
    else:
        raise UserError(f"{shortened(agent)} is no agent: it has no method act(observation, first)")
    if takes_first(act):
        return FunctionAgent(act)
    if callable(getattr(agent, "reset", None)):
        raise UserError(
            f"{type(agent).__name__} plays one environment and has reset(): one object cannot remember the episodes of "
            f"{env.num_envs}; let it take act(observation, first), or make a folder of it"
        )
    return PerEnvironmentAgents([FunctionAgent(act)] * env.num_envs, Spaces(*describe_spaces(env)))


def predicting(predict: Callable[..., Any]) -> Callable[[Any, NDArray[np.bool_]], Any]:
    """The `predict` of a model of stable-baselines3, which takes batches, as `act`: without chance, as it is scored."""

    def act(observation: Any, first: NDArray[np.bool_]) -> Any:
        actions, _ = predict(observation, deterministic=True)
        return actions

    return act
