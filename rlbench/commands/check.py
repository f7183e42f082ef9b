"""`rlbench check`: try a submission behind the sandbox for a few steps, and say what is wrong; nothing is recorded."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Annotated

import tyro
from tyro.conf import Positional

from rlbench.api.checking import chosen, tried
from rlbench.commands.shared.lookup import find_submission, find_task
from rlbench.commands.shared.output import Format, Quiet, complain, print_table, remark, silent, table_of
from rlbench.errors import UserError
from rlbench.harness import submission
from rlbench.harness.archives import unpacked
from rlbench.harness.isolation import tiers
from rlbench.process.termination import termination


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
            rows = tried(
                tasks,
                entrant,
                options.isolation,
                quiet=silent(options),
                remark=lambda words: remark(words, options),
            )
    print_table(table_of(rows), options.format)
    return int(any(row["fault"] for row in rows))
