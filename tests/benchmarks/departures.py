"""What each departure of the fast DQN buys: `python tests/benchmarks/departures.py [SEEDS]` prints a table.

Each row takes one departure back and trains anew. Updates count until cart-pole is held in three evaluations in a row;
unlike seconds they do not depend on the machine's load.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from statistics import median
from typing import Any

from baselines.algorithms import dqn
from baselines.training.events import Evaluated

GOAL = 475.0

WITHOUT: dict[str, dict[str, Any]] = {
    "nothing": {},
    "n-step returns": {"n_step": 1},
    "reward scale": {"reward_scale": 1.0},
    "observation scale": {"observation_scale": ()},
    "target network": {"target_update_period": 0, "double_q": False},
    "its averaging (a copy every 50 updates)": {"target_update_period": 50, "tau": 1.0},
    "double Q": {"double_q": False},
    "many environments (8)": {
        **{"num_envs": 8, "total_env_steps": 32_000, "epsilon_env_steps": 4_000},
        **{"eval_every_env_steps": 800, "checkpoint_every_env_steps": 8_000},
    },
    "large batches (32)": {"batch_size": 32},
}


def updates(settings: dqn.DQNSettings) -> float:
    """Updates until three evaluations in a row averaged 475; infinite where the budget is too small."""
    streak = 0
    for event in dqn.train(settings):
        if isinstance(event, Evaluated):
            streak = streak + 1 if event.mean >= GOAL else 0
            if streak == 3:
                return event.update
    return float("inf")


def main(seeds: int) -> None:
    """Print the table as Markdown."""
    print("| without | median updates | worst | seeds held |\n| --- | --: | --: | --: |")
    for name, change in WITHOUT.items():
        runs = [updates(replace(dqn.PRESETS["fast"], seed=seed, **change)) for seed in range(seeds)]
        held = sum(run < float("inf") for run in runs)
        print(f"| {name} | {median(runs):,.0f} | {max(runs):,.0f} | {held} of {seeds} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
