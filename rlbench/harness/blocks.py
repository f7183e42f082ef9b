"""One block of episodes: a fresh environment here, the agent in a fresh process.

play_isolated            by a private copy of the submission, tried again where the harness was at fault
play_watched             the same, with an agent that explains itself
environment_and_agent    a fresh environment, and the agent in a fresh process
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlbench import space_tree
from rlbench.errors import UserError
from rlbench.harness.block_errors import SpoiltBlockError, failed_at_once, failure
from rlbench.harness.isolation import tiers
from rlbench.harness.isolation.agent import Act, AgentFault
from rlbench.harness.isolation.agent_process import AgentProcess, task_info
from rlbench.harness.isolation.private_copy import private_copy
from rlbench.harness.kept import Kept
from rlbench.harness.play import make_env, play
from rlbench.harness.results.record import BlockResult, EpisodeResult
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.task import Task

ATTEMPTS = 3
"""How often it is tried to start a block before a fault of the harness ends the run."""


def play_isolated(
    task: Task,
    entrant: Submission,
    number: int,
    *,
    strict: bool = False,
    isolation: tiers.Asked = "auto",
    steps: list[list[space_tree.Array]] | None = None,
    kept: Kept | None = None,
) -> BlockResult:
    """Play one block with the agent in a fresh process.

    Where that cannot be started, or the environment cannot be made, it is tried again, up to ATTEMPTS times. Once the
    agent has begun to run, nothing is: an agent that could have blocks played again would choose its best ones.

    Args:
        task: What is played.
        entrant: The agent.
        number: Number of the block, from 0.
        strict: Whether a fault in `load` or in the first call of `act` is an error instead of a score.
        isolation: The tier in which the agent runs.
        steps: Where the actions of every step are put, as leaves [N, ...].
        kept: What this process has kept of the block before; None for nothing.

    Raises:
        UserError: The submission has changed since it was read, failed at once where `strict` was given, or the machine
            lacked memory, disk, processes or the like.
        HarnessError: The harness was at fault.
    """
    if task.total_seconds <= 0:
        return _lost_block(task, number)
    with copied(entrant, task, number) as entrant, contextlib.nullcontext(kept) if kept else Kept() as kept:
        for attempt in range(1, ATTEMPTS + 1):
            block = partial(_play_block, task, entrant, number, attempt, strict, isolation, steps, kept)
            played = _played_or_error(block, task, entrant, number, attempt)
            if isinstance(played, BlockResult):
                return played
            if attempt == ATTEMPTS:
                raise failure(played, f"{task.key}, block {number}", attempt) from played
    raise AssertionError("unreachable")


def _lost_block(task: Task, number: int) -> BlockResult:
    """A block for which no time is left: every episode is a failure, and nothing of the agent runs."""
    fault = AgentFault("timeout_run", "the agent has used up its time for the whole run")
    indices = task.block(number)
    env = make_env(task, len(indices), indices)
    try:
        episodes, words = play(env, _raising(fault), task, indices)
    finally:
        env.close()
    return BlockResult(number, episodes, 0.0, 0.0, 0.0, 1, words)


@contextlib.contextmanager
def copied(entrant: Submission, task: Task, number: int) -> Iterator[Submission]:
    """`private_copy`, whose errors name the block of a task that could not be played for want of it; a context."""
    with contextlib.ExitStack() as stack:
        try:
            copy = stack.enter_context(private_copy(entrant))
        except OSError as error:
            raise failure(error, f"{task.key}, block {number}") from None
        yield copy


def _played_or_error(
    block: Callable[[], BlockResult], task: Task, entrant: Submission, number: int, attempt: int
) -> BlockResult | Exception:
    """A block; or the error that kept it from starting, after which it may be tried again. Other errors are raised."""
    try:
        return block()
    except UserError:
        raise
    except AgentFault as fault:
        raise failed_at_once(fault, task, entrant) from None
    except SpoiltBlockError as spoilt:
        raise failure(spoilt.error, f"{task.key}, block {number}", attempt) from spoilt.error
    except Exception as error:
        return error


def _play_block(
    task: Task,
    entrant: Submission,
    number: int,
    attempt: int,
    strict: bool,
    isolation: tiers.Asked,
    steps: list[list[space_tree.Array]] | None,
    kept: Kept,
) -> BlockResult:
    began = time.monotonic()
    indices = task.block(number)
    seed = agent_seed(task, entrant.training_seed, number)
    with environment_and_agent(task, entrant, indices, seed, isolation=isolation, kept=kept) as (env, process):
        try:
            act = noted(process.load() if strict else _load(process), steps)
            episodes, fault = play(env, act, task, indices, strict=strict)
        except (AgentFault, UserError):
            raise
        except Exception as error:
            raise SpoiltBlockError(error) from error
    return BlockResult(
        number=number,
        episodes=episodes,
        seconds=time.monotonic() - began,
        load_seconds=process.load_seconds,
        act_seconds=process.act_seconds,
        attempt=attempt,
        fault=fault,
    )


def agent_seed(task: Task, training_seed: int | None, block: int) -> int:
    """The seed given to `load`: 31 bits of a hash of the task, the training seed (None: not trained) and the block.

    The task counts by its name and version, not by its hash: agents that draw random numbers play alike whatever
    fields the hash covers.
    """
    text = json.dumps([task.key, training_seed, block])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


@contextlib.contextmanager
def environment_and_agent(
    task: Task,
    entrant: Submission,
    indices: Sequence[int],
    seed: int,
    explain: bool = False,
    isolation: tiers.Asked = "auto",
    kept: Kept | None = None,
) -> Iterator[tuple[Any, AgentProcess]]:
    """A vector environment, one per index, as if it were fresh, and the agent in a process for it; a context.

    Args:
        task: What is played.
        entrant: The agent.
        indices: Indices of the episodes.
        seed: The seed given to `load`.
        explain: Whether the agent's `explain()` is called, too.
        isolation: The tier in which the agent runs.
        kept: What this process has kept of the block before; None for nothing.
    """
    with contextlib.ExitStack() as stack:
        kept = kept or stack.enter_context(Kept())
        server = kept.server(entrant, tiers.obtain(isolation))  # it imports while the environment is made
        env = stack.enter_context(kept.environment(task, indices))
        agent = AgentProcess(
            entrant,
            task_info(task, len(indices)),
            *describe_spaces(env),
            seed,
            task.limits_in_total,
            explain,
            isolation,
            may_pin=kept.alone,
            server=server,
        )
        yield env, stack.enter_context(agent)


def describe_spaces(env: Any) -> tuple[space_tree.Description, space_tree.Description]:
    """Descriptions of the observation and the action space of one of a vector environment's environments."""
    return space_tree.describe(env.single_observation_space), space_tree.describe(env.single_action_space)


