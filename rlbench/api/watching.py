"""`rlbench.watch`: an agent plays, or recorded episodes are played again, and a film is made of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, SupportsIndex

import gymnasium
import numpy as np

from rlbench import space_tree
from rlbench.api.live import OneEnvironment, batch_agent, is_live, name_of
from rlbench.api.page_films import FilmEnded, FilmSettings, WatchedEpisodes, filming
from rlbench.api.playlists import (
    from_record,
    from_submission,
    kind_of,
    named_task,
    row,
    steps_per_second,
    wanted,
)
from rlbench.api.python_words import speaks_python
from rlbench.api.run import Run
from rlbench.children import temporary_folder
from rlbench.commands.shared.display import episode_row
from rlbench.environments import short_name
from rlbench.errors import UserError, shortened
from rlbench.harness.archives import unpacked
from rlbench.harness.isolation.actions import ActionBounds, InvalidActionError
from rlbench.harness.play import in_process
from rlbench.interact import trace
from rlbench.interact.episode import ShownEpisode, make
from rlbench.interact.layout import EpisodeView
from rlbench.interact.screen import KEYS
from rlbench.interact.watch import Playlist, WatchedBlock, show_steps
from rlbench.progress import progress

MAX_FRAMES = 3_000


@dataclass(frozen=True)
class Watched:
    """What is to be watched; a `WatchRequest`."""

    what: str
    task: str | None
    env_arguments: Mapping[str, Any]
    episode: int
    episodes: int | None
    num_envs: int
    submission: Path | None = field(default=None)


@speaks_python
def watch(
    agent: object,
    task: str | None = None,
    *,
    episode: int = 0,
    episodes: int | None = None,
    num_envs: int = 1,
    env_kwargs: Mapping[str, Any] | None = None,
    submission: str | os.PathLike[str] | None = None,
    panel: bool = True,
    speed: float = 1.0,
    max_frames: int = MAX_FRAMES,
    quiet: bool = False,
) -> WatchedEpisodes:
    """Let an agent play, or play recorded episodes again, and make a film that a notebook shows.

    Args:
        agent: A folder with submission.toml, an archive of one, an agent of the leaderboard or `random`, which plays
            behind the sandbox; a record, a `Run` or a trace, which is played again; or a live object, as
            `rlbench.evaluate` takes it, which plays in this process.
        task: Task for an agent, or an environment's id; by default the first that a submission lists.
        episode: Number of the first episode.
        episodes: How many; by default as many as there are environments.
        num_envs: How many environments at once, as a grid; one for a live object.
        env_kwargs: Arguments of an environment that is no task.
        submission: Folder of the submission that a record is of, where it is not found by its digest.
        panel: Whether the panel stands beside the frame.
        speed: How many times as fast as the environment's own pace.
        max_frames: After so many the film ends, whether the episode has or not.
        quiet: Whether to show no progress.

    Returns:
        The film, of at most 16 MiB, and the episodes in it.

    Raises:
        UserError: A name that does not exist, an agent that cannot be loaded, no ffmpeg.
    """
    check_counts(episode=(episode, 0), episodes=(episodes or 1, 1), num_envs=(num_envs, 1), max_frames=(max_frames, 1))
    if isinstance(agent, Run) and agent.path is None:
        raise UserError("this run was not recorded; watch the agent itself, with the task")
    what = agent.path if isinstance(agent, Run) else agent
    source = None if submission is None else Path(submission)
    with temporary_folder() as folder:
        how = FilmSettings(folder / "film.mp4", speed, max_frames, panel, quiet)
        if isinstance(what, str | os.PathLike):
            with unpacked(os.fspath(what)) as given:
                return film_of(Watched(given, task, env_kwargs or {}, episode, episodes, num_envs, source), how)
        return film_of_live(what, Watched("", task, env_kwargs or {}, episode, episodes, 1, source), how)


def film_of(request: Watched, how: FilmSettings) -> WatchedEpisodes:
    """The film of a submission, a record or a trace."""
    path = Path(request.what)
    kind = kind_of(path)
    if kind == "trace":
        return film_of_trace(path, how)
    playlist = from_record(path, request) if kind == "record" else from_submission(request)
    rows: list[Mapping[str, Any]] = []
    with filming(how, steps_per_second(playlist.task)) as (film, screen):
        with progress(short_name(playlist.task.env_id), quiet=how.quiet) as bar:
            for number, (indices, shown, agent_seed) in enumerate(playlist.blocks):
                if film.full:
                    break
                bar(number / len(playlist.blocks), len(rows), "episodes")
                block = WatchedBlock(playlist.task, playlist.entrant, indices, shown, screen, how.panel)
                rows += rows_of(block, shown, agent_seed, playlist)
        return film.made(rows)


def rows_of(block: WatchedBlock, shown: Sequence[int], agent_seed: int, playlist: Playlist) -> list[dict[str, Any]]:
    """The rows of a block's episodes that are shown; they are not ended where the film is full before."""
    try:
        played = {each.index: each for each in block.play(agent_seed)}
    except FilmEnded:
        return [
            episode_row(index, each.seed, trace.outcome(each))
            for index, each in zip(shown, block.episodes, strict=True)
        ]
    return [row(played[index], playlist.recorded.get(index)) for index in shown]


