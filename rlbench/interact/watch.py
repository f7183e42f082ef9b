"""Watching: an agent plays blocks of episodes in its own process, and some of the episodes are shown.

The loop is that of evaluation, with the agent's `act` wrapped: the wrapper calls it, then takes the same action in an
environment of its own for every episode that is shown, which began with the same seed, and shows that. So what is shown
is what is scored, and an episode that is played again can be compared with its record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlbench import space_tree
from rlbench.environments import short_name
from rlbench.errors import HarnessError
from rlbench.harness.blocks import agent_seed, play_watched
from rlbench.harness.isolation import actions, agent_process
from rlbench.harness.isolation.agent import Act, AgentFault
from rlbench.harness.results import record
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.task import Task
from rlbench.interact.episode import ShownEpisode, make
from rlbench.interact.grid import EpisodeGrid
from rlbench.interact.layout import EpisodeView
from rlbench.interact.screen import KEYS, Screen

LINGER = 1.5  # seconds that the end of an episode stays in the window


class WindowClosed(Exception):  # noqa: N818  # no error: somebody has seen enough
    """The window was closed before the episodes were over."""


def player_name(entrant: Submission) -> str:
    """Name, version and training seed of a submission, for people."""
    seed = "" if entrant.training_seed is None else f", seed {entrant.training_seed}"
    return f"{entrant.name} {entrant.version}{seed}"


class PlaylistBlock(NamedTuple):
    """Episodes that are played together, by their numbers; those of them to show; and the agent's seed."""

    indices: Sequence[int]
    shown: Sequence[int]
    agent_seed: int


@dataclass(frozen=True)
class Playlist:
    """What is watched: a submission on a task, in blocks, and what a record says of the episodes."""

    task: Task
    entrant: Submission
    blocks: tuple[PlaylistBlock, ...]
    recorded: Mapping[int, dict[str, Any]]
    """Lines of the record by number of the episode; empty where there is no record."""

    @classmethod
    def of_submission(cls, task: Task, entrant: Submission, shown: range, num_envs: int) -> Playlist:
        """Episodes of a submission on a task, `num_envs` at once; the blocks hold no other episodes.

        Args:
            task: what is played.
            entrant: who plays.
            shown: numbers of the episodes.
            num_envs: how many at once.
        """
        parts = [shown[i : i + num_envs] for i in range(0, len(shown), num_envs)]
        seeds = (agent_seed(task, entrant.training_seed, part[0]) for part in parts)
        blocks = (PlaylistBlock(part, part, seed) for part, seed in zip(parts, seeds, strict=True))
        return cls(task, entrant, tuple(blocks), {})

    @classmethod
    def of_record(cls, run: record.Record, task: Task, entrant: Submission, shown: range, num_envs: int) -> Playlist:
        """Recorded episodes, shown `num_envs` at once.

        They are played in the blocks of the record, since the width of a batch decides the last bits of a network.

        Args:
            run: the record.
            task: what was played.
            entrant: who played.
            shown: numbers of the episodes to show.
            num_envs: how many of them at once.
        """
        blocks = []
        for number in range(task.blocks):
            inside = [index for index in shown if index in task.block(number)]
            seed = agent_seed(task, entrant.training_seed, number)
            parts = [inside[i : i + num_envs] for i in range(0, len(inside), num_envs)]
            blocks += [PlaylistBlock(task.block(number), part, seed) for part in parts]
        return cls(task, entrant, tuple(blocks), {index: run.episodes[index] for index in shown})


