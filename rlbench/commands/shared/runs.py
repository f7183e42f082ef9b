"""The runs that a folder of results holds, as rankings take them."""

from __future__ import annotations

from pathlib import Path

from rlbench.core.compiler import cache
from rlbench.harness.ranking.agent_results import AgentVersion, Run
from rlbench.harness.results import summaries


def load_runs(folder: Path) -> list[Run]:
    """Every run under a folder of results; UserError for a folder or a record that cannot be read."""
    return [
        Run(
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
        )
        for each in summaries.load(folder, cache.load, cache.store)
    ]