def _load(process: AgentProcess) -> Act:
    """The agent's `act`; if it cannot be loaded, a function that raises the fault when it is called."""
    try:
        return process.load()
    except AgentFault as fault:
        return _raising(fault)


def noted(act: Act, steps: list[list[space_tree.Array]] | None) -> Act:
    """The same agent, whose actions are appended to `steps`, as the environment takes them."""
    if steps is None:
        return act

    def noting(observation: Any, first: NDArray[np.bool_]) -> list[space_tree.Array]:
        steps.append(act(observation, first))  # `play` replaces what is not valid in place
        return steps[-1]

    return noting


def _raising(fault: AgentFault) -> Act:
    def act(observation: Any, first: NDArray[np.bool_]) -> list[space_tree.Array]:
        raise fault

    return act


def play_watched(
    task: Task, entrant: Submission, indices: Sequence[int], seed: int, watch: Callable[[Act, AgentProcess], Act]
) -> tuple[list[EpisodeResult], str | None]:
    """Play episodes with an isolated agent that explains its actions, if it can, and show them.

    Args:
        task: What is played.
        entrant: The agent.
        indices: Indices of the episodes.
        seed: The seed given to `load`; with the indices and the seed of a block the episodes are those of the record.
        watch: Wraps the agent's `act` in a function that calls it and shows what it did.

    Returns:
        What `play` returns.

    Raises:
        UserError: The agent cannot be loaded.
    """
    with (
        private_copy(entrant) as entrant,
        environment_and_agent(task, entrant, indices, seed, explain=True) as (env, process),
    ):
        try:
            act = process.load()
        except AgentFault as fault:
            raise UserError(f"{entrant.folder} on {task.key}: load failed: {fault.message}") from None
        return play(env, watch(act, process), task, indices)
