"""What another version of MuJoCo changes: the first block of every committed robot, played again under it.

    rlbench evaluate baselines/pretrained --suite robots --limit 50 --results runs/mujoco    # where it is installed
    python -m baselines.studies.mujoco_versions --played runs/mujoco

compares the episodes in `runs/mujoco` (several folders, for several versions) with those of `results/`, writes a line
per agent, training seed and version to `results/mujoco_versions.csv` and prints a Markdown table. The versions, the
processor and the arithmetic are those that the records name. Of each run it says

difference, deviation: mean and standard deviation, over episodes, of the return minus the committed one;
near: how many episodes have a return within 1 % of the committed one;
dynamics: the fingerprint by which records under other dynamics are kept apart.

In the table the difference stands in standard errors, se; beyond 2 of them a score has moved by more than chance.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from baselines.files import check_folder, write
from baselines.studies.report import command, markdown_table
from rlbench.errors import UserError
from rlbench.harness.results import record
from rlbench.harness.tasks.suite import TASKS

SIMULATOR = "mujoco"
NEAR = 0.01
Block = dict[int, Mapping[str, Any]]
"""The episodes of a block by their index."""


@dataclass(frozen=True)
class MujocoVersions:
    """Compare episodes of robots under several versions of MuJoCo."""

    played: tuple[Path, ...]
    """Folders of records that were made under other versions."""
    results: Path = Path("results")
    """Folder of the committed records, and for the table."""


def first_blocks(folder: Path) -> Iterator[tuple[record.Record, Block]]:
    """The records of robots in a folder, each with the episodes of its first block."""
    for path in record.find(folder):
        task = TASKS.get(path.parent.name)
        if task and task.simulator == SIMULATOR and (found := record.read(path)):
            yield found, {line["index"]: line for line in found.episodes if line["index"] in task.block(0)}


def run_of(found: record.Record) -> tuple[str, str, str]:
    """What tells a run apart from others: its task, its agent, and what plays in it."""
    return found.header["task"], found.header["agent"], found.header["contents"]


def line(found: record.Record, block: Block, ours: Block) -> dict[str, Any]:
    """A line of the table: a run under one version, compared with the committed episodes."""
    header = found.header
    returns, committed = (np.array([of[i]["return"] for i in block]) for of in (block, ours))
    return {
        "task": header["task"],
        "agent": header["agent"],
        "training_seed": header["training_seed"],
        "mujoco": header["packages"][SIMULATOR],
        "dynamics": header["dynamics"],
        "cpu": header["cpu"],
        "arithmetic": header["arithmetic"]["name"],
        "episodes": len(block),
        "mean_return": returns.mean(),
        "difference": (returns - committed).mean(),
        "deviation": (returns - committed).std(ddof=1),
        "near": int((np.abs(returns - committed) <= NEAR * np.abs(committed)).sum()),
    }


def compare(options: MujocoVersions) -> pd.DataFrame:
    """A line per run and version; UserError where a folder has a run that is not committed."""
    committed = {run_of(found): (found, block) for found, block in first_blocks(options.results)}
    lines = []
    for folder in options.played:
        for found, block in first_blocks(folder):
            if run_of(found) not in committed:
                raise UserError(f"{folder} has {'/'.join(run_of(found)[:2])}, which is not in {options.results}")
            if not block:
                raise UserError(f"{folder} has no whole block of {'/'.join(run_of(found)[:2])}: evaluate again")
            lines.append(line(found, block, committed[run_of(found)][1]))
    seen = {(each["task"], each["agent"], each["training_seed"]) for each in lines}
    own = [line(found, block, block) for found, block in committed.values()]
    lines += [each for each in own if (each["task"], each["agent"], each["training_seed"]) in seen]
    if not lines:
        raise UserError(f"no records of robots in {', '.join(map(str, options.played)) or 'no folder'}")
    keys = ["task", "agent", "training_seed", "mujoco"]
    order = list(TASKS)
    frame = pd.DataFrame(lines).drop_duplicates(keys)
    return frame.sort_values(keys, key=lambda column: column.map(order.index) if column.name == "task" else column)


def markdown(frame: pd.DataFrame) -> str:
    """The table for people to read: the mean over all seeds by version, and how far it is from the committed one."""
    versions = sorted(frame["mujoco"].unique(), key=as_numbers)
    lines = []
    for (task, agent), runs in frame.groupby(["task", "agent"], sort=False):
        cells = [cell(runs[runs["mujoco"] == version], TASKS[str(task)].dynamics) for version in versions]
        lines.append((str(task), str(agent), str(runs["training_seed"].nunique()), *cells))
    return markdown_table(("task", "agent", "seeds", *(f"MuJoCo {version}" for version in versions)), lines, left=2)


def cell(runs: pd.DataFrame, dynamics: str) -> str:
    """Mean return of some runs, and how it differs from that of the committed ones, if it does."""
    if runs.empty:
        return "—"
    mean = f"{runs['mean_return'].mean():,.1f}"
    if not runs[["difference", "deviation"]].any(axis=None):
        return mean
    error = math.sqrt((runs["deviation"] ** 2 / runs["episodes"]).sum()) / len(runs)
    near = runs["near"].sum() / runs["episodes"].sum()
    shift = runs["difference"].mean() / error if error else math.copysign(math.inf, runs["difference"].mean())
    told = f"{shift:+.1f} se, {near:.0%} near".replace("%", " %")
    return f"{mean} ({told}{'' if set(runs['dynamics']) == {dynamics} else ', other dynamics'})"


def as_numbers(version: str) -> tuple[int, ...]:
    """A version by its numbers, so that 3.10 follows 3.9."""
    return tuple(int("".join(filter(str.isdigit, part)) or 0) for part in version.split("."))


def main(options: MujocoVersions) -> int:
    """Compare, write, print."""
    check_folder(options.results, "write into")
    frame = compare(options)
    write(options.results / "mujoco_versions.csv", frame.to_csv(index=False, float_format="%.9g").encode())
    sys.stdout.write(markdown(frame))
    return 0


if __name__ == "__main__":
    command(main, MujocoVersions)
