"""`rlbench evaluate`: score a submission in a process of its own, and print how it did."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import tyro
from tyro.conf import Positional

from rlbench.commands.shared import secret_file
from rlbench.commands.shared.output import Format, Quiet, print_table, remark, silent, table_of
from rlbench.commands.shared.selection import (
    Asked,
    asked_for,
    chosen,
    collected,
    folders_of,
    raise_collected,
    unknown_tasks,
)
from rlbench.errors import LackingError, UserError
from rlbench.harness import shards, submission
from rlbench.harness.archives import unpacked
from rlbench.harness.evaluate import evaluate_all
from rlbench.harness.executors.choice import ExecutorName
from rlbench.harness.isolation import tiers
from rlbench.harness.ranking import elo
from rlbench.harness.ranking.intervals import clopper_pearson, error_count
from rlbench.harness.results import record
from rlbench.harness.results.record import Record
from rlbench.harness.results.summaries import is_drawn
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.catalogue import missing
from rlbench.harness.tasks.suite import catalogue
from rlbench.harness.tasks.task import Task


@dataclass(frozen=True)
class EvaluateOptions:
    """Score submissions on tasks: those that are named, or those that each lists, of a suite or of all."""

    submissions: Annotated[Positional[tuple[str, ...]], tyro.conf.arg(metavar="SUBMISSION...")]
    """Folder with submission.toml, a .zip or .tar.gz of one, an agent of the leaderboard such as dqn, the built-in
    one: random, or a folder of such folders. Several are scored in one go."""
    task: Annotated[tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(aliases=["-t"])] = ()
    """Task: cart-pole@1, or cart-pole for its newest version; may be given several times. By default those that the
    submission lists; one that lists all of them must be told."""
    suite: str | None = None
    """Suite; `rlbench list suites` shows them."""
    limit: int | None = None
    """Play so many episodes, in whole blocks. The record is not complete, so it is not ranked; without --limit the
    evaluation goes on there."""
    results: Path = Path("results")
    """Folder for the records; an interrupted evaluation continues there."""
    isolation: tiers.Asked = "auto"
    """How the agent is kept apart: strict, in namespaces of its own, by bubblewrap; landlock, sandboxed by the kernel;
    process, a process of its own and no more; auto, landlock where the machine has it, else process."""
    secret: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """A grader's secret, 16 bytes or more, from which the episodes' seeds are drawn, so that nobody can look them up
    ahead. Records hold its hash; keep the file, and give it away when all is scored. Give a folder for results."""
    jobs: Annotated[int | None, tyro.conf.arg(aliases=["-j"])] = None
    """How many blocks of episodes are played at once, of all tasks and submissions; by default one per core."""
    executor: ExecutorName = "processes"
    """Where blocks are played: in processes of this machine, or on the cluster of Ray that RAY_ADDRESS names, else a
    local one."""
    shard: Annotated[str | None, tyro.conf.arg(metavar="I/N")] = None
    """Play the I-th of N parts of all blocks alone, for schedulers that run N copies of this command; `rlbench merge`
    puts the parts together."""
    traces: bool = False
    """Keep the actions beside the record, compressed, so that it can be proved without the submission."""
    quiet: Quiet = False
    """No progress bar."""
    format: Format = "table"


def run(options: EvaluateOptions) -> int:
    """Evaluate, then print a row per task; 0, or 2 where a task could not be played. Failed episodes are scores."""
    check_options(options)
    asked = asked_for(options.task, options.suite)
    mistakes: list[UserError] = []
    with ExitStack() as stack:
        pairs: list[tuple[Task, Submission]] = []
        for word in options.submissions:
            with collected(mistakes):
                pairs += entered(stack.enter_context(unpacked(word)), asked, options, mistakes)
        if pairs:
            if tiers.obtain(options.isolation) == "process" and options.isolation == "auto":
                reason = tiers.what_is_lacking("landlock")
                remark(f"the agent is not sandboxed, so the run will not be ranked: {reason}", options)
            play(pairs, options, mistakes)
    raise_collected(mistakes)
    return 0


def check_options(options: EvaluateOptions) -> None:
    """Raise UserError for options that cannot be."""
    if not options.submissions:
        raise UserError("missing: SUBMISSION...; `rlbench evaluate --help` tells more")
    for name, value in (("jobs", options.jobs), ("limit", options.limit)):
        if value is not None and value < 1:
            raise UserError(f"--{name} is at least 1, got {value}")


def entered(
    word: str, asked: Asked, options: EvaluateOptions, mistakes: list[UserError]
) -> list[tuple[Task, Submission]]:
    """The tasks to play, and who plays each, for a word that names submissions.

    Args:
        word: A submission, or a folder of them.
        asked: Which tasks were asked for.
        options: Of the command.
        mistakes: Where the reasons are put for which a submission cannot be played.
    """
    folders, one_of_many = folders_of(word, asked)
    if folders[0] != word and not one_of_many:
        remark(f"{word} is {folders[0]}", options)
    pairs: list[tuple[Task, Submission]] = []
    for folder in folders:
        with collected(mistakes):
            entrant = submission.read(folder)
            tasks = with_secret(chosen(entrant, asked, one_of_many=one_of_many), options.secret)
            pairs += [(task, entrant) for task in tasks]
            for each in unknown_tasks(entrant) if asked.anything else ():
                remark(f"{entrant.name} lists {each}, which is not played: {missing(each, catalogue().tasks)}", options)
    return pairs


def play(pairs: list[tuple[Task, Submission]], options: EvaluateOptions, mistakes: list[UserError]) -> None:
    """Evaluate, and print a row for each of the pairs, in their order.

    Args:
        pairs: Tasks, and who plays each.
        options: Of the command.
        mistakes: Where the reasons are put for which a pair could not be played.
    """
    shard = None if options.shard is None else shards.parse(options.shard)
    rows: dict[tuple[str, str], dict[str, Any]] = {(task.key, entrant.digest): {} for task, entrant in pairs}
    for task, entrant in pairs:
        with collected([]):  # what is wrong with a record, is said when the run begins
            if record.is_complete(path := record.path_of(options.results, task, entrant), task, entrant):
                remark(f"{task.key} is scored already; to repeat it, remove {path}", options)
    runs = evaluate_all(
        pairs,
        options.results,
        jobs=options.jobs,
        quiet=silent(options),
        isolation=options.isolation,
        traces=options.traces,
        limit=options.limit,
        shard=shard,
        executor=options.executor,
    )
    try:
        for run in runs:
            with collected(mistakes):
                if isinstance(run.outcome, UserError):
                    raise run.outcome
                if shard:
                    remark(f"played shard {shard} of {run.task.key}: {run.outcome}", options)
                    continue
                held = record.read(run.outcome)
                if held is None:
                    raise UserError(f"{run.outcome} has gone; evaluate again")
                if run.entrant is not None:
                    rows[run.task.key, run.entrant.digest] = evaluated(held, run.task, options)
                refuse_incomplete(held, run.task, options)
    finally:  # what was finished is shown, whatever happened to the others
        if made := [each for each in rows.values() if each]:
            print_table(table_of(made), options.format)


def evaluated(run: Record, task: Task, options: EvaluateOptions) -> dict[str, Any]:
    """The row of a run that has ended, and a remark where episodes failed.

    Args:
        run: Its record.
        task: What was played.
        options: Of the command.
    """
    made = row(run, task)
    if made["ok"] < made["episodes"]:
        failed = made["episodes"] - made["ok"]
        remedy = "" if made["ok"] else "; mend it, try it with `rlbench check`, and raise its version"
        remark(f"{task.key}: {failed:,} of {made['episodes']:,} episodes failed; {made['fault']}{remedy}", options)
    return made


def refuse_incomplete(run: Record, task: Task, options: EvaluateOptions) -> None:
    """A remark where a run has only the episodes that were asked for.

    Raises:
        LackingError: It ended without the episodes for which this machine lacks a program.
    """
    if run.complete:
        return
    missing = task.episodes - len(run.episodes)
    if options.limit is not None and not run.lacking:
        played = f"{len(run.episodes):,} of {task.episodes:,} episodes are played"
        remark(f"{task.key}: {played}, so the run is not ranked; without --limit it goes on", options)
        return
    raise LackingError(
        f"{task.key}: {missing} of {task.episodes} episodes are missing, so the run is not ranked: {run.lacking}; "
        "then run this again"
    )


def with_secret(tasks: list[Task], file: Path | None) -> list[Task]:
    """Tasks whose seeds are drawn from the secret in a file; as they are where there is none."""
    if file is None:
        return tasks
    content = secret_file.read(file)
    return [dataclasses.replace(task, secret=content) for task in tasks]


def row(run: Record, task: Task) -> dict[str, Any]:
    """The row of a record, computed from its episodes.

    Args:
        run: The record.
        task: What was played.
    """
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
