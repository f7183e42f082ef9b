"""`rlbench.check`: a submission tried behind the sandbox for a few steps; nothing is recorded."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rlbench.api.evaluating import check_isolation, path_of, tasks_of
from rlbench.api.python_words import speaks_python
from rlbench.commands.shared.lookup import find_task
from rlbench.commands.shared.output import complain
from rlbench.commands.shared.submissions import find_submission
from rlbench.errors import UserError
from rlbench.harness import submission, trial
from rlbench.harness.archives import unpacked
from rlbench.harness.isolation import tiers
from rlbench.harness.manifest import MANIFEST
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.suite import get_suite
from rlbench.harness.tasks.task import Task
from rlbench.process.termination import termination
from rlbench.progress import progress

if TYPE_CHECKING:
    import pandas as pd

FOR_ALL = "quick"
"""The suite on which a submission to every task is tried."""


@speaks_python
def check(
    agent: str | os.PathLike[str],
    task: str | Task | Iterable[str | Task] = (),
    *,
    isolation: tiers.Asked = "auto",
    quiet: bool = False,
) -> pd.DataFrame:
    """Try a submission behind the sandbox for a few steps on each of its tasks, as `rlbench check` does.

    Args:
        agent: Folder with submission.toml, an archive of one, or an agent of the leaderboard.
        task: A task, or several, instead of those that the submission lists.
        isolation: How the agent is kept apart, as in `rlbench.evaluate`.
        quiet: Whether to show neither progress nor remarks.

    Returns:
        A row per task: `submission`, as it was given; `task`; `result`, which is `ok` or `wrong`; `load_seconds`;
        `calls` of `act`, and seconds of the `slowest_call`; `fault`, which says in the words of the contract what is
        wrong, else None.

    Raises:
        UserError: There is no such submission, or it is malformed.
    """
    import pandas as pd

    check_isolation(isolation)
    asked = [] if isinstance(task, Sequence) and not task else tasks_of(task)
    with unpacked(path_of(agent, "submission")) as given, termination():
        entrant = submission.read(find_submission(given, asked))
        say = (lambda words: None) if quiet else complain
        rows = tried(chosen(entrant, asked), entrant, os.fspath(agent), isolation, quiet=quiet, remark=say)
    return pd.DataFrame(rows)


def chosen(entrant: Submission, asked: Sequence[Task]) -> list[Task]:
    """The tasks to try: those that were asked for, or that the submission lists."""
    if asked:
        return list(asked)
    if "*" in entrant.tasks:
        return list(get_suite(FOR_ALL))
    if not entrant.tasks:
        raise UserError(f"{entrant.name} lists no task; give one with --task")
    try:
        return [find_task(key) for key in entrant.tasks]
    except UserError as error:
        raise UserError(f"tasks in {MANIFEST} of {entrant.name}: {error}") from None


def tried(
    tasks: Sequence[Task],
    entrant: Submission,
    name: str,
    isolation: tiers.Asked,
    *,
    quiet: bool,
    remark: Callable[[str], object] = lambda words: None,
) -> list[dict[str, Any]]:
    """A row for each task; the first one is played twice, to see whether the agent repeats itself.

    Args:
        tasks: What is played.
        entrant: The submission.
        name: What it is called in the rows.
        isolation: The tier in which it runs.
        quiet: Whether to show no progress.
        remark: Says what is no mistake, and yet to be known.
    """
    rows: list[dict[str, Any]] = []
    with progress(entrant.name, quiet=quiet) as show:
        for number, task in enumerate(tasks):
            show(number / len(tasks), number, "tasks")
            found = trial.attempt(task, entrant, isolation)
            fault = found.fault or not_listed(task, entrant)
            for each in trial.remarks(task, entrant, found):
                remark(f"{task.key}: {each}")
            if number == 0 and not fault:
                again = trial.attempt(task, entrant, isolation)
                if differs(found, again):
                    remark(f"{task.key}: {DIFFERS}")
            rows.append({"submission": name, **row(task, found, fault)})
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
    """What was found on a task."""
    return {
        "task": task.key,
        "result": "wrong" if fault else "ok",
        "load_seconds": round(found.load_seconds, 2),
        "calls": found.calls,
        "slowest_call": None if math.isnan(found.slowest) else round(found.slowest, 4),
        "fault": fault,
    }
