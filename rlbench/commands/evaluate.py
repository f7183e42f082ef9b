"""`rlbench evaluate`: score a submission in a process of its own, and print how it did."""

from __future__ import annotations

import dataclasses
import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import tyro
from tyro.conf import Positional

from rlbench.commands.shared import secret_file
from rlbench.commands.shared.lookup import find_submission, find_task
from rlbench.commands.shared.output import Format, Quiet, complain, print_table, remark, silent, table_of
from rlbench.errors import LackingError, UserError
from rlbench.harness import submission
from rlbench.harness.archives import unpacked
from rlbench.harness.evaluate import evaluate_all
from rlbench.harness.executors.choice import cores
from rlbench.harness.isolation import tiers
from rlbench.harness.manifest import MANIFEST
from rlbench.harness.ranking import elo
from rlbench.harness.ranking.agent_results import RANDOM
from rlbench.harness.ranking.intervals import clopper_pearson, error_count
from rlbench.harness.results import record
from rlbench.harness.results.summaries import is_drawn
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.suite import catalogue, get_suite
from rlbench.harness.tasks.task import Task


@dataclass(frozen=True)
class EvaluateOptions:
    """Score a submission on a task, or on the tasks that it lists, of a suite or of all."""

    submission: Annotated[Positional[str], tyro.conf.arg(metavar="SUBMISSION")]
    """Folder with submission.toml, a .zip or .tar.gz of one, an agent of the leaderboard such as dqn, the built-in
    one: random, or a folder of such folders, whose submissions are scored one after the other."""
    task: Annotated[str | None, tyro.conf.arg(aliases=["-t"])] = None
    """Task: cart-pole@1, or cart-pole for its newest version."""
    suite: str | None = None
    """Suite; `rlbench list suites` shows them."""
    results: Path = Path("results")
    """Folder for the records; an interrupted evaluation continues there."""
    isolation: tiers.Asked = "auto"
    """How the agent is kept apart: strict, in namespaces of its own, by bubblewrap; landlock, walled in by the kernel;
    process, a process of its own and no more; auto, landlock where the machine has it, else process."""
    secret: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """A grader's secret, 16 bytes or more, from which the episodes' seeds are drawn, so that nobody can look them up
    ahead. Records hold its hash; keep the file, and give it away when all is scored. Give a folder for results."""
    jobs: Annotated[int | None, tyro.conf.arg(aliases=["-j"])] = None
    """How many blocks of episodes are played at once, of all tasks and submissions; by default one per core."""
    traces: bool = False
    """Keep the actions beside the record, compressed, so that it can be proved without the submission."""
    quiet: Quiet = False
    """No progress bar."""
    format: Format = "table"


def run(options: EvaluateOptions) -> int:
    """Evaluate, then print a row per task; 0, or 2 where a task could not be played. Failed episodes are scores."""
    with unpacked(options.submission) as given:
        return run_unpacked(dataclasses.replace(options, submission=given))


def run_unpacked(options: EvaluateOptions) -> int:
    """`run`, for a submission that is no archive, or a folder of submissions."""
    if options.jobs is not None and options.jobs < 1:
        raise UserError(f"--jobs is at least 1, got {options.jobs}")
    there = asked_for(options)
    several = submissions_in(options.submission)
    folders = several or [find_submission(options.submission, there)]
    if not several and folders[0] != options.submission:
        remark(f"{options.submission} is {folders[0]}", options)
    if tiers.obtain(options.isolation) == "process" and options.isolation == "auto":
        reason = tiers.what_is_lacking("landlock")
        remark(f"the agent is not walled in, so the run will not be ranked: {reason}", options)
    mistakes: list[UserError] = []
    pairs: list[tuple[Task, Submission]] = []
    for folder in folders:
        with collected(mistakes):
            entrant = submission.read(folder)
            tasks = with_secret(chosen(options, entrant, there, several=bool(several)), options.secret)
            pairs += [(task, entrant) for task in tasks]
    play(pairs, options, mistakes)
    for mistake in mistakes[:-1]:
        complain(f"error: {mistake}")
    if mistakes:
        raise mistakes[-1]
    return 0


def play(pairs: list[tuple[Task, Submission]], options: EvaluateOptions, mistakes: list[UserError]) -> None:
    """Evaluate, and print a row for each of the pairs, in their order.

    Args:
        pairs: Tasks, and who plays each.
        options: Of the command.
        mistakes: Where the reasons are put for which a pair could not be played.
    """
    rows: dict[tuple[str, str], dict[str, Any]] = {(task.key, entrant.digest): {} for task, entrant in pairs}
    for task, entrant in pairs:
        with collected([]):  # what is wrong with a record, is said when the run begins
            if record.is_complete(path := record.path_of(options.results, task, entrant), task, entrant):
                remark(f"{task.key} is scored already; to repeat it, remove {path}", options)
    runs = evaluate_all(
        pairs,
        options.results,
        jobs=options.jobs or cores(),
        quiet=silent(options),
        isolation=options.isolation,
        traces=options.traces,
    )
    try:
        for run in runs:
            with collected(mistakes):
                if isinstance(run.outcome, UserError):
                    raise run.outcome
                if run.entrant is not None:
                    rows[run.task.key, run.entrant.digest] = evaluated(run.outcome, run.task, options)
                refuse_incomplete(run.outcome, run.task)
    finally:  # what was finished is shown, whatever happened to the others
        if made := [each for each in rows.values() if each]:
            print_table(table_of(made), options.format)


