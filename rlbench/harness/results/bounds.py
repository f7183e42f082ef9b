"""What the lines of a record can be, by the task that they are of: its blocks, seeds and options, and its returns.

Types and fields are the schema's part. A record that passes both may still be invented; that is for `verify` to find.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any

from rlbench import environments
from rlbench.errors import UserError
from rlbench.harness.results.record import Record
from rlbench.harness.tasks.task import FIRST_SEED, Task

_ROUNDING = 1e-6


def flaw(run: Record, task: Task) -> str | None:
    """Why a record cannot be of a task, in words; None where it can.

    Args:
        run: The record.
        task: The task of the name and version that its header tells.
    """
    if run.header["task_hash"] != task.hash:
        return f"played on another {task.key} than this rlbench has: evaluate it again"
    if wrong := wrong_blocks(run, task):
        return wrong
    fixed = run.header["secret"] is None
    for line in run.episodes:
        if wrong := wrong_episode(line, task, fixed):
            return f"episode {line['index']}: {wrong}"
    return (None if fixed else _wrong_secret_seeds(run)) or _wrong_mean(run, task)


def wrong_blocks(run: Record, task: Task) -> str | None:
    """How the episodes are parted into blocks, where that is not as the task says."""
    if len(run.blocks) > task.blocks:
        return f"it has {len(run.blocks):,} blocks, {task.key} has {task.blocks:,}"
    if run.complete and len(run.blocks) < task.blocks:
        return f"it says that it is complete after {len(run.blocks):,} of {task.blocks:,} blocks"
    for line in run.episodes:
        if line["block"] != line["index"] // task.num_envs:
            return f"episode {line['index']} lies in block {line['block']}, not {line['index'] // task.num_envs}"
    played = sum(len(task.block(number)) for number in range(len(run.blocks)))
    if len(run.episodes) != played:
        return f"its {len(run.blocks):,} blocks hold {len(run.episodes):,} episodes, not {played:,}"
    return None


def wrong_episode(line: Mapping[str, Any], task: Task, fixed: bool = True) -> str | None:
    """What is wrong with an episode, by its task.

    Args:
        line: The episode.
        task: What was played.
        fixed: Whether the seeds are the task's own, and not drawn from a secret.
    """
    seed, options = task.episode(line["index"])
    if fixed and line["seed"] != seed:
        return f"its seed is {line['seed']}, not {seed}"
    if wrong := _wrong_extra(line["extra"], dict(options or {}), task):
        return wrong
    longest = _longest(task.env_id)
    if longest is not None and line["length"] > longest:
        return f"{line['length']:,} steps, the time limit is {longest:,}"
    return _wrong_failure(line, task) if line["status"] != "ok" else _wrong_return(line, task)


def _wrong_secret_seeds(run: Record) -> str | None:
    """What is wrong with seeds that are drawn from a secret: they are different ones, and those of evaluations."""
    seen: dict[int, int] = {}
    for line in run.episodes:
        if line["seed"] < FIRST_SEED:
            return f"episode {line['index']}: its seed {line['seed']} is none that a secret draws, from {FIRST_SEED} on"
        if (other := seen.setdefault(line["seed"], line["index"])) != line["index"]:
            return f"episode {line['index']}: its seed {line['seed']} is that of episode {other}"
    return None


def _wrong_extra(extra: Mapping[str, Any], options: Mapping[str, Any], task: Task) -> str | None:
    """Reset options that the task does not give this episode, and outcomes that it does not tell."""
    for name, value in options.items():
        if extra.get(name) != value:
            return f"{name} is {str(extra.get(name))[:40]}, not {value}"
    unknown = extra.keys() - options.keys() - set(task.outcomes)
    return f"unknown {sorted(unknown)[0][:40]!r} in extra" if unknown else None


def _wrong_failure(line: Mapping[str, Any], task: Task) -> str | None:
    """What is wrong with an episode that the agent failed: its return is the task's, and the environment ended none."""
    for name in ("return", "discounted_return"):
        if line[name] != task.failure_return:
            return f"{name} is {line[name]:g} for {line['status']}, not {task.failure_return:g}"
    return f"it ended, and its status is {line['status']}" if line["terminated"] or line["truncated"] else None


def _wrong_return(line: Mapping[str, Any], task: Task) -> str | None:
    """What is wrong with an episode that was played to its end."""
    if not line["terminated"] and not line["truncated"]:
        return "it is ok, and neither terminated nor truncated"
    if not line["length"]:
        return "it ended without a step"
    low, high = task.episode_bounds
    if not low <= line["return"] <= high:
        return f"return {line['return']:g} is outside of [{low:g}, {high:g}]"
    if task.discount == 1.0 and line["discounted_return"] != line["return"]:
        return f"discounted return {line['discounted_return']:g} without a discount, return {line['return']:g}"
    return None


def _wrong_mean(run: Record, task: Task) -> str | None:
    """The mean return of a complete run, where no agent can have it."""
    if not run.complete:
        return None
    mean = math.fsum(line["return"] for line in run.episodes) / len(run.episodes)
    low, high = task.within(-math.inf), task.within(math.inf)
    if not low - _ROUNDING <= mean <= high + _ROUNDING:
        return f"its mean return {mean:g} is outside of [{low:g}, {high:g}]"
    return None


@functools.cache
def _longest(env_id: str) -> int | None:
    """The time limit of an environment, in steps; None where it has none or is not registered here."""
    try:
        return environments.spec(env_id).max_episode_steps
    except UserError:
        return None
