"""Evaluation: a submission plays a task, block by block, and the episodes become a record.

evaluate                 one run: every block that its record does not hold yet
play_isolated            one block, by a private copy of the submission
environment_and_agent    a fresh environment, and the agent in a fresh process
play                     the loop (`play.py`)
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import importlib
import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlbench import space_tree
from rlbench.errors import HarnessError, LackingError, UserError, counted
from rlbench.exit_codes import lacked
from rlbench.harness import submission
from rlbench.harness.isolation import tiers
from rlbench.harness.isolation.agent import Act, AgentFault, Spaces
from rlbench.harness.isolation.agent_process import AgentProcess, task_info
from rlbench.harness.isolation.private_copy import private_copy
from rlbench.harness.play import in_process, make_env, play
from rlbench.harness.results import record
from rlbench.harness.results.record import BlockResult, EpisodeResult
from rlbench.harness.results.writer import RecordWriter
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.task import Task
from rlbench.process import termination
from rlbench.progress import progress

ATTEMPTS = 3
"""How often it is tried to start a block before a fault of the harness ends the run."""


def evaluate(
    task: Task,
    submission_path: str | Path,
    results_dir: str | Path,
    *,
    quiet: bool = False,
    isolation: tiers.Asked = "auto",
) -> Path:
    """Score a submission on a task.

    A run that was interrupted continues after its last complete block; a complete one is left as it is. Faults of the
    agent are scored, they are not errors; but one in `load` or in the first call of `act` of a new record is a mistake
    of whoever evaluates, and nothing is recorded. Where the task's supplement needs a program that is not installed,
    the record says so and is not complete: on a machine that has the program the run goes on.

    Args:
        task: What is played.
        submission_path: Folder of the submission, or the name of a built-in one.
        results_dir: Folder of the records.
        quiet: Whether to show no progress.
        isolation: The tier in which the agent runs, or `auto` for the strongest that this machine has.

    Returns:
        The path of the record, `results_dir/<task>/<agent>@<digest12>.jsonl`.

    Raises:
        UserError: The caller can mend it: not Linux, a malformed submission or one that fails at once, another record
            of the same name, a full disk.
        HarnessError: rlbench itself failed.
    """
    if sys.platform != "linux":
        raise UserError(f"agents are evaluated on Linux only (sealed memory, process groups); this is {sys.platform}")
    entrant = submission.read(submission_path)
    if entrant.tasks and not entrant.plays(task):
        listed = ", ".join(entrant.tasks)
        raise UserError(
            f"{entrant.folder} is not submitted to {task.key}, only to {listed}; list {task.key} under tasks"
        )
    path = record.path_of(results_dir, task, entrant)
    if path.resolve().is_relative_to(entrant.folder):
        raise UserError(
            f"records in {results_dir} would change the digest of the submission, whose folder is "
            f"{entrant.folder}; give another folder for results"
        )
    if record.is_complete(path, task, entrant):
        return path
    record.refuse_namesakes(path, entrant)
    tier, begun = obtain_tier(isolation, path, task)
    limited = without_spent_time(task, begun)
    with (
        termination(),
        copied(entrant, task, len(begun)) as entrant,
        RecordWriter(path, task, entrant, tier) as writer,
        progress(f"{entrant.name} on {task.key}", quiet=quiet) as show,
    ):
        for number in range(writer.blocks, task.blocks):
            show(number / task.blocks, number * task.lanes, "episodes")
            try:
                block = play_isolated(limited, entrant, number, strict=number == 0, isolation=tier)
                writer.commit(block)
                limited = without_spent_time(limited, [block.line()])
            except LackingError as error:
                if not task.is_supplement(number):
                    raise
                writer.lack(task.episodes - task.block(number)[0], str(error).removeprefix(f"{task.key}: "))
                return path
        writer.finish()
    return path


def without_spent_time(task: Task, blocks: Sequence[Mapping[str, Any]]) -> Task:
    """The task, with what an agent has left of the time for a whole run after the blocks of these lines in a record."""
    spent = sum(line.get("load_seconds", 0.0) + line.get("act_seconds", 0.0) for line in blocks)
    return dataclasses.replace(task, total_seconds=task.total_seconds - spent)


def obtain_tier(asked: tiers.Asked, path: Path, task: Task) -> tuple[tiers.Tier, list[dict[str, Any]]]:
    """The tier of isolation for a run, and the blocks that it has: a record goes on in the tier it was begun in.

    Args:
        asked: The tier, or `auto`.
        path: Of the record.
        task: What is played.

    Raises:
        UserError: This machine does not have the tier, or the record was begun in another.
    """
    held = record.read(path)
    blocks = held.blocks if held else []
    begun = held.header.get("isolation") if held else None
    try:
        tier = tiers.obtain(begun if asked == "auto" and begun in tiers.TIERS else asked)
    except OSError as error:  # no processes, no disk
        raise _failure(error, f"{task.key}, block {len(blocks)}") from None
    if begun not in (tier, None):
        raise UserError(f"{path} was begun with --isolation {begun}; go on with that, or move it away")
    return tier, blocks


def play_isolated(
    task: Task,
    entrant: Submission,
    number: int,
    *,
    strict: bool = False,
    isolation: tiers.Asked = "auto",
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

    Raises:
        UserError: The submission has changed since it was read, failed at once where `strict` was given, or the machine
            lacked memory, disk, processes or the like.
        HarnessError: The harness was at fault.
    """
    if task.total_seconds <= 0:
        return _lost_block(task, number)
    with copied(entrant, task, number) as entrant:
        for attempt in range(1, ATTEMPTS + 1):
            played = _played_or_error(task, entrant, number, attempt, strict, isolation)
            if isinstance(played, BlockResult):
                return played
            if attempt == ATTEMPTS:
                raise _failure(played, f"{task.key}, block {number}", attempt) from played
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
            raise _failure(error, f"{task.key}, block {number}") from None
        yield copy


