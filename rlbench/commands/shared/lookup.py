"""What words of the command line stand for: environments, tasks, records, arguments. `submissions` has the agents.

Every name that the leaderboard or `rlbench list` shows is understood wherever such a thing is asked for, in upper or
lower case, and an unknown one names the nearest.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium

import rlbench
from rlbench import environments
from rlbench.environments import Found, like, short_name
from rlbench.envs.grid_world.rules import MAZES
from rlbench.errors import UserError, shortened
from rlbench.harness.tasks import suite
from rlbench.harness.tasks.task import Task
from rlbench.text_files import read_text


def find_environment(name: str) -> Found:
    """The environment that a name stands for: an id of rlbench, the task that is played on it, or an id of others.

    Raises:
        UserError: there is none.
    """
    if (env_id := like(name, _ids())) is not None:
        return Found(env_id, {})
    if (task := suite.find_task(name)) is not None:
        return Found(task.env_id, dict(task.env_kwargs))
    return environments.find(name, suite.catalogue().tasks)


def find_task(name: str) -> Task:
    """The task of that name; for an environment's id, as written, the one task on it without arguments, or at all.

    Raises:
        UserError: there is none, or there are several; it names the nearest ones.
    """
    if (task := suite.find_task(name)) is not None:
        return task
    known = suite.catalogue()
    if name.lower() in known.suites:
        tasks = ", ".join(task.key for task in known.suites[name.lower()])
        raise UserError(f"{name} is a suite and no task: --suite={name.lower()}, or one of {tasks}")
    env_id = name if ":" in name or name in gymnasium.registry else like(name, _ids())
    if env_id is None or name not in (env_id, env_id.rpartition("/")[2], short_name(env_id)):
        return suite.get_task(name)  # its error names the nearest
    there = [task for task in known.tasks.values() if task.env_id == env_id]
    found = [task for task in there if len(there) == 1 or not task.env_kwargs]
    if len(found) != 1:
        which = (
            f"give one of {', '.join(task.key for task in there)}" if there else f"`rlbench new-task {name}` makes one"
        )
        raise UserError(f"{env_id} is an environment and no task; {which}")
    return found[0]


def find_task_or_id(name: str) -> str:
    """The key of the task, or the id of the environment, that a name stands for.

    An id that Gymnasium has registered stands for itself; one may name the module that registers it. Else a task is
    preferred where the name is written as its name is, and an environment where only the letters agree: `hopper` is
    the task hopper@1, and `Hopper` rlbench/Hopper-v0.

    Raises:
        UserError: there is neither; it names the nearest ones.
    """
    if suite.is_in_file(name):
        return suite.get_task(name).key
    if ":" in name or name in gymnasium.registry:
        return environments.find(name).id
    task = suite.find_task(name)
    if task is not None and name in (task.key, task.name):
        return task.key
    if (env_id := like(name, _ids())) is not None:
        return env_id
    if task is not None:
        return task.key
    return environments.find(name, suite.catalogue().tasks, "task").id


def find_records(path: Path, results: Path = Path("results")) -> Path:
    """A path of records; for the name of a task, where there is nothing of that name, the folder of its records."""
    task = None if path.exists() else suite.find_task(str(path))
    return path if task is None else results / task.key


PYTHON_WORDS = {"True": True, "False": False, "None": None}
"""What JSON spells otherwise. As text, `is_slippery=False` would be true to an environment."""


def env_kwargs(pairs: Sequence[str], option: str = "set") -> dict[str, Any]:
    """Arguments of an environment from words `name=value`; values are JSON, True, False, None, or else text.

    A maze may be a file.

    Args:
        pairs: the words.
        option: that they were given to, for messages.
    """
    made = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name.isidentifier():
            raise UserError(f"--{option} takes name=value, got {shortened(pair)}")
        try:
            made[name] = json.loads(text)
        except (ValueError, RecursionError):
            made[name] = PYTHON_WORDS.get(text, text)
        if name == "maze":
            made[name] = maze_text(text)
    return made


def maze_text(word: str) -> str:
    """A maze as the grid world takes it: its name, or a drawing, here or in a text file.

    Args:
        word: the name, the drawing with `|` between its rows, or the path of the file.

    Raises:
        UserError: it is none of these, or the file cannot be read.
    """
    if word in MAZES or not set(word) - set("#TS. |\n"):
        return word
    if not os.path.lexists(word):
        raise UserError(
            f"cannot read the maze {shortened(word)}: there is no such file, no maze of that name "
            f"({', '.join(MAZES)}), and a drawing takes '#', 'T', 'S', '.', with '|' between rows"
        )
    return read_text(Path(word), "maze")


def _ids() -> list[str]:
    """The ids of rlbench."""
    return [each.id for each in rlbench.ENVIRONMENTS]
