"""What `rlbench watch` plays: a submission on a task, or the episodes of a record with the submission that it is of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlbench.commands.shared import display, lookup
from rlbench.commands.show import find_id
from rlbench.errors import UserError
from rlbench.harness import submission
from rlbench.harness.evaluate import agent_seed
from rlbench.harness.results import record
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.suite import TASKS, get_task
from rlbench.harness.tasks.task import Task
from rlbench.interact import watch

if TYPE_CHECKING:
    from rlbench.commands.watch import WatchOptions


@dataclass(frozen=True)
class Show:
    """Blocks to play: a task, a submission, and for each block its episodes, those to be seen, and the agent's seed."""

    task: Task
    entrant: Submission
    blocks: tuple[tuple[Sequence[int], Sequence[int], int], ...]
    lines: dict[int, dict[str, Any]]
    """What the record says of the episodes, where there is one."""


def chosen(options: WatchOptions) -> Show:
    """A submission on a task, or on an environment that is none."""
    entrant = submission.read(options.what)
    task = task_for(entrant, options)
    indices = range(options.episode, options.episode + (options.episodes or options.lanes))
    if task.version and indices.stop > task.episodes:
        raise UserError(f"{task.key} has episodes 0 to {task.episodes - 1}, not {indices.stop - 1}")
    parts = [indices[i : i + options.lanes] for i in range(0, len(indices), options.lanes)]
    blocks = tuple((part, part, agent_seed(task, entrant.training_seed, part[0])) for part in parts)
    return Show(task, entrant, blocks, {})


def task_for(entrant: Submission, options: WatchOptions) -> Task:
    """The task that is named, or the first that the submission lists; a task of its own for an environment's id."""
    if options.task is None:
        listed = [task for task in TASKS.values() if entrant.plays(task)]
        if not listed or "*" in entrant.tasks:
            raise UserError(f"which task? give --task, one of {', '.join(TASKS)}, or an environment's id")
        return listed[0]
    if options.task in TASKS or options.task in {task.name for task in TASKS.values()}:
        if options.set:
            raise UserError("--set is for environments; a task has its arguments already")
        return get_task(options.task)
    try:
        env_id = find_id(options.task)
    except UserError:
        return get_task(options.task)  # whose error names the tasks that are near
    return watch.on_environment(env_id, display.settings(options.set), options.episode + options.lanes)


def recorded(path: Path, options: WatchOptions) -> Show:
    """Episodes of a record, with the blocks that they were played in, for the batch decides a network's last bits."""
    run = record.read(path)
    assert run is not None, path
    task = get_task(str(run.header["task"]))
    if task.hash != run.header["task_hash"]:
        raise UserError(f"{path} was played on another {task.key} than this rlbench has; nothing of it can be repeated")
    wanted = range(options.episode, options.episode + (options.episodes or options.lanes))
    if wanted.stop > len(run.episodes):
        raise UserError(f"{path} has episodes 0 to {len(run.episodes) - 1}, not {wanted.stop - 1}")
    entrant = lookup.submission_of(run.header, path, options.submission)
    lines = {i: run.episodes[i] for i in wanted}
    blocks = []
    for number in range(task.blocks):
        inside = [index for index in wanted if index in task.block(number)]
        seed = agent_seed(task, entrant.training_seed, number)
        parts = [inside[i : i + options.lanes] for i in range(0, len(inside), options.lanes)]
        blocks += [(task.block(number), part, seed) for part in parts]
    return Show(task, entrant, tuple(blocks), lines)
