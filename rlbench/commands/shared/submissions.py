"""Submissions on this machine: by the names of agents, and by the digests of records."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from rlbench.commands.shared import agents
from rlbench.errors import UserError, nearest, shortened
from rlbench.harness import contents, submission
from rlbench.harness.submission import Submission
from rlbench.harness.tasks import suite
from rlbench.harness.tasks.task import Task

LOCAL_SUBMISSIONS = ("baselines/pretrained/*/*", "runs/*/training/*/*/submission", "runs/train/*/*/submission")
"""Folders of submissions, below the working directory and below this checkout."""

OWN_SUBMISSIONS = ("submission.toml", "*/submission.toml", "*/*/submission.toml")
"""Manifests of the user's own submissions: the working directory, and up to two folders below it."""


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
    if trained := training_command(agent, training_seed, wanted):
        raise UserError(f"no {agent} is here, in runs/train or baselines/pretrained; to make one: {trained}")
    where, hint = shortened(name)[1:-1], nearest(name, known)
    raise UserError(f"no submission at {where}: give a folder with submission.toml, or an agent; {hint}")


def training_command(agent: str, training_seed: str | None, tasks: Sequence[str]) -> str:
    """The command that trains an agent of the leaderboard; empty for any other name.

    Args:
        agent: Its name.
        training_seed: Which of its training runs, if that was asked for.
        tasks: The keys of the tasks that it shall play; one alone is named in the command.
    """
    if agents.short_names().get(agent, agent) not in agents.agents():
        return ""
    words = ["rlbench train", agent, *(["--task", *tasks] if len(tasks) == 1 else [])]
    return " ".join([*words, *(["--seed", training_seed] if training_seed else [])])


def submission_of(header: Mapping[str, Any], path: Path, given: Path | None = None) -> Submission:
    """The submission that a record is of.

    Args:
        header: first line of the record.
        path: file of the record, for messages.
        given: folder of the submission; by default the submission with the record's digest that is in a folder of
            trained agents, or in the working directory or up to two folders below it.

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
        f"no submission with digest {header['digest'][:12]} in baselines/pretrained, runs, here or up to two folders "
        f"below; give the folder of {header['agent']} {header['version']} with --submission"
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
