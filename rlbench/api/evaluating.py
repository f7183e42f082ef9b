"""`rlbench.evaluate` and `rlbench.load_results`."""

from __future__ import annotations

import dataclasses
import operator
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, SupportsIndex, overload

from rlbench.api.live import is_live, play_live
from rlbench.api.python_words import speaks_python
from rlbench.api.run import Run
from rlbench.commands.shared.lookup import find_task
from rlbench.commands.shared.submissions import find_submission
from rlbench.errors import UserError, counted, shortened, unknown
from rlbench.harness import submission
from rlbench.harness.archives import unpacked
from rlbench.harness.evaluate import evaluate_all
from rlbench.harness.executors.choice import cores
from rlbench.harness.isolation import tiers
from rlbench.harness.results import record
from rlbench.harness.schedule import EndedRun
from rlbench.harness.tasks.secret import MIN_BYTES
from rlbench.harness.tasks.suite import catalogue
from rlbench.harness.tasks.task import Task

if TYPE_CHECKING:
    import pandas as pd


@overload
def evaluate(  # type: ignore[overload-overlap]  # a name is an Iterable of names, too; this one is the first that fits
    agent: object,
    task: str | Task,
    *,
    results: str | os.PathLike[str] = ...,
    isolation: tiers.Asked = ...,
    secret: bytes | None = ...,
    limit: int | None = ...,
    jobs: int | None = ...,
    traces: bool = ...,
    quiet: bool = ...,
) -> Run: ...


@overload
def evaluate(
    agent: object,
    task: Iterable[str | Task],
    *,
    results: str | os.PathLike[str] = ...,
    isolation: tiers.Asked = ...,
    secret: bytes | None = ...,
    limit: int | None = ...,
    jobs: int | None = ...,
    traces: bool = ...,
    quiet: bool = ...,
) -> list[Run]: ...


@speaks_python
def evaluate(
    agent: object,
    task: str | Task | Iterable[str | Task],
    *,
    results: str | os.PathLike[str] = "results",
    isolation: tiers.Asked = "auto",
    secret: bytes | None = None,
    limit: int | None = None,
    jobs: int | None = None,
    traces: bool = False,
    quiet: bool = False,
) -> Run | list[Run]:
    """Score an agent on a task, or on several, as `rlbench evaluate` does; what is scored already is read.

    Args:
        agent: A folder with submission.toml, an archive of one, an agent of the leaderboard such as `dqn`, or `random`:
            it plays in a process of its own, behind the sandbox, and is recorded. Or a live object: one with
            `act(observation, first)` or stable-baselines3's `predict`, or a function from an observation to an action.
            That one is played in this process: nothing is recorded, so it is never ranked.
        task: A task, `cart-pole@1` or `cart-pole`, a `Task`, or a list of them, in which a suite stands for its tasks.
        results: Folder for the records; an interrupted evaluation continues there.
        isolation: How a submission is kept apart; `strict`, `landlock`, `process` or `auto`.
        secret: 16 bytes or more from which the episodes' seeds are drawn, so that nobody can look them up ahead.
        limit: Play so many episodes, in whole blocks; the run is not complete, and goes on without.
        jobs: How many blocks of episodes are played at once; by default one per core. A live object plays alone.
        traces: Whether the actions are kept beside the record, so that it can be proved without the submission.
        quiet: Whether to show no progress.

    Returns:
        The run; where several tasks were given, their runs in the same order.

    Raises:
        UserError: A name that does not exist, a malformed submission, one that fails at once, a full disk.
    """
    check_isolation(isolation)
    check_counts(limit=limit, jobs=jobs)
    tasks = [with_secret(each, secret) for each in tasks_of(task)]
    if isinstance(agent, str | os.PathLike):
        with unpacked(os.fspath(agent)) as given:
            pairs = [(each, submission.read(find_submission(given, [each]))) for each in tasks]
            ended = evaluate_all(
                pairs,
                Path(path_of(results, "folder of results")),
                jobs=jobs or cores(),
                quiet=quiet,
                isolation=isolation,
                traces=traces,
                limit=limit,
            )
            runs = runs_of(tasks, list(ended))
    elif is_live(agent):
        runs = [play_live(agent, each, limit, quiet=quiet) for each in tasks]
    else:
        raise UserError(
            f"{shortened(agent)} is no agent; give a path, a name, or an object with act(observation, first)"
        )
    return runs[0] if isinstance(task, str | Task) else runs


