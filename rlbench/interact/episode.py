"""An episode that is shown: its environment is stepped and drawn, and its actions and rewards are kept."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np

from rlbench import environments, space_tree
from rlbench.controls.find import find_controls
from rlbench.controls.protocol import Controls, Help
from rlbench.drawing.resize import shrink
from rlbench.drawing.shapes import Image
from rlbench.environments import short_name
from rlbench.errors import UserError
from rlbench.harness.isolation.explain import NO_EXPLANATION, Explanation
from rlbench.interact.panel import PanelContent


def make(env_id: str, kwargs: dict[str, Any]) -> gymnasium.Env[Any, Any]:
    """The environment with rgb_array frames.

    Args:
        env_id: id of a registered environment.
        kwargs: arguments of `gymnasium.make`.

    Raises:
        UserError: there is no such environment, or it does not take these arguments.
    """
    try:
        return environments.make(env_id, "rgb_array", **kwargs)
    except (TypeError, ValueError, gymnasium.error.Error) as error:
        own = isinstance(error, TypeError) and error.__cause__  # Gymnasium adds the arguments to a TypeError
        reason = str(own or error)
        raise UserError(f"{env_id}: {' '.join(reason.split())}") from None


class ShownEpisode:
    """One episode of an environment, which is reset here.

    Args:
        env: the environment, with rgb_array frames.
        seed: seed of the reset.
        options: options of the reset.
        player: who plays, for the panel.
        by_hand: draw the `frame` of the controls, where they have one: it shows no more than a player may see.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        seed: int,
        options: dict[str, Any] | None = None,
        player: str = "",
        by_hand: bool = False,
    ) -> None:
        self.env, self.seed, self.options, self.player = env, seed, options, player
        self.controls: Controls = find_controls(env)
        self.draw: Callable[[], Any] = env.render
        if by_hand and hasattr(self.controls, "frame"):
            self.draw = functools.partial(self.controls.frame, env)
        self.name = short_name(env.spec.id if env.spec else type(env.unwrapped).__name__)
        self.rewards: list[float] = []
        self.actions: list[Any] = []  # as JSON
        self.explanations: list[Explanation] = []  # one per action
        self.terminated = self.truncated = False
        self.fault = ""
        """What ended it, where that is not the environment."""
        self.max_advantage = 0.0  # the largest |Q - mean Q| so far, the scale of the panel's bars
        self.total = 0.0  # of the rewards; the exact sum below would cost more at every step
        self._description = space_tree.describe(env.action_space)
        self._frame: Image | None = None
        self._pointed: tuple[tuple[float, float], Image] | None = None
        env.reset(seed=seed, options=options)
        log = getattr(self.controls, "GameLog", None)
        self._log: Any = log(env) if log else None

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.terminated or self.truncated or bool(self.fault)

    @property
    def return_(self) -> float:
        """The sum of the rewards, correctly rounded."""
        return math.fsum(self.rewards)

    def step(self, action: Any, explanation: Explanation = NO_EXPLANATION) -> None:
        """Take an action.

        Args:
            action: as the environment takes it.
            explanation: what the agent says of it.

        Raises:
            gymnasium.error.InvalidAction: the environment refuses the action.
        """
        _, reward, terminated, truncated, _ = self.env.step(action)
        self._frame = self._pointed = None
        if self._log is not None:
            self._log.follow(self.env, explanation)
        self.rewards.append(float(reward))
        self.total += float(reward)
        self.actions.append(plain(action, self._description))
        self.explanations.append(explanation)
        self.terminated, self.truncated = bool(terminated), bool(truncated)
        if explanation.action_values:
            values = np.array(explanation.action_values)
            self.max_advantage = max(self.max_advantage, float(np.abs(values - values.mean()).max()))

    def frame(self) -> Image:
        """The picture of this moment, uint8[H, W, 3], with what the agent says where that can be drawn; drawn once."""
        if self._frame is None:
            explanation, draw = self.last_explanation, getattr(self.controls, "explained", None)
            self._frame = draw(self.env, explanation) if draw and explanation.plain() else self.draw()
        return self._frame

    def pointed_frame(self, pointer: tuple[float, float] | None) -> Image:
        """The same, with what a click would do where the environment shows that.

        Args:
            pointer: The frame's pixel (x, y) under the mouse; None outside of the frame.
        """
        draw = getattr(self.controls, "pointed", None)
        if draw is None or pointer is None or self.over:
            return self.frame()
        if self._pointed is None or self._pointed[0] != pointer:
            self._pointed = pointer, draw(self.env, pointer)
        return self._pointed[1]

    @property
    def last_explanation(self) -> Explanation:
        """What the agent said of its last action."""
        return self.explanations[-1] if self.explanations else NO_EXPLANATION

    def small_frame(self, factor: int) -> Image:
        """The picture of this moment, smaller by a whole factor: drawn small where the environment can, else shrunk."""
        draw = getattr(self.env.unwrapped, "small_frame", None)
        frame = draw(factor) if draw is not None and factor > 1 else None
        return shrink(self.frame(), factor) if frame is None else frame

    def game_text(self) -> str | None:
        """The game so far as a file of its own kind; None where the environment has none."""
        return None if self._log is None else self._log.text(self.env, self.player)

    @property
    def players(self) -> str:
        """Who plays, and against whom where the environment says so."""
        players = getattr(self.controls, "players", None)
        return players(self.env, self.player) if players else self.player

    def caption(self) -> str:
        """A line for below a still."""
        return f"step {len(self.rewards)}"

    def panel_content(self, keys: Help = (), status: str = "", notice: str = "") -> PanelContent:
        """What the panel says at this moment.

        Args:
            keys: the keys that can be pressed.
            status: what the screen is doing, shown until the episode is over.
            notice: a line for a moment.
        """
        return PanelContent(
            title=self.name,
            player=self.players,
            step=len(self.rewards),
            return_=self.total,
            reward=self.rewards[-1] if self.rewards else None,
            status=(self.fault or "over") if self.over else status,
            alarm=bool(self.fault) or self.terminated,
            notice=notice,
            keys=keys,
            actions=self.controls.actions(self.env),
            chosen=self.chosen(),
            explanation=self.last_explanation,
            max_advantage=self.max_advantage,
        )

    def chosen(self) -> int | None:
        """The number of the last action, counted from 0; None where actions hold no number of their own."""
        if not self.actions:
            return None
        for leaf in space_tree.leaves(self._description):
            if leaf.dtype.kind in "iu" and leaf.shape == ():
                return int(space_tree.value_at(self.actions[-1], leaf.path)) - int(leaf.low)
        return None


def plain(action: Any, description: space_tree.Description) -> Any:
    """An action as JSON: dictionaries and tuples as its space has them, arrays as lists.

    Args:
        action: as the environment takes it.
        description: of the space of actions.
    """
    values = (
        np.asarray(space_tree.value_at(action, leaf.path), leaf.wide).tolist()
        for leaf in space_tree.leaves(description)
    )
    return space_tree.unflatten(description, values)
