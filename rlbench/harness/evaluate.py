"""Evaluation: a submission plays a task, block by block (`block`), and the episodes become a record."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rlbench import children
from rlbench.errors import LackingError, UserError
from rlbench.harness import submission
from rlbench.harness.blocks import copied, describe_spaces, failure, play_isolated
from rlbench.harness.isolation import tiers
from rlbench.harness.isolation.agent import Spaces
from rlbench.harness.isolation.agent_process import task_info
from rlbench.harness.play import in_process, make_env, play
from rlbench.harness.proof import kept_actions
from rlbench.harness.proof.resimulation import Actions
from rlbench.harness.results import record
from rlbench.harness.results.writer import RecordWriter, refuse_namesakes
from rlbench.harness.tasks.task import Task
from rlbench.process import termination
from rlbench.progress import progress


def evaluate(
    task: Task,
    submission_path: str | Path,
    results_dir: str | Path,
    *,
    quiet: bool = False,
    isolation: tiers.Asked = "auto",
    traces: bool = False,
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
        isolation: The tier in which the agent runs, or `auto`, see `tiers.obtain`.
        traces: Whether the actions are kept beside the record, from its first block on.

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
    children.remove_leftovers()  # of a run that was killed; this one may have nothing to do
    if record.is_complete(path, task, entrant):
        return path
    refuse_namesakes(path, entrant)
    tier, begun = obtain_tier(isolation, path, task)
    limited = without_spent_time(task, begun)
    with (
        termination(),
        copied(entrant, task, len(begun)) as entrant,
        RecordWriter(path, task, entrant, tier) as writer,
        kept_actions.keeping(path, writer.blocks) if traces else contextlib.nullcontext() as keeper,
        progress(f"{entrant.name} on {task.key}", quiet=quiet) as show,
    ):
        for number in range(writer.blocks, task.blocks):
            show(number / task.blocks, number * task.num_envs, "episodes")
            try:
                steps: list[Actions] = []
                block = play_isolated(
                    limited, entrant, number, strict=number == 0, isolation=tier, steps=steps if keeper else None
                )
                if keeper:
                    keeper.append(number, kept_actions.split(steps, block))
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
        raise failure(error, f"{task.key}, block {len(blocks)}") from None
    if begun not in (tier, None):
        raise UserError(f"{path} was begun with --isolation {begun}; go on with that, or move it away")
    return tier, blocks


def measure_random_agent(task: Task, episodes: int = 1_000) -> tuple[float, float]:
    """Lowest and mean return of so many random episodes: `failure_return` and `random` of a task."""
    agent: Any = importlib.import_module(f"rlbench.harness.builtin.{task.random_agent}.agent")
    batch = dataclasses.replace(task, episodes=episodes, num_envs=episodes)
    env = make_env(batch, episodes)
    random_agent = agent.load(task_info(task, episodes), Spaces(*describe_spaces(env)), seed=0)
    played, _ = play(env, in_process(random_agent, env), batch, range(episodes))
    env.close()
    return min(e.return_ for e in played), math.fsum(e.return_ for e in played) / episodes
