"""Watching: an isolated agent plays a block of episodes, and some of its lanes are seen.

The loop is that of evaluation. In the place of the agent's `act` stands a function that calls it, steps an environment
of its own for every lane that is seen, with the same seed and the same action, and shows them. So what is seen is what
is scored, and a recorded episode that is played again can be held against its record.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlbench import space_tree
from rlbench.drawing.shapes import Image
from rlbench.errors import HarnessError
from rlbench.harness import evaluate
from rlbench.harness.isolation import actions, agent_process
from rlbench.harness.isolation.agent import Act, AgentFault
from rlbench.harness.results import record
from rlbench.harness.submission import Submission
from rlbench.harness.tasks.task import Task
from rlbench.interact.episode import Episode, make, short_name
from rlbench.interact.grid import Grid, Lane
from rlbench.interact.screen import KEYS, Screen
from rlbench.interact.view import View

LINGER = 1.5  # seconds that the end of an episode stays in the window


class Left(Exception):  # noqa: N818  # no error: the onlooker has closed the window
    """The window was closed before the episodes were over."""


def player_name(entrant: Submission) -> str:
    """Who plays, for people."""
    seed = "" if entrant.training_seed is None else f", seed {entrant.training_seed}"
    return f"{entrant.name} {entrant.version}{seed}"


class Gallery:
    """The lanes of a block that are seen: `indices` are the episodes of the block, `seen` those to show."""

    def __init__(
        self,
        task: Task,
        entrant: Submission,
        indices: Sequence[int],
        seen: Sequence[int],
        screen: Screen,
        filmed_panel: bool = True,
    ) -> None:
        self.task, self.entrant, self.indices, self.screen = task, entrant, tuple(indices), screen
        self.lanes = [self.indices.index(index) for index in seen]
        player = player_name(entrant)
        self.episodes = [
            Episode(make(task.env_id, dict(task.env_kwargs)), seed, _plain(options), player)
            for seed, options in (task.episode(index) for index in seen)
        ]
        space = self.episodes[0].env.action_space
        self._description = space_tree.describe(space)
        self._bounds = actions.ActionBounds(self._description)
        self._wall = Wall(self.episodes, screen) if len(seen) > 1 else None
        self._view = View(screen, KEYS, filmed_panel)

    def play(self, seed: int) -> list[record.EpisodeResult]:
        """Play the block and show it; the episodes of all its lanes. Raises Left where the window is closed before."""
        self._record()
        try:
            played, _ = evaluate.play_watched(self.task, self.entrant, self.indices, seed, self._watch)
        finally:
            for episode in self.episodes:
                episode.env.close()
        for lane, episode in zip(self.lanes, self.episodes, strict=True):
            self._compare(episode, played[lane])
        return played

    def _watch(self, act: Act, child: agent_process.AgentProcess) -> Act:
        """The agent's `act`, shown."""
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
                    raise Left
            return action

        return watched

    @property
    def _over(self) -> bool:
        return all(episode.over for episode in self.episodes)

    def _step(self, action: list[space_tree.Array], child: agent_process.AgentProcess) -> None:
        """Take the action in every lane that is seen and not over, and show it."""
        told = child.explanations()
        broken = self._bounds.violations(action)
        taken = self._bounds.unflatten(action)
        for i, (lane, episode) in enumerate(zip(self.lanes, self.episodes, strict=True)):
            if episode.over:
                continue
            if broken is not None and broken[lane]:
                self._end_by("invalid_action", [i])
            else:
                episode.step(space_tree.lane(self._description, taken, lane), told[lane])
        self._record()
        self._wait()

    def _end_by(self, status: str, which: Sequence[int] | range) -> None:
        """The agent's fault ends these episodes."""
        for i in which:
            if not self.episodes[i].over:
                self.episodes[i].fault = status

    def _record(self) -> None:
        if self._wall is not None:
            self._wall.record()
        else:
            self._view.record(self.episodes[0])

    def _wait(self) -> None:
        """Show the step for as long as it lasts, and its end for a moment longer."""
        for _ in range(1 if not self._over else max(1, round(LINGER * self.screen.fps * self.screen.speed))):
            if self._wall is not None:
                self._wall.wait()
            else:
                self._view.wait(self.episodes[0])
            if self.screen.window is None or self.screen.closed:
                return

    def _compare(self, seen: Episode, played: record.EpisodeResult) -> None:
        """A HarnessError where the environment that was shown and the one that was scored are not the same."""
        scored = (played.return_, played.length, played.terminated, played.truncated)
        if played.status == "ok" and scored != (seen.return_, len(seen.rewards), seen.terminated, seen.truncated):
            raise HarnessError(f"{self.task.env_id}: alone and in a batch it gives other episodes, {seen.seed} first")


class Wall:
    """Several episodes as one picture: a grid."""

    def __init__(self, episodes: Sequence[Episode], screen: Screen) -> None:
        self.episodes, self.screen = episodes, screen
        height, width, _ = episodes[0].frame().shape
        self.grid = Grid(len(episodes), height, width)
        self._painted = [-1] * len(episodes)  # the step at which a tile was painted, -2 for the last time

    def picture(self) -> Image:
        """The grid at this moment, uint8[H, W, 3]."""
        lanes = [Lane(episode.total, episode.over, bool(episode.fault)) for episode in self.episodes]
        for i, (episode, lane) in enumerate(zip(self.episodes, lanes, strict=True)):
            step = -2 if episode.over else len(episode.rewards)
            if self._painted[i] != step:
                self._painted[i] = step
                self.grid.paint(i, episode.small_frame(self.grid.shrunk), lane)
        first = self.episodes[0]
        return self.grid.picture(lanes, first.name, first.player, self.screen.notice or self.screen.status)

    def wait(self) -> None:
        """Show it as long as a step lasts, or the screen is paused."""
        self.screen.wait(self.picture)

    def record(self) -> None:
        """Add it to the recording."""
        step = max(len(episode.rewards) for episode in self.episodes)
        self.screen.record(self.picture, f"step {step}", all(episode.over for episode in self.episodes))


def on_environment(env_id: str, kwargs: dict[str, Any], episodes: int) -> Task:
    """A task for an environment that has none: so many episodes of it, not scored."""
    return Task(short_name(env_id).lower(), 0, env_id, kwargs, episodes=episodes, lanes=episodes)


def _plain(options: Any) -> dict[str, Any] | None:
    return None if options is None else dict(options)
