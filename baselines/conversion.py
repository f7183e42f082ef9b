"""Submissions that were exported with code, made data only: `python -m baselines.conversion baselines/pretrained/*/*`.

Former versions exported `agent.py`, which defined the policy's class, and `policy.json`, which its `policy()` read.
Before a folder is replaced, the policy and the player of its layers act on the same observations of each of its tasks:
every action must be the same, bit for bit. What `submission.toml` says stays, but for the entry.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import gymnasium
import numpy as np
import tyro

import rlbench  # registers the environments  # noqa: F401
from baselines.export import Origin, export
from baselines.nets.policy_graphs import policy_graph
from baselines.templates.policies import Policy, policy
from rlbench.errors import UserError
from rlbench.harness.layers.player import WEIGHTS, Player
from rlbench.harness.manifest import MANIFEST, read_manifest
from rlbench.harness.tasks.suite import get_task
from rlbench.options import parse_options
from rlbench.program import run_program

SETTINGS = "policy.json"
SEED = 20_000


@dataclass(frozen=True)
class Conversion:
    """Make submissions that were exported with code data only."""

    folders: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Of the submissions; those without policy.json are left as they are."""
    steps: int = 1000
    """In how many steps of all environments of a task both act before the folder is replaced."""


def run(options: Conversion) -> int:
    """Convert each folder, and name it."""
    for folder in options.folders:
        if not (folder / SETTINGS).is_file():
            continue
        origin, former = read(folder)
        for task in origin.tasks:
            if (step := first_difference(former, task, options.steps)) is not None:
                raise UserError(f"{folder} is left as it is: its layers act otherwise on {task}, in step {step}")
        export(former, origin, folder)
        sys.stdout.write(f"{folder}\n")
    return 0


def read(folder: Path) -> tuple[Origin, Policy]:
    """What a submission with code says of itself, and its policy."""
    from safetensors.numpy import load_file

    fields = read_manifest(folder / MANIFEST)
    said = {each.name: fields[each.name] for each in dataclasses.fields(Origin)}
    settings = {"tells": "", **json.loads((folder / SETTINGS).read_text(encoding="utf-8"))}  # the oldest told nothing
    return Origin(**said), policy(settings, load_file(folder / WEIGHTS))


def first_difference(former: Policy, key: str, steps: int) -> int | None:
    """The first step in which a policy and the player of its graph act otherwise; None where they never do.

    Args:
        former: The policy. It acts in the environments of the task, all that are played at once.
        key: Of the task.
        steps: To take.
    """
    task = get_task(key)
    player = Player(*policy_graph(former), seed=SEED)
    if hasattr(former, "rng"):
        former.rng = np.random.default_rng(SEED)
    env = gymnasium.make_vec(task.env_id, num_envs=task.num_envs, **task.env_kwargs)
    try:
        observation, _ = env.reset(seed=SEED)
        first = np.ones(task.num_envs, np.bool_)
        for step in range(steps):
            action = former.act(observation, first)
            if not _equal(action, player.act(observation, first)):
                return step
            observation, _, terminated, truncated, _ = env.step(action)
            first = terminated | truncated
    finally:
        env.close()
    return None


def _equal(a: Any, b: Any) -> bool:
    """Whether two actions, arrays or dicts of them, are the same bits."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_equal(a[name], b[name]) for name in a)
    return bool(a.dtype == b.dtype and a.tobytes() == b.tobytes())


if __name__ == "__main__":
    sys.exit(run_program(lambda: run(parse_options(Conversion, sys.argv[1:], prog="python -m baselines.conversion"))))