def submissions_in(folder: str) -> list[str]:
    """The submissions in a folder that is none itself, and in its folders; none where it is one, or no folder."""
    if not os.path.isdir(folder) or os.path.lexists(os.path.join(folder, MANIFEST)):
        return []
    manifests = [*Path(folder).glob(f"*/{MANIFEST}"), *Path(folder).glob(f"*/*/{MANIFEST}")]
    return sorted(str(each.parent) for each in manifests if not record.is_hidden(each, Path(folder)))


@contextmanager
def collected(mistakes: list[UserError]) -> Iterator[None]:
    """A UserError inside is added to a list, so that the next task can be played."""
    try:
        yield
    except UserError as error:
        mistakes.append(error)


def evaluated(path: Path, task: Task, options: EvaluateOptions) -> dict[str, Any]:
    """The row of a run that has ended, and a remark where episodes failed.

    Args:
        path: Of the record.
        task: What was played.
        options: Of the command.
    """
    made = row(path, task)
    if made["ok"] < made["episodes"]:
        failed = made["episodes"] - made["ok"]
        remark(f"{task.key}: {failed:,} of {made['episodes']:,} episodes failed; {made['fault']}", options)
    return made


def refuse_incomplete(path: Path, task: Task) -> None:
    """Raise LackingError where a run ended without the episodes for which this machine lacks a program."""
    run = record.read(path)
    if run is not None and not run.complete:
        missing = task.episodes - len(run.episodes)
        raise LackingError(
            f"{task.key}: {missing} of {task.episodes} episodes are missing, so the run is not ranked: {run.lacking}; "
            "then run this again"
        )


def asked_for(options: EvaluateOptions) -> tuple[Task, ...]:
    """The task that is named, or the tasks of the suite, or all."""
    if options.task is not None and options.suite is not None:
        raise UserError("--task and --suite exclude each other; give one of them")
    if options.task is not None:
        return (find_task(options.task),)
    return tuple(catalogue().tasks.values()) if options.suite is None else get_suite(options.suite)


def chosen(
    options: EvaluateOptions, entrant: Submission, there: tuple[Task, ...], *, several: bool = False
) -> list[Task]:
    """The tasks to play: the one that is named, or those of `there` that the submission lists.

    Args:
        options: Of the command.
        entrant: The submission.
        there: The task, or the tasks of the suite, that was asked for.
        several: Whether it is one of several submissions, of which those for other tasks are passed over.
    """
    tasks = [task for task in there if entrant.plays(task)]
    if several:
        return tasks
    if options.task is not None:
        return list(there)
    if not entrant.tasks:
        raise UserError(f"{entrant.name} lists no task; give one with --task")
    if not tasks:
        where = f"suite {options.suite}" if options.suite else "rlbench"
        known = ", ".join(task.key for task in there)
        raise UserError(f"{entrant.name} lists {', '.join(entrant.tasks)}; {where} has {known}")
    if entrant.folder != submission.BUILTIN / RANDOM:
        return tasks
    if not (own := [task for task in tasks if task.random_agent == RANDOM]):
        raise UserError(f"{tasks[0].random_agent} plays at random in {options.suite}; evaluate that")
    return own


def with_secret(tasks: list[Task], file: Path | None) -> list[Task]:
    """Tasks whose seeds are drawn from the secret in a file; as they are where there is none."""
    if file is None:
        return tasks
    content = secret_file.read(file)
    return [dataclasses.replace(task, secret=content) for task in tasks]


def row(path: Path, task: Task) -> dict[str, Any]:
    """The row of a record, computed from its episodes.

    Args:
        path: of the record.
        task: what was played.
    """
    run = record.read(path)
    if run is None:
        raise UserError(f"{path} has gone; evaluate again")
    returns = pd.Series([line["return"] for line in run.episodes])
    statuses = Counter(line["status"] for line in run.episodes)
    faults = [line["fault"] for line in run.blocks if line["fault"]]
    return {
        "task": run.header["task"],
        "agent": run.header["agent"],
        "version": run.header["version"],
        "digest": run.header["digest"][:12],
        "episodes": len(returns),
        "mean_return": returns.mean(),
        "worst": returns.min(),
        "best": returns.max(),
        **(error(returns) if task.classification else {}),
        **(elo_rating(run.episodes, task) if task.ratings else {}),
        "ok": statuses["ok"],
        "fault": faults[0] if faults else None,
    }


def elo_rating(episodes: Sequence[Mapping[str, Any]], task: Task) -> dict[str, int | None]:
    """Elo rating by the games that were played, and its interval; None for an end that nothing bounds."""
    points = sum(line["return"] + is_drawn(line) / 2 for line in episodes)
    rating = elo.rate(points, [task.ratings[line["extra"]["opponent"]] for line in episodes])
    ends = (round(end) if math.isfinite(end) else None for end in rating)
    return dict(zip(("elo", "elo_low", "elo_high"), ends, strict=True))


def error(returns: pd.Series[float]) -> dict[str, float]:
    """Error of a classification in per cent, and the ends of its exact 95 % interval."""
    errors = error_count(returns.to_numpy())
    low, high = clopper_pearson(errors, len(returns))
    return {"error_percent": 100 * errors / len(returns), "error_low": 100 * low, "error_high": 100 * high}
