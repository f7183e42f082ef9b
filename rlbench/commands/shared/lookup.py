"""What words of the command line stand for: environments, tasks, agents, arguments, and submissions on this machine.

Every name that the leaderboard or `rlbench list` shows is understood wherever such a thing is asked for, in upper or
lower case, and an unknown one names the nearest.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium

import rlbench
from rlbench import environments
from rlbench.environments import Found, like, short_name
from rlbench.envs.grid_world.rules import MAZES
from rlbench.errors import UserError, nearest, shortened
from rlbench.harness import contents, submission
from rlbench.harness.submission import Submission
from rlbench.harness.tasks import suite
from rlbench.harness.tasks.task import Task
from rlbench.text_files import read_text

LOCAL_SUBMISSIONS = ("baselines/pretrained/*/*", "runs/*/training/*/*/submission", "runs/train/*/*/submission")
"""Folders of submissions, below the working directory and below this checkout."""

OWN_SUBMISSIONS = ("submission.toml", "*/submission.toml")
"""Manifests of the user's own submissions: the working directory, and the folders in it."""


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
        raise UserError(f"{name} is a suite and no task: --suite {name.lower()}, or one of {tasks}")
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


def find_submission(name: str, tasks: Iterable[Task] = ()) -> str:
    """The folder that a word stands for, or the word itself where it is a path or the name of a built-in submission.

    Args:
        name: an agent's name, alone or with its version as the leaderboard shows it, `dqn 1`, with its training seed,
            `dqn-s3`, or with its digest as records are named, `dqn@297de3d4a6bd`.
        tasks: what it shall play; the first of them that it plays is meant, and of its training seeds the lowest.

    Raises:
        UserError: it is none of these; it names the nearest agents, or the tasks that the agent plays.
    """
    builtin = submission.builtins()
    if name in builtin or os.path.lexists(name) or "/" in name:
        return name
    if name.lower() in builtin:
        return name.lower()
    form = re.fullmatch(r"(.*?)(?: [\w.+-]+|-s(\d+)|@([0-9a-f]{6,64}))?", name.lower(), re.DOTALL)
    agent, training_seed, digest = form.groups() if form else (name, None, None)
    there = [each for each in _agents_here() if training_seed in (None, str(each.training_seed))]
    wanted = [task.key for task in tasks] or list(suite.catalogue().tasks)
    found = [each for each in there if each.name == agent and each.task in wanted]
    found = [each for each in found if digest is None or contents.digest(each.folder).startswith(digest)]
    if found:
        return str(min(found, key=lambda each: (wanted.index(each.task), each.training_seed)).folder)
    if played := sorted({each.task for each in there if each.name == agent}):
        raise UserError(f"there is no {agent} on {', '.join(wanted)} here; there is one on {', '.join(played)}")
    known = {each.name for each in there}.union(builtin)
    where, hint = shortened(name)[1:-1], nearest(name, known)
    raise UserError(f"no submission at {where}: give a folder with submission.toml, or an agent; {hint}")


def find_records(path: Path, results: Path = Path("results")) -> Path:
    """A path of records; for the name of a task, where there is nothing of that name, the folder of its records."""
    task = None if path.exists() else suite.find_task(str(path))
    return path if task is None else results / task.key


def env_kwargs(pairs: Sequence[str], option: str = "set") -> dict[str, Any]:
    """Arguments of an environment from words `name=value`; values are JSON, or else text. A maze may be a file.

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
            made[name] = text
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


def submission_of(header: Mapping[str, Any], path: Path, given: Path | None = None) -> Submission:
    """The submission that a record is of.

    Args:
        header: first line of the record.
        path: file of the record, for messages.
        given: folder of the submission; by default the submission with the record's digest that is in a folder of
            trained agents, or in the working directory or a folder directly in it.

    Raises:
        UserError: no local submission has that digest, or the given one has another.
    """
    if given is not None:
        entrant = submission.read(str(given))
        if entrant.digest != header["digest"]:
            raise UserError(f"{given} has digest {entrant.digest[:12]}, {path} is of {header['digest'][:12]}")
        return entrant
    for folder in chain(_local_submissions(str(header["agent"])), _own_submissions(str(header["agent"]))):
        with suppress(UserError):  # another submission that cannot be read is not the one asked for
            if contents.digest(folder) == header["digest"]:
                return submission.read(folder)
    raise UserError(
        f"no submission with digest {header['digest'][:12]} in baselines/pretrained, runs, here or in a folder here; "
        f"give the folder of {header['agent']} {header['version']} with --submission"
    )


def _local_submissions(agent: str = "") -> Iterator[Path]:
    """Folders that may hold a submission of that name; those of all where no name is given."""
    if agent in submission.builtins():
        yield submission.BUILTIN / agent
    for root in dict.fromkeys((Path(), Path(__file__).resolve().parents[3])):
        for pattern in LOCAL_SUBMISSIONS:
            yield from sorted(p for p in root.glob(pattern) if agent in p.as_posix() and p.is_dir())


def _own_submissions(agent: str) -> Iterator[Path]:
    """Folders of the user's own submissions that may be of that agent, which only their manifests say."""
    for manifest in (path for pattern in OWN_SUBMISSIONS for path in sorted(Path().glob(pattern)) if path.is_file()):
        with suppress(OSError):
            if agent.encode() in manifest.read_bytes():
                yield manifest.parent


class _AgentHere(NamedTuple):
    """A local submission, by its place: the agent's name, its task and training seed, and the folder."""

    name: str
    task: str
    training_seed: int
    folder: Path


def _agents_here() -> Iterator[_AgentHere]:
    """The local submissions of trained agents."""
    for folder in _local_submissions():
        place = folder.parent if folder.name == "submission" else folder
        if match := re.fullmatch(r"(.+)-s(\d+)", place.name):
            yield _AgentHere(match[1].lower(), place.parent.name, int(match[2]), folder)


def _ids() -> list[str]:
    """The ids of rlbench."""
    return [each.id for each in rlbench.ENVIRONMENTS]
