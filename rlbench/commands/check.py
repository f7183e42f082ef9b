"""`rlbench check`: try a submission behind the sandbox for a few steps, and say what is wrong; nothing is recorded."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import tyro
from tyro.conf import Positional

from rlbench.commands.shared.lookup import find_submission, find_task
from rlbench.commands.shared.output import Format, Quiet, complain, print_table, remark, silent, table_of
from rlbench.errors import UserError
from rlbench.harness import submission, trial
from rlbench.harness.archives import unpacked
from rlbench.harness.isolation import tiers
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.suite import get_suite
from rlbench.harness.tasks.task import Task
from rlbench.process import termination
from rlbench.progress import progress

FOR_ALL = "quick"
"""The suite on which a submission to every task is tried."""


@dataclass(frozen=True)
class CheckOptions:
    """Try a submission behind the sandbox for a few steps on each of its tasks, and say what is wrong."""

    submission: Annotated[Positional[str], tyro.conf.arg(metavar="SUBMISSION")]
    """Folder with submission.toml, a .zip or .tar.gz of one, or any other agent that `rlbench evaluate` takes."""
    task: Annotated[tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(aliases=["-t"])] = ()
    """Task, instead of those that the submission lists; may be given several times."""
    isolation: tiers.Asked = "auto"
    """How the agent is kept apart, as in `rlbench evaluate`."""
    quiet: Quiet = False
    """No progress bar, and no remarks about what is no mistake."""
    format: Format = "table"


def run(options: CheckOptions) -> int:
    """Try it on every task, and print a row for each; 1 where something is wrong with the submission, else 0."""
    asked = [find_task(name) for name in options.task]
    with unpacked(options.submission) as given:
        folder = find_submission(given, asked)
        try:
            entrant = submission.read(folder)
        except UserError as error:
            if not os.path.isdir(folder):
                raise
            complain(f"error: {error}")
            return 1
        tasks = chosen(entrant, asked)
        with termination():
            rows = tried(tasks, entrant, options)
    print_table(table_of(rows), options.format)
    return int(any(row["fault"] for row in rows))


def chosen(entrant: Submission, asked: Sequence[Task]) -> list[Task]:
    """The tasks to try: those that were asked for, or that the submission lists."""
    if asked:
        return list(asked)
    if "*" in entrant.tasks:
        return list(get_suite(FOR_ALL))
    if not entrant.tasks:
        raise UserError(f"{entrant.name} lists no task; give one with --task")
    return [find_task(key) for key in entrant.tasks]


def tried(tasks: Sequence[Task], entrant: Submission, options: CheckOptions) -> list[dict[str, Any]]:
    """A row for each task; the first one is played twice, to see whether the agent repeats itself."""
    rows: list[dict[str, Any]] = []
    with progress(entrant.name, quiet=silent(options)) as show:
        for number, task in enumerate(tasks):
            show(number / len(tasks), number, "tasks")
            found = trial.attempt(task, entrant, options.isolation)
            fault = found.fault or not_listed(task, entrant)
            for each in trial.remarks(task, entrant, found):
                remark(f"{task.key}: {each}", options)
            if number == 0 and not fault:
                again = trial.attempt(task, entrant, options.isolation)
                if differs(found, again):
                    remark(f"{task.key}: {DIFFERS}", options)
            rows.append(row(task, found, fault))
    return rows


DIFFERS = (
    "played twice with the same seed, its actions differ, so that nobody can verify its record; draw from generators "
    "that the seed given to load begins"
)


def differs(found: trial.Trial, again: trial.Trial) -> bool:
    """Whether two trials of the same episodes differ in an action; they may have had time for different numbers."""
    return any(a != b for a, b in zip(found.actions, again.actions, strict=False))


def not_listed(task: Task, entrant: Submission) -> str | None:
    """The fault of a task that the submission does not list, which would not be evaluated."""
    if not entrant.tasks or entrant.plays(task):
        return None
    return f"{task.key} is not under tasks in submission.toml; list it there"


def row(task: Task, found: trial.Trial, fault: str | None) -> dict[str, Any]:
    """The row of a task."""
    return {
        "task": task.key,
        "result": "wrong" if fault else "ok",
        "load_seconds": round(found.load_seconds, 2),
        "calls": found.calls,
        "slowest_call": None if math.isnan(found.slowest) else round(found.slowest, 4),
        "fault": fault,
    }
