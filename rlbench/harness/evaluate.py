"""Evaluation: submissions play tasks, block by block (`blocks`), and the episodes become records."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rlbench import children
from rlbench.errors import UserError, counted
from rlbench.harness.executors.choice import ExecutorName, executor_of
from rlbench.harness.executors.work import Executor
from rlbench.harness.isolation import linux, tiers
from rlbench.harness.schedule import EndedRun, Pair, Schedule
from rlbench.harness.shards import Shard
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.task import Task
from rlbench.process.termination import termination
from rlbench.progress import progress


def evaluate(
    task: Task,
    submission_path: str | Path,
    results_dir: str | Path,
    *,
    jobs: int = 1,
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
        jobs: How many blocks are played at once; the episodes are the same.
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
    pairs = [(task, submission_path)]
    (run,) = evaluate_all(pairs, results_dir, jobs=jobs, quiet=quiet, isolation=isolation, traces=traces)
    if isinstance(run.outcome, UserError):
        raise run.outcome
    return run.outcome


def evaluate_all(
    pairs: Sequence[Pair],
    results_dir: str | Path,
    *,
    jobs: int | None = 1,
    quiet: bool = False,
    isolation: tiers.Asked = "auto",
    traces: bool = False,
    limit: int | None = None,
    shard: Shard | None = None,
    executor: ExecutorName = "processes",
) -> Iterator[EndedRun]:
    """Score submissions on tasks, as `evaluate` does one; each pair comes back as it ends.

    Args:
        pairs: Tasks, and who plays each.
        results_dir: Folder of the records.
        jobs: How many blocks are played at once, of one run or of several; None for one per core. The episodes are the
            same.
        quiet: Whether to show no progress.
        isolation: The tier in which agents run, or `auto`.
        traces: Whether actions are kept beside the records.
        limit: Episodes after which a run ends, in whole blocks, though its record is not complete; None for all.
        shard: Which part of all blocks is played, into files of its own that `joining.join` puts together; None for
            all. A part of which this has no block does not come back.
        executor: Where blocks are played: in processes of this machine, or on a cluster of Ray.

    Raises:
        UserError: This is not Linux, Ray is not installed, or shards would keep actions.
        HarnessError: rlbench itself failed, which ends all runs; what they have committed is safe.
    """
    linux.require()
    if shard and traces:
        raise UserError("shards keep no actions; `rlbench verify --traces` keeps them, once the record is whole")
    if shard and limit:
        raise UserError("a shard is a part of whole runs; leave out the limit")
    children.remove_leftovers()  # of a run that was killed; this one may have nothing to do
    if jobs != 1:
        with contextlib.suppress(UserError, OSError):  # which each run says for itself
            tiers.obtain(isolation)  # the processes would find it out one by one
    with (
        termination(),
        Schedule(pairs, Path(results_dir), isolation, traces, limit, shard) as schedule,
        executor_of(executor, jobs, sum(task.blocks for task, _ in pairs)) as workers,
        progress(_title(pairs), quiet=quiet) as show,
    ):
        total = sum(min(task.episodes, limit or task.episodes) for task, _ in pairs) / (shard.of if shard else 1)
        while not schedule.over:
            yield from schedule.ended()
            while workers.free and (block := schedule.next_block()):
                workers.submit(*block)
            if workers.busy:
                show(min(schedule.episodes / total, 1.0), schedule.episodes, "episodes")
                schedule.settle(*_next_result(schedule, workers))


def _next_result(schedule: Schedule, workers: Executor) -> tuple[Any, Any]:
    """What `workers.next` returns; the worker that has ended has the next block by then.

    That block is prepared while all of them play, so that none is idle while a result is recorded.
    """
    ahead = schedule.next_block() if workers.busy > 1 else None
    result = workers.next()
    if ahead:
        workers.submit(*ahead)
    return result


def _title(pairs: Sequence[Pair]) -> str:
    """The words before the bar of progress."""
    if len(pairs) != 1:
        return counted(len(pairs), "run")
    task, given = pairs[0]
    return f"{given.name if isinstance(given, Submission) else Path(given).name} on {task.key}"
