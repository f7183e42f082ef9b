"""The runs that a folder of results holds, as rankings take them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from rlbench.core.compiler import cache
from rlbench.errors import about_it, printable
from rlbench.harness.proof import findings
from rlbench.harness.ranking.recorded_runs import AgentVersion, RecordedRun, Statement
from rlbench.harness.results import checks, curves, places, summaries
from rlbench.harness.results.checks import PublishedCheck
from rlbench.harness.results.record import Record, closed_folders

NOTHING_FOUND: findings.State = "self-reported"
"""What is known of a record that was not verified."""


def load_runs(folder: Path, published: bool = False) -> list[RecordedRun]:
    """Every run under a folder of results, files that cannot be ranked among them; UserError for no such folder.

    Args:
        folder: The folder of results.
        published: Whether what `verify` has found on this machine counts for nothing, as for everybody else.
    """
    if folder.is_dir():
        closed_folders(folder)  # which raises where nothing in it can be seen, not even the checks
    signed, flawed_checks = checks.survey(folder)
    stated = statements_by_record(signed)
    found = [
        RecordedRun(
            task=each.task,
            agent=AgentVersion(each.agent, each.version),
            digest=each.digest,
            dynamics=each.dynamics,
            training_seed=each.training_seed,
            training_steps=each.training_steps,
            returns=each.returns,
            failed=each.failed,
            complete=each.complete,
            lacking=each.lacking,
            drawn=each.drawn,
            walled=each.walled,
            owner=each.owner,
            contents=each.contents,
            secret=each.secret,
            state=NOTHING_FOUND if published else each.state,
            statements=tuple(stated.get((f"{each.task}/{each.agent}@{each.digest[:12]}", each.sha256), ())),
            flaw=each.flaw,
        )
        for each in summaries.load(folder, cache.load, cache.store, state_of)
    ]
    flawed = (*places.strays(folder), *curves.survey(folder)[1], *flawed_checks)
    return [*found, *(flawed_file(path, reason) for path, reason in flawed)]


def statements_by_record(published: Mapping[str, Sequence[PublishedCheck]]) -> dict[tuple[str, str], list[Statement]]:
    """What everybody has published, by place and sha256 of the record."""
    found: dict[tuple[str, str], list[Statement]] = {}
    for who, some in published.items():
        for each in some:
            statement = Statement(who, each.verdict, each.how, each.blocks, each.date, each.cpu)
            found.setdefault((each.record, each.sha256), []).append(statement)
    return found


def state_of(path: Path, run: Record) -> str:
    """What this user's `verify` has found out here about a record; a stranger's findings count for nothing."""
    return findings.state(run, findings.read(path, run))


def flawed_file(path: Path, wrong: str) -> RecordedRun:
    """A file among the learning curves or the checks that is none, or in no place, as a run that is not ranked."""
    where, name = printable(path.parent.name)[:80], printable(path.name)[:80]
    return RecordedRun(
        where, AgentVersion(name, "1"), "", "", -1, -1, np.empty(0), 0, False, flaw=about_it(wrong, path)
    )
