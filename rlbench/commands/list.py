"""`rlbench list`: the environments, tasks, suites and reference agents."""

from __future__ import annotations

import ast
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from tyro.conf import Positional

from rlbench.commands.shared.agents import agents as known_agents
from rlbench.commands.shared.agents import algorithms
from rlbench.commands.shared.output import Format, Quiet, complain, print_table, write

OPTIONAL = ("num_envs", "failure_return", "env", "module", "tags", "rules")
"""Columns that are left out where the terminal is narrow, the last one first."""


@dataclass(frozen=True)
class ListOptions:
    """List environments, tasks, suites and reference agents, or print the schema of records."""

    what: Positional[Literal["all", "envs", "tasks", "suites", "agents", "schema"]] = "all"
    """What to list, with details; without it everything, by name. schema: the JSON Schema of the lines of records."""
    quiet: Quiet = False
    """Print names only, one per line."""
    format: Format = "table"


def run(options: ListOptions) -> int:
    """Print the list that was asked for; 0."""
    if options.what == "schema":
        from rlbench.harness.results import schema

        write(schema.text())
        return 0
    frame = overview() if options.what == "all" else KINDS[options.what]()
    if options.quiet and options.format == "table":
        names = frame["name"] if options.what == "all" else frame.iloc[:, 0]
        write("".join(f"{name}\n" for name in names))
        return 0
    print_table(frame, options.format, optional=OPTIONAL)
    return 0


def environments() -> pd.DataFrame:
    """One row per environment id of rlbench and of packages with entry points; a line for each that is broken."""
    import gymnasium

    from rlbench.environments import load_packages, of_packages
    from rlbench.registry import ENVIRONMENTS

    columns = ["id", "tags", "max_episode_steps", "kwargs", "rules"]
    rows = [(env.id, list(env.tags), env.max_episode_steps, assignments(env.kwargs), env.rules) for env in ENVIRONMENTS]
    for env_id, package in of_packages().items():
        spec = gymnasium.spec(env_id)
        kwargs = {name: value for name, value in spec.kwargs.items() if name not in ("rules", "render")}
        rows.append((env_id, [package], spec.max_episode_steps, assignments(kwargs), spec.kwargs.get("rules")))
    for fault in load_packages():
        complain(f"left out: {fault}")
    return pd.DataFrame(rows, columns=columns).astype({"max_episode_steps": "Int64"})


def tasks() -> pd.DataFrame:
    """One row per task, with its normalisation scores."""
    from rlbench.harness.tasks.suite import catalogue

    known = catalogue()
    for mistake in known.mistakes:
        complain(f"left out: {mistake}")
    columns = ["task", "env", "suites", "episodes", "num_envs", "failure_return", "random", "reference"]
    rows = [
        (
            *(key, task.env_id, [name for name, suite in known.suites.items() if task in suite]),
            *(task.episodes, task.num_envs, task.failure_return, task.random, task.reference),
        )
        for key, task in known.tasks.items()
    ]
    return pd.DataFrame(rows, columns=columns)


def suites() -> pd.DataFrame:
    """One row per suite."""
    from rlbench.harness.tasks.suite import catalogue

    rows = [(name, len(suite), [task.key for task in suite]) for name, suite in catalogue().suites.items()]
    return pd.DataFrame(rows, columns=["suite", "count", "tasks"])


def agents() -> pd.DataFrame:
    """One row per name that `rlbench train` takes: the algorithms, and agents that are one with other settings."""
    modules = algorithms()
    rows = [
        (name, about(modules[each]), " ".join(more), modules[each]) for name, (each, *more) in known_agents().items()
    ]
    return pd.DataFrame(rows, columns=["agent", "about", "settings", "module"])


KINDS = {"envs": environments, "tasks": tasks, "suites": suites, "agents": agents}


def overview() -> pd.DataFrame:
    """Everything by kind and name; the Atari games are one row."""
    from rlbench.registry import ATARI_GAMES, atari_id

    games = {atari_id(game): f"rlbench/Atari<Game>-v0, {len(ATARI_GAMES)} games" for game in ATARI_GAMES}
    rows = [(kind, games.get(name, name)) for kind, frame in KINDS.items() for name in frame().iloc[:, 0]]
    return pd.DataFrame(list(dict.fromkeys(rows)), columns=["kind", "name"])


def about(module: str) -> str:
    """The first line of a module's docstring; read from the file, since importing torch takes seconds."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return ""
    text = ast.get_docstring(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]


def assignments(kwargs: Any) -> str:
    """Keyword arguments as they would be written: `maze=8x8`."""
    return " ".join(f"{name}={value}" for name, value in kwargs.items())
