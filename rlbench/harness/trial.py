"""A trial: an agent is loaded behind the sandbox and asked for a few actions, of which nothing is recorded.

The episodes are not those that are scored: their seeds are those of training.
"""

from __future__ import annotations

import ast
import math
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rlbench import environments, space_tree
from rlbench.errors import counted
from rlbench.harness.adapters import folder as adapters
from rlbench.harness.blocks import agent_seed, copied, environment_and_agent
from rlbench.harness.isolation import tiers
from rlbench.harness.isolation.actions import ActionBounds
from rlbench.harness.isolation.agent import AgentFault
from rlbench.harness.play import stacked
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.task import Task

STEPS, SECONDS = 20, 10.0
"""A trial ends after so many calls of `act`, or once they have taken so long."""

FIRST_SEED = 2**29
"""Seed of the first episode, below those that are scored (`tasks.task.FIRST_SEED`)."""

HINTS = {
    "ModuleNotFoundError": "install it for this Python, or put its file into the folder",
    "PermissionError": "an agent reads its own folder and installed packages, and writes to its working folder alone",
    "must have shape": "the first axis is that of the environments, N",
    "has no attribute": "entry in submission.toml names a function of the module",
}
"""What to do, by words of the message of a fault."""


@dataclass(frozen=True)
class Trial:
    """How an agent did on one task."""

    fault: str | None
    """What went wrong, in words of the contract; None where nothing did."""

    load_seconds: float
    calls: int
    slowest: float
    """Seconds of the longest call of `act`."""

    usual: float
    """Median seconds of the calls after the first, in which libraries often load and compile; of the only call."""

    printed: str
    """The last line that it printed, empty where there was none."""

    actions: tuple[bytes, ...]
    """What it did, step by step."""


def attempt(task: Task, entrant: Submission, isolation: tiers.Asked = "auto") -> Trial:
    """Load an agent behind the sandbox and play up to STEPS steps of a task.

    Args:
        task: What is played.
        entrant: The agent.
        isolation: The tier in which it runs.

    Raises:
        UserError: This machine lacks what the task needs.
        HarnessError: The harness was at fault.
    """
    indices = task.block(0)
    seed = agent_seed(task, entrant.training_seed, 0)
    with (
        copied(entrant, task, 0) as entrant,
        environment_and_agent(task, entrant, indices, seed, isolation=isolation) as (env, process),
    ):
        calls: list[float] = []
        actions: list[bytes] = []
        fault = None
        try:
            act = process.load()
            for action, seconds in _steps(env, act, task, indices):
                calls.append(seconds)
                actions.append(action)
        except AgentFault as error:
            fault = explained(error, loaded=bool(process.ready))
        return Trial(
            fault,
            process.load_seconds,
            len(calls),
            max(calls, default=math.nan),
            statistics.median(calls[1:] or calls or [math.nan]),
            process.printed(),
            tuple(actions),
        )


def _steps(env: Any, act: Any, task: Task, indices: Any) -> Iterator[tuple[bytes, float]]:
    """The bytes of each step's actions, and how long the agent took for them."""
    options = [task.episode(i)[1] for i in indices]
    seeds = [FIRST_SEED + i for i in range(len(indices))]
    observation, _ = env.reset(seed=seeds, options=stacked(options) if options[0] is not None else None)
    first = np.ones(len(indices), np.bool_)
    bounds = ActionBounds(space_tree.describe(env.single_action_space))
    began = time.monotonic()
    for _ in range(STEPS):
        asked = time.monotonic()
        action = act(observation, first)
        taken = time.monotonic() - asked
        if bounds.violations(action) is not None:
            raise AgentFault("invalid_action", bounds.message(action))
        yield b"".join(leaf.tobytes() for leaf in action), taken
        observation, _, terminated, truncated, _ = env.step(bounds.unflatten(action))
        first = terminated | truncated
        if time.monotonic() > began + SECONDS:
            return


def explained(fault: AgentFault, loaded: bool) -> str:
    """A fault in words: where it happened, what it was, and what to do.

    Args:
        fault: As it was raised.
        loaded: Whether `load` had returned.
    """
    where = f"act failed ({fault.status})" if loaded else "load failed"
    hint = next((hint for words, hint in HINTS.items() if words in fault.message), "")
    return f"{where}: {fault.message}{f'; {hint}' if hint else ''}"


def remarks(task: Task, entrant: Submission, trial: Trial) -> Iterator[str]:
    """What is no fault, but not as its author may think."""
    if trial.printed:
        yield f"what it prints is dropped, such as: {trial.printed}"
    if own := sorted(set(imported(entrant)) & {"rlbench", "baselines"}):
        yield f"it imports {' and '.join(own)}, which later versions may change; copy what it needs into the folder"
    steps = task.env_kwargs.get("max_episode_steps", environments.spec(task.env_id).max_episode_steps)
    if trial.calls and steps and trial.usual * steps > task.limits.run:
        yield (
            f"a call of act takes {trial.usual:.2f} s: {counted(steps, 'step')} of them are more than the "
            f"{task.limits.run:g} s that there are for a block of episodes"
        )


def imported(entrant: Submission) -> set[str]:
    """The packages that a submission's entry module imports, and its own modules that are imported from there."""
    found: set[str] = set()
    left = [] if f"{entrant.module}:{entrant.function}" in adapters.ENTRIES else [entrant.module]
    while left:
        path = Path(entrant.folder, f"{left.pop()}.py")
        for name in _imports(path) - found:
            found.add(name)
            if Path(entrant.folder, f"{name}.py").is_file():
                left.append(name)
    return found


def _imports(path: Path) -> set[str]:
    """The packages that a file imports; none where it is no Python."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    return {name.partition(".")[0] for name in names}