def _played_or_error(
    task: Task, entrant: Submission, number: int, attempt: int, strict: bool, isolation: tiers.Asked
) -> BlockResult | Exception:
    """A block; or the error for which it could not be started, so that it may be tried again. Raises all others."""
    try:
        return _play_block(task, entrant, number, attempt, strict, isolation)
    except UserError:
        raise
    except AgentFault as fault:
        raise _at_once(fault, task, entrant) from None
    except SpoiltBlockError as spoilt:
        raise _failure(spoilt.error, f"{task.key}, block {number}", attempt) from spoilt.error
    except Exception as error:
        return error


class SpoiltBlockError(Exception):
    """An error after the agent had started to run, who may have caused it: the block is not played again.

    Args:
        error: What was raised.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


def _at_once(fault: AgentFault, task: Task, entrant: Submission) -> UserError:
    """The error for an agent that fails before anything is recorded."""
    loading = fault.status == "load_error"
    where, kind = ("load", "") if loading else ("the first call of act", f" ({fault.status})")
    return UserError(
        f"{entrant.folder} on {task.key}: {where} failed{kind}, so nothing is recorded; mend it and evaluate it again: "
        f"{fault.message}"
    )


def _failure(error: Exception, where: str, attempts: int = 1) -> UserError | HarnessError:
    """The error for a block that could not be played: of the machine, if it lacked something, or of the harness.

    Args:
        error: What was raised.
        where: Task and block, for the message.
        attempts: How often it was tried.
    """
    lacking = lacked(error)
    if lacking is None and not isinstance(error, OSError):
        return HarnessError(f"{where}, {counted(attempts, 'attempt')}: {error!r}")
    missing = isinstance(error, ImportError)
    reason = lacking if missing else getattr(error, "strerror", None) or str(error) or lacking
    name = f" ({error.filename})" if isinstance(error, OSError) and error.filename else ""
    return UserError(
        f"{where} cannot be played on this machine: {reason}{name}; the blocks before are safe: "
        "free memory, disk, processes or open files, and run again"
    )


def _play_block(
    task: Task, entrant: Submission, number: int, attempt: int, strict: bool, isolation: tiers.Asked
) -> BlockResult:
    began = time.monotonic()
    indices = task.block(number)
    seed = agent_seed(task, entrant.training_seed, number)
    with environment_and_agent(task, entrant, indices, seed, isolation=isolation) as (env, process):
        try:
            act = process.load() if strict else _load(process)
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
    """The seed given to `load`: 31 bits of a hash of the task, the training seed (None: not trained) and the block."""
    text = json.dumps([task.hash, training_seed, block])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


@contextlib.contextmanager
def environment_and_agent(
    task: Task,
    entrant: Submission,
    indices: Sequence[int],
    seed: int,
    explain: bool = False,
    isolation: tiers.Asked = "auto",
) -> Iterator[tuple[Any, AgentProcess]]:
    """A fresh vector environment, one per index, and the agent in a fresh process for it; a context.

    Args:
        task: What is played.
        entrant: The agent.
        indices: Indices of the episodes.
        seed: The seed given to `load`.
        explain: Whether the agent's `explain()` is called, too.
        isolation: The tier in which the agent runs.
    """
    env = make_env(task, len(indices), indices)
    try:
        info = task_info(task, len(indices))
        spaces = describe_spaces(env)
        with AgentProcess(entrant, info, *spaces, seed, task.limits_in_total, explain, isolation) as process:
            yield env, process
    finally:
        env.close()


def describe_spaces(env: Any) -> tuple[space_tree.Description, space_tree.Description]:
    """Descriptions of the observation and the action space of one of a vector environment's environments."""
    return space_tree.describe(env.single_observation_space), space_tree.describe(env.single_action_space)


def _load(process: AgentProcess) -> Act:
    """The agent's `act`; if it cannot be loaded, a function that raises the fault when it is called."""
    try:
        return process.load()
    except AgentFault as fault:
        return _raising(fault)


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


def measure_random_agent(task: Task, episodes: int = 1_000) -> tuple[float, float]:
    """Lowest and mean return of so many random episodes: `failure_return` and `random` of a task."""
    agent: Any = importlib.import_module(f"rlbench.harness.builtin.{task.random_agent}.agent")
    batch = dataclasses.replace(task, episodes=episodes, lanes=episodes)
    env = make_env(batch, episodes)
    random_agent = agent.load(task_info(task, episodes), Spaces(*describe_spaces(env)), seed=0)
    played, _ = play(env, in_process(random_agent, env), batch, range(episodes))
    env.close()
    return min(e.return_ for e in played), math.fsum(e.return_ for e in played) / episodes
