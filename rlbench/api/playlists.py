"""What is watched: episodes of a submission on a task or an environment, or of a record."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from rlbench.commands.shared.display import episode_row
from rlbench.commands.shared.lookup import find_task_or_id
from rlbench.commands.shared.submissions import find_submission, submission_of
from rlbench.errors import UserError
from rlbench.harness import submission
from rlbench.harness.manifest import MANIFEST
from rlbench.harness.results import jsonl, record
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.suite import catalogue, get_task_of_record
from rlbench.harness.tasks.task import Task
from rlbench.interact import watch
from rlbench.interact.episode import make


class WatchRequest(Protocol):
    """What is to be watched; the options of `rlbench watch` are such a request."""

    @property
    def what(self) -> str:
        """A submission, by its folder or name, or the path of a record."""

    @property
    def task(self) -> str | None:
        """The task or environment of a submission; None for the first task that it lists."""

    @property
    def env_arguments(self) -> Mapping[str, Any]:
        """Arguments of an environment that is no task."""

    @property
    def episode(self) -> int:
        """Number of the first episode."""

    @property
    def episodes(self) -> int | None:
        """How many episodes; None for as many as there are environments."""

    @property
    def num_envs(self) -> int:
        """How many environments at once."""

    @property
    def submission(self) -> Path | None:
        """Folder of the submission that a record is of; None to look for it."""


def kind_of(path: Path) -> str:
    """What a file is by its first line: `trace` or `record`; `submission` for what is no file.

    Raises:
        UserError: It is a file of another kind, or a folder of records.
    """
    if path.suffix != ".jsonl" and not path.is_file():
        inside = sorted(path.glob("*.jsonl")) if os.path.isdir(path) else ()  # a path that is too long is no folder
        if inside and not (path / MANIFEST).exists():
            raise UserError(f"{path} is a folder of records; give one of them, such as {inside[0]}")
        return "submission"
    kind = jsonl.kind_of(path)
    if kind not in ("trace", "record"):
        raise UserError(f"{path} is neither a trace nor a record of results: its first line does not say so")
    return kind


def wanted(request: WatchRequest, name: object, there: int | None) -> range:
    """The numbers of the episodes to show; UserError where there are not so many (None: there is no limit).

    Args:
        request: what is to be watched.
        name: what has the episodes, for the message.
        there: how many episodes there are; None for no limit.
    """
    shown = range(request.episode, request.episode + (request.episodes or request.num_envs))
    if there is not None and shown.stop > there:
        raise UserError(f"{name} has episodes 0 to {there - 1}, not {shown.stop - 1}")
    return shown


def from_submission(request: WatchRequest) -> watch.Playlist:
    """A submission on a task, or on an environment that is none."""
    entrant = submission.read(find_submission(request.what, wanted_tasks(request)))
    task = task_for(entrant, request)
    shown = wanted(request, task.key, task.episodes if task.version else None)
    return watch.Playlist.of_submission(task, entrant, shown, request.num_envs)


def wanted_tasks(request: WatchRequest) -> list[Task]:
    """The tasks that `--task` means: one, those on an environment, or none where it is not given."""
    name = request.task and find_task_or_id(request.task)
    return [task for task in catalogue().tasks.values() if name in (task.key, task.env_id)]


def task_for(entrant: Submission, request: WatchRequest) -> Task:
    """The task that is named, or the first that the submission lists; a task made up for an environment's id."""
    if request.task is None:
        if request.env_arguments:
            raise UserError("--set is for environments: give one with --task")
        listed = [task for task in catalogue().tasks.values() if entrant.plays(task)]
        if not listed or "*" in entrant.tasks:
            raise UserError(f"which task? give --task, one of {', '.join(catalogue().tasks)}, or an environment's id")
        return listed[0]
    return named_task(request.task, request)


def named_task(name: str, request: WatchRequest) -> Task:
    """The task of a name, or a task made up for the environment of that id."""
    name = find_task_or_id(name)
    if (task := catalogue().tasks.get(name)) is not None:
        if request.env_arguments:
            raise UserError("--set is for environments; a task has its arguments already")
        return task
    return watch.on_environment(name, dict(request.env_arguments), request.episode + request.num_envs)


def from_record(path: Path, request: WatchRequest) -> watch.Playlist:
    """Episodes of a record, with the submission that it is of."""
    run = record.read(path)
    if run is None or not run.episodes:
        raise UserError(f"{path} holds no episodes yet")
    task = get_task_of_record(run.header["task"])
    if run.header["secret"] is not None:
        raise UserError(
            f"{path}: its episodes are drawn from a secret; `rlbench verify --secret FILE` plays them again"
        )
    if task.hash != run.header["task_hash"]:
        raise UserError(f"{path} was played on another {task.key} than this rlbench has; nothing of it can be repeated")
    shown = wanted(request, path, len(run.episodes))
    entrant = submission_of(run.header, path, request.submission)
    return watch.Playlist.of_record(run, task, entrant, shown, request.num_envs)


def steps_per_second(task: Task) -> float:
    """Steps per second of a task's environment at its own pace."""
    env = make(task.env_id, dict(task.env_kwargs))
    env.close()
    return float(env.metadata.get("render_fps", 30))


def row(episode: record.EpisodeResult, line: dict[str, Any] | None) -> dict[str, Any]:
    """The row of an episode; compared with its line in the record, where there is one.

    Args:
        episode: as it was played.
        line: of the record.
    """
    end = {
        "return": episode.return_,
        "length": episode.length,
        "terminated": episode.terminated,
        "truncated": episode.truncated,
        "digest": episode.actions,
    }
    fault = "" if episode.status == "ok" else episode.status
    made = episode_row(episode.index, episode.seed, end, fault)
    if line is None:
        return made
    different = episode.differences(line)
    return made | {"as_recorded": not different, "difference": "; ".join(different) or None}
