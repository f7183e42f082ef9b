"""What an evaluation is of: the submissions that words name, and the tasks that each of them plays."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rlbench.commands.shared.lookup import find_task
from rlbench.commands.shared.output import ask, can_ask, complain
from rlbench.commands.shared.submissions import find_submission
from rlbench.errors import UserError
from rlbench.harness import submission
from rlbench.harness.manifest import MANIFEST
from rlbench.harness.ranking.agent_results import RANDOM
from rlbench.harness.results import record
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.catalogue import missing
from rlbench.harness.tasks.suite import catalogue, get_suite
from rlbench.harness.tasks.task import Task

ATTEMPTS = 3
"""How often a person is asked for a task."""


@dataclass
class Asked:
    """The tasks that were asked for."""

    tasks: tuple[Task, ...]
    """Those that are named, or those of the suite; all where nothing was asked for."""

    named: bool
    """Whether they are named one by one."""

    suite: str | None
    """The suite, if one was given."""

    @property
    def anything(self) -> bool:
        """Whether nothing was asked for."""
        return not self.named and self.suite is None


def asked_for(names: Sequence[str], suite: str | None) -> Asked:
    """The tasks of these names, each once, or of the suite.

    Raises:
        UserError: There is no such task or suite, or both were given.
    """
    if names and suite is not None:
        raise UserError("--task and --suite exclude each other; give one of them")
    if names:
        return Asked(tuple({task.key: task for task in map(find_task, names)}.values()), True, None)
    tasks = tuple(catalogue().tasks.values()) if suite is None else get_suite(suite)
    return Asked(tasks, False, suite)


@contextmanager
def collected(mistakes: list[UserError]) -> Iterator[None]:
    """A UserError inside is added to a list, so that the next submission or task can be played."""
    try:
        yield
    except UserError as error:
        mistakes.append(error)


def raise_collected(mistakes: Sequence[UserError]) -> None:
    """Say each mistake once, and raise the last one; nothing where there is none."""
    if mistakes:
        for said in dict.fromkeys(map(str, mistakes[:-1])):
            if said != str(mistakes[-1]):
                complain(f"error: {said}")
        raise mistakes[-1]


def folders_of(word: str, asked: Asked) -> tuple[list[str], bool]:
    """The folders of submissions that a word names, and whether it names a folder of such folders."""
    if inside := submissions_in(word):
        return inside, True
    return [find_submission(word, asked.tasks)], False


def submissions_in(folder: str) -> list[str]:
    """The submissions in a folder that is none itself, and in its folders; none where it is one, or no folder."""
    if not os.path.isdir(folder) or os.path.lexists(os.path.join(folder, MANIFEST)):
        return []
    manifests = [*Path(folder).glob(f"*/{MANIFEST}"), *Path(folder).glob(f"*/*/{MANIFEST}")]
    return sorted(str(each.parent) for each in manifests if not record.is_hidden(each, Path(folder)))


def chosen(entrant: Submission, asked: Asked, *, one_of_many: bool = False) -> list[Task]:
    """The tasks that a submission plays: those that are named, or those that it lists and that were asked for.

    A submission to all tasks plays none of them unless it is said which: that would take days.

    Args:
        entrant: The submission.
        asked: What was asked for; a task that a person names here is added to it.
        one_of_many: Whether it is one of a folder of submissions, of which those for other tasks are passed over.

    Raises:
        UserError: It plays none of the tasks, or nobody says which.
    """
    if asked.anything and ("*" in entrant.tasks or not entrant.tasks):
        name_one(entrant, asked)
    tasks = [task for task in asked.tasks if entrant.plays(task)]
    if one_of_many:
        return tasks
    if asked.named:
        return list(asked.tasks)
    if not entrant.tasks:
        raise UserError(f"{entrant.name} lists no task; give one with --task")
    if not tasks and asked.anything and not any(map(catalogue().find, entrant.tasks)):
        raise UserError(
            f"{entrant.name} lists {', '.join(entrant.tasks)}; {missing(entrant.tasks[0], catalogue().tasks)}"
        )
    if not tasks:
        where = f"suite {asked.suite}" if asked.suite else "rlbench"
        known = ", ".join(task.key for task in asked.tasks)
        raise UserError(f"{entrant.name} lists {', '.join(entrant.tasks)}; {where} has {known}")
    if entrant.folder != submission.BUILTIN / RANDOM:
        return tasks
    if not (own := [task for task in tasks if task.random_agent == RANDOM]):
        raise UserError(f"{tasks[0].random_agent} plays at random in {asked.suite}; evaluate that")
    return own


def unknown_tasks(entrant: Submission) -> list[str]:
    """The tasks that a submission lists and nobody has defined here, as what is misspelt."""
    return [each for each in entrant.tasks if each != "*" and catalogue().find(each) is None]


def name_one(entrant: Submission, asked: Asked) -> None:
    """Ask a person which task it shall play, and note it.

    Raises:
        UserError: Nobody is there, or no task was named.
    """
    if not can_ask():
        if not entrant.tasks:
            raise UserError(f"{entrant.name} lists no task; give one with --task")
        raise UserError(f"{entrant.name} plays every task; say which with --task or --suite")
    families = ", ".join(catalogue().suites)
    question = f"Which task shall {entrant.name} play? `rlbench list tasks` shows them; or a suite: {families}\n> "
    for _ in range(ATTEMPTS):
        answer = ask(question)
        if not answer:
            break
        suite = catalogue().suites.get(answer.lower())
        try:
            asked.tasks = suite or (find_task(answer),)
        except UserError as error:
            question = f"{error}\n> "
            continue
        asked.named, asked.suite = suite is None, answer.lower() if suite else None
        return
    raise UserError("no task was named; say which with --task or --suite")