def film_of_trace(path: Path, how: FilmSettings) -> WatchedEpisodes:
    """The film of a trace."""
    steps = trace.replay(trace.load(path), path)
    episode = next(steps)
    with filming(how, float(episode.env.metadata.get("render_fps", 30))) as (film, screen):
        with suppress(FilmEnded), closing(episode.env):
            show_steps(EpisodeView(screen, KEYS, how.panel), episode, steps)
        return film.made([episode_row(0, episode.seed, trace.outcome(episode))])


def film_of_live(agent: Any, request: Watched, how: FilmSettings) -> WatchedEpisodes:
    """The film of an agent of this process."""
    if not is_live(agent):
        raise UserError(
            f"{shortened(agent)} is no agent; give a path, a name, or an object with act(observation, first)"
        )
    if request.task is None:
        raise UserError("which task? give one, such as cart-pole@1, or an environment's id")
    task = named_task(request.task, request)
    rows: list[Mapping[str, Any]] = []
    with filming(how, steps_per_second(task)) as (film, screen):
        for number in wanted(request, task.key, task.episodes if task.version else None):
            if film.full:
                break
            seed, options = task.episode(number)
            with closing(ObservedEnv(make(task.env_id, dict(task.env_kwargs)))) as env:
                episode = ShownEpisode(env, seed, None if options is None else dict(options), name_of(agent))
                with suppress(FilmEnded):
                    show_steps(EpisodeView(screen, KEYS, how.panel), episode, live_steps(agent, env, episode))
                rows.append(episode_row(number, seed, trace.outcome(episode)))
        return film.made(rows)


class ObservedEnv(gymnasium.Wrapper[Any, Any, Any, Any]):
    """An environment that keeps its last observation."""

    observation: Any = None

    def reset(self, **how: Any) -> tuple[Any, dict[str, Any]]:
        """Begin an episode."""
        self.observation, info = super().reset(**how)
        return self.observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """One step."""
        self.observation, *rest = super().step(action)
        return (self.observation, *rest)


def live_steps(agent: Any, env: ObservedEnv, episode: ShownEpisode) -> Iterator[ShownEpisode]:
    """The episode after each step that a live agent takes in it; UserError for an action that the space refuses."""
    one = OneEnvironment(env.observation_space, env.action_space)
    act = in_process(batch_agent(agent, one), one)
    seen, taken = space_tree.describe(env.observation_space), space_tree.describe(env.action_space)
    bounds = ActionBounds(taken)
    while not episode.over:
        try:
            action = act(space_tree.stack(seen, [env.observation]), np.array([not episode.rewards]))
        except InvalidActionError as error:
            raise UserError(f"{name_of(agent)}: {error}") from None
        if bounds.violations(action) is not None:
            raise UserError(f"{name_of(agent)}: {bounds.message(action)}")
        episode.step(space_tree.index(taken, bounds.unflatten(action), 0))
        yield episode


def check_counts(**counts: tuple[int, int]) -> None:
    """Raise UserError for what is no whole number, or below its minimum: name=(number, minimum)."""
    for name, (number, minimum) in counts.items():
        if not isinstance(number, SupportsIndex):
            raise UserError(f"{name} is a whole number, got {shortened(number)}")
        if number < minimum:
            raise UserError(f"{name} is at least {minimum}, got {number}")
