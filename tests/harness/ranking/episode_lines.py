"""Episode lines that are made up for the tests of rankings and pages, as `record.load` gives them."""

import numpy as np
import pandas as pd

from rlbench.harness.ranking.agent_results import collect_runs
from rlbench.harness.ranking.rankings import compute_rankings
from rlbench.harness.tasks.task import Task

HILL = Task("hill", 1, "test/Hill-v0", episodes=4, num_envs=2, failure_return=-5.0, random=0.0, reference=10.0)
LAKE = Task("lake", 2, "test/Lake-v0", episodes=2, num_envs=2, failure_return=0.0, random=1.0, reference=2.0)
MADE_UP = {task.key: task for task in (HILL, LAKE)}
MADE_UP_SUITES = {"both": (HILL, LAKE), "dry": (HILL,)}


def run(
    agent, seed, returns, task=HILL, version="1", steps=100, complete=True, failed=0, digest=None, dynamics="", **more
):
    """The lines of one run, as `record.load` gives them."""
    return [
        {
            "task": task.key,
            "agent": agent,
            "version": version,
            "digest": digest or f"{agent}-{version}-{seed}".ljust(64, "0"),
            "dynamics": dynamics,
            "training_seed": seed,
            "training_steps": steps,
            "episode": i,
            "return": float(g),
            "status": "crash" if i < failed else "ok",
            "complete": complete,
            "owner": more.get("owner", ""),
            "contents": more.get("contents", ""),
        }
        for i, g in enumerate(returns)
    ]


def noisy(agent, mean, seeds=range(5), task=HILL, **kwargs):
    rng = np.random.default_rng(len(agent))
    return [line for s in seeds for line in run(agent, s, rng.normal(mean, 1, task.episodes), task, **kwargs)]


def frame(*runs):
    columns = list(run("x", 0, [0])[0])
    return pd.DataFrame([line for lines in runs for line in lines], columns=columns)


def ranked(*runs):
    return compute_rankings(collect_runs(frame(*runs)), MADE_UP, MADE_UP_SUITES)
