"""`rlbench check`: try submissions behind the sandbox for a few steps, and say what is wrong; nothing is recorded."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Annotated, Any

import tyro
from tyro.conf import Positional

from rlbench.api.checking import chosen, tried
from rlbench.commands.shared.output import Format, Quiet, complain, print_table, remark, silent, table_of
from rlbench.commands.shared.selection import Asked, asked_for, collected, folders_of, raise_collected
from rlbench.errors import UserError
from rlbench.harness import submission
from rlbench.harness.archives import unpacked
from rlbench.harness.isolation import tiers
from rlbench.process.termination import termination


@dataclass(frozen=True)
class CheckOptions:
    """Try submissions behind the sandbox for a few steps on each of their tasks, and say what is wrong."""

    submissions: Annotated[Positional[tuple[str, ...]], tyro.conf.arg(metavar="SUBMISSION...")]
    """Folder with submission.toml, a .zip or .tar.gz of one, or any other agent that `rlbench evaluate` takes, also a
    folder of such folders. Several are tried one after the other."""
    task: Annotated[tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(aliases=["-t"])] = ()
    """Task, instead of those that the submission lists; may be given several times."""
    isolation: tiers.Asked = "auto"
    """How the agent is kept apart, as in `rlbench evaluate`."""
    quiet: Quiet = False
    """No progress bar, and no remarks about what is no mistake."""
    format: Format = "table"


def run(options: CheckOptions) -> int:
    """Try each on every task, and print a row for each; 1 where something is wrong with a submission, else 0."""
    if not options.submissions:
        raise UserError("missing: SUBMISSION...; `rlbench check --help` tells more")
    asked = asked_for(options.task, None)
    rows: list[dict[str, Any]] = []
    unreadable: list[str] = []
    mistakes: list[UserError] = []
    with termination(), ExitStack() as stack:
        for word in options.submissions:
            with collected(mistakes):
                given = stack.enter_context(unpacked(word))
                folders, one_of_many = folders_of(given, asked)
                if folders[0] != given and not one_of_many:
                    remark(f"{word} is {folders[0]}", options)
                for folder in folders:
                    with collected(mistakes):
                        name = folder if one_of_many else word
                        rows += checked(folder, name, asked, options, unreadable, one_of_many=one_of_many)
    for said in unreadable:
        complain(f"error: {said}")
    if rows:
        print_table(table_of(rows), options.format)
    raise_collected(mistakes)
    return int(bool(unreadable) or any(row["fault"] for row in rows))


def checked(
    folder: str, name: str, asked: Asked, options: CheckOptions, unreadable: list[str], *, one_of_many: bool
) -> list[dict[str, Any]]:
    """The rows of a submission.

    Args:
        folder: It lies there.
        name: What it is called in the rows.
        asked: Which tasks were asked for.
        options: Of the command.
        unreadable: Where it is said what keeps a folder from being a submission.
        one_of_many: Whether it is one of a folder of submissions, of which those for other tasks are passed over.
    """
    try:
        entrant = submission.read(folder)
    except UserError as error:
        if not os.path.isdir(folder):
            raise
        unreadable.append(str(error))
        return []
    tasks = chosen(entrant, asked.tasks if asked.named else ())
    if one_of_many and asked.named:
        tasks = [task for task in tasks if entrant.plays(task)]
    return tried(
        tasks, entrant, name, options.isolation, quiet=silent(options), remark=lambda words: remark(words, options)
    )