def runs_of(tasks: Sequence[Task], ended: Sequence[EndedRun]) -> list[Run]:
    """The runs of tasks, in their order; the UserError of the first that could not be played, once all have ended."""
    outcomes = {each.task.key: each.outcome for each in ended}
    for outcome in outcomes.values():
        if isinstance(outcome, UserError):
            raise outcome
    return [Run.read(outcome) for each in tasks if isinstance(outcome := outcomes[each.key], Path)]


def tasks_of(given: str | Task | Iterable[str | Task]) -> list[Task]:
    """The tasks that were given, by name or as they are; in a list, the name of a suite stands for its tasks.

    Raises:
        UserError: A name does not exist, or there is no task.
    """
    if isinstance(given, str) and suite_called(given):
        raise UserError(f"{given} is a suite and no task: give [{given!r}] for all of its tasks")
    asked = [given] if isinstance(given, str | Task) or not isinstance(given, Iterable) else list(given)
    found: list[Task] = []
    for each in asked:
        if not isinstance(each, str | Task):
            raise UserError(f"{shortened(each)} is no task; give its name, such as cart-pole@1")
        if isinstance(each, Task):
            found.append(each)
        else:
            found += suite_called(each) or [find_task(each)]
    if not found:
        raise UserError("there is no task to play; give one, such as cart-pole@1")
    return found


def suite_called(name: str) -> tuple[Task, ...]:
    """The tasks of the suite of that name; none where it is a task's, as a task in no suite is a suite of itself."""
    known = catalogue()
    return () if known.find(name) else known.suites.get(name.lower(), ())


def path_of(given: object, what: str) -> str:
    """A path or a name as text; UserError for anything else, which names `what` it should be."""
    if not isinstance(given, str | os.PathLike):
        raise UserError(f"{shortened(given)} is no {what}; give its path, or a name")
    return os.fspath(given)


def check_counts(**given: object) -> None:
    """Raise UserError for an argument that is neither None nor a whole number of at least 1."""
    for name, number in given.items():
        if number is not None and (isinstance(number, bool) or not isinstance(number, SupportsIndex)):
            raise UserError(f"{name} is a whole number, got {shortened(number)}")
        if isinstance(number, SupportsIndex) and operator.index(number) < 1:
            raise UserError(f"{name} is at least 1, got {number}")


def check_isolation(asked: str) -> None:
    """Raise UserError for a tier of isolation that does not exist."""
    known = ("auto", *tiers.TIERS)
    if asked not in known:
        raise unknown("isolation", asked, known)


def with_secret(task: Task, secret: bytes | None) -> Task:
    """A task whose seeds are drawn from a secret; as it is where there is none."""
    if secret is None:
        return task
    if len(secret) < MIN_BYTES:
        raise UserError(
            f"the secret has {counted(len(secret), 'byte')}, and a secret has {MIN_BYTES} or more; "
            "secrets.token_bytes(32) draws one"
        )
    return dataclasses.replace(task, secret=secret)


@speaks_python
def load_results(path: str | os.PathLike[str] = "results") -> pd.DataFrame:
    """Every recorded episode under a folder of results, or of one record: a row each.

    The rows are ordered by task, file and episode. Files may grow meanwhile: what is committed is there.

    Returns:
        task, agent, version, owner: names; the version is the agent's.
        digest, contents: sha256 of the submission's folder, and of what plays in it.
        dynamics: fingerprint of the simulator where the task has one, else empty.
        training_seed, training_steps: of the agent, in environment steps; -1 where it was not trained.
        episode, block: numbers from 0, of the episode in the task, and of the block that it was played in.
        seed: of the environment's reset.
        return, discounted_return: sums of rewards, in the unit of the task's rewards; the task's failure return where
            the status is not ok.
        length: steps taken.
        terminated, truncated: how the environment ended the episode.
        status: ok, timeout_act, timeout_run, crash, oom, invalid_action, protocol or load_error.
        actions: start of the sha256 of the actions.
        complete, walled: whether all episodes of the run were played, and whether the agent was kept apart enough to be
            ranked.
        One column besides for every reset option, `state.row`, and for what the task notes of an episode's end.

    Raises:
        UserError: There is no such folder or record, or a file in it is damaged.
    """
    path = Path(path_of(path, "folder of results"))
    return Run.read(path).episodes if path.suffix == ".jsonl" and not path.is_dir() else record.load(path)