class WatchedBlock:
    """A block of episodes, some of which are shown.

    Args:
        task: what is played.
        entrant: the submission that plays.
        indices: numbers of the block's episodes.
        shown: numbers of those to show.
        screen: where they are shown.
        record_panel: whether films show the panel.
    """

    def __init__(
        self,
        task: Task,
        entrant: Submission,
        indices: Sequence[int],
        shown: Sequence[int],
        screen: Screen,
        record_panel: bool = True,
    ) -> None:
        self.task, self.entrant, self.indices, self.screen = task, entrant, tuple(indices), screen
        self.places = [self.indices.index(index) for index in shown]  # in the batch
        player = player_name(entrant)
        self.episodes = [
            ShownEpisode(make(task.env_id, dict(task.env_kwargs)), seed, _plain(options), player)
            for seed, options in (task.episode(index) for index in shown)
        ]
        self.fault: str | None = None  # the agent's first, once played
        space = self.episodes[0].env.action_space
        self._description = space_tree.describe(space)
        self._bounds = actions.ActionBounds(self._description)
        if len(shown) > 1:
            grid = EpisodeGrid(self.episodes, screen)
            self._record, self._show = grid.record, grid.wait
        else:
            view = EpisodeView(screen, KEYS, record_panel)
            self._record, self._show = (partial(each, self.episodes[0]) for each in (view.record, view.wait))

    def play(self, seed: int) -> list[record.EpisodeResult]:
        """Play the block and show it.

        Args:
            seed: the agent's seed.

        Returns:
            all episodes of the block, as evaluation scores them.

        Raises:
            WindowClosed: the window was closed before the shown episodes were over.
        """
        self._record()
        try:
            played, self.fault = play_watched(self.task, self.entrant, self.indices, seed, self._watch)
        finally:
            for episode in self.episodes:
                episode.env.close()
        for place, episode in zip(self.places, self.episodes, strict=True):
            self._compare(episode, played[place])
        return played

    def _watch(self, act: Act, child: agent_process.AgentProcess) -> Act:
        """The agent's `act`, which also shows what comes of the action."""
        self._wait()

        def watched(observation: Any, first: NDArray[np.bool_]) -> list[space_tree.Array]:
            try:
                action = act(observation, first)
            except AgentFault as fault:
                self._end_by(fault.status, range(len(self.episodes)))
                raise
            if not self._over:
                self._step(action, child)
                if self.screen.closed:
                    raise WindowClosed
            return action

        return watched

    @property
    def _over(self) -> bool:
        return all(episode.over for episode in self.episodes)

    def _step(self, action: list[space_tree.Array], child: agent_process.AgentProcess) -> None:
        """Take the action in every shown episode that is not over, and show it."""
        explanations = child.explanations()
        broken = self._bounds.violations(action)
        taken = self._bounds.unflatten(action)
        for i, (place, episode) in enumerate(zip(self.places, self.episodes, strict=True)):
            if episode.over:
                continue
            if broken is not None and broken[place]:
                self._end_by("invalid_action", [i])
            else:
                episode.step(space_tree.index(self._description, taken, place), explanations[place])
        self._record()
        self._wait()

    def _end_by(self, status: str, which: Sequence[int] | range) -> None:
        """The agent's fault ends these episodes."""
        for i in which:
            if not self.episodes[i].over:
                self.episodes[i].fault = status

    def _wait(self) -> None:
        """Show the step for as long as it lasts; show the end of the episodes for LINGER seconds."""
        for _ in range(1 if not self._over else max(1, round(LINGER * self.screen.fps * self.screen.speed))):
            self._show()
            if self.screen.window is None or self.screen.closed:
                return

    def _compare(self, shown: ShownEpisode, played: record.EpisodeResult) -> None:
        """Raise HarnessError where the shown environment and the scored one have come out differently."""
        scored = (played.return_, played.length, played.terminated, played.truncated)
        if played.status == "ok" and scored != (shown.return_, len(shown.rewards), shown.terminated, shown.truncated):
            raise HarnessError(f"{self.task.env_id}: seed {shown.seed} gives another episode alone than in a batch")


def show_steps(view: EpisodeView, episode: ShownEpisode, steps: Iterator[ShownEpisode]) -> None:
    """Show and record an episode, and again after each step that is taken, until the window is closed.

    Args:
        view: where it is shown.
        episode: before its first step.
        steps: yields the episode after each step that it takes.
    """
    screen = view.screen
    view.record(episode)
    view.wait(episode)
    for _ in steps:
        view.record(episode)
        view.wait(episode)
        if screen.closed:
            return
    screen.end_episode()
    for _ in range(round(LINGER * screen.fps) if screen.window is not None else 0):
        view.wait(episode)


def on_environment(env_id: str, kwargs: dict[str, Any], episodes: int) -> Task:
    """A task for an environment that has none, so that it can be watched; nothing is scored.

    Args:
        env_id: id of the environment.
        kwargs: its arguments.
        episodes: how many episodes the task has.
    """
    return Task(short_name(env_id).lower(), 0, env_id, kwargs, episodes=episodes, num_envs=episodes)


def _plain(options: Any) -> dict[str, Any] | None:
    return None if options is None else dict(options)
