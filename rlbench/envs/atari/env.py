"""AtariEnv: one Atari game, which is an AtariVectorEnv of one environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from rlbench.core.adapter import EnvAdapter, Image, Step
from rlbench.core.arguments import Check, check_known, check_render_mode
from rlbench.envs.atari.history import State
from rlbench.envs.atari.protocol import DEFAULT, FIELDS
from rlbench.envs.atari.render import magnified
from rlbench.envs.atari.vector import AtariVectorEnv

WINDOW = 3  # times as large as the console's pixels


class AtariEnv(EnvAdapter):
    """One game. Observations uint8[4, 84, 84]; `info` holds `score`, `lives` and, with `life_loss`, `life_lost`.

    `preset` names the protocol, and each field of it is a keyword argument as well. `show_observation` draws what
    the agent sees beside the screen. Rendering runs a second emulator in colour beside the first, at half the speed.
    Rejected: a second implementation of the loop on ale-py's single emulator, which is not faster.
    """

    def __init__(self, game: str, preset: str = DEFAULT, render_mode: str | None = None, **kwargs: Any) -> None:
        check_render_mode(render_mode)
        check_known(type(self), kwargs, ("show_observation", *FIELDS))
        super().__init__(game, render_mode)
        frames = None if render_mode is None else "rgb_array"
        self._batch = batch = AtariVectorEnv(
            game, 1, preset, frames, autoreset_mode=AutoresetMode.DISABLED, threads=1, **kwargs
        )
        self.game, self.protocol = game, batch.protocol
        self.observation_space, self.action_space = batch.single_observation_space, batch.single_action_space
        self.metadata = {**self.metadata, **{k: v for k, v in batch.metadata.items() if k == "render_fps"}}
        self._check_action = batch.actions.check

    def get_action_meanings(self) -> list[str]:
        """What each action does to the joystick, as in `UPRIGHTFIRE`."""
        return self._batch.get_action_meanings()

    def _option_checks(self) -> dict[str, Check]:
        return {"state": self._batch.checked_state}

    def _start(self, seed: int | None, options: Mapping[str, Any]) -> dict[str, Any]:
        info = _only(self._batch.reset(seed=seed, options=dict(options))[1])
        self._has_ended = bool(self._batch._done[0])
        return info

    def _observation(self) -> NDArray[np.uint8]:
        first: NDArray[np.uint8] = self._batch.observations[0]
        return first

    def step(self, action: Any) -> Step:
        """Hold an action for `frame_skip` frames."""
        if self._has_ended:
            raise self._reset_needed()
        actions = np.array([self._check_action(action)])
        observations, rewards, terminated, truncated, info = self._batch.step(actions)
        self._has_ended = bool(terminated[0] or truncated[0])
        if self.render_mode == "human":
            self.render()
        return observations[0], float(rewards[0]), bool(terminated[0]), bool(truncated[0]), _only(info)

    @property
    def state(self) -> State | None:
        """The state of the game, its random stream included; None before the first reset. See AtariVectorEnv."""
        return self._batch.state

    @state.setter
    def state(self, values: Any) -> None:
        self._batch.state = values
        self._has_begun, self._has_ended = True, bool(self._batch._done[0])

    def clone_state(self, include_rng: bool = True) -> State:
        """The state by the name that ale-py gives it; the random stream is always part of it."""
        if not include_rng or self.state is None:
            raise ValueError("a state of Atari games includes the random stream, and comes after a reset")
        return self.state

    def restore_state(self, state: State) -> None:
        """Set the state, by the name that ale-py gives it."""
        self.state = state

    def _frame(self) -> Image:
        (frame,) = self._batch.render() or ()
        return frame  # type: ignore[return-value]  # never a text

    def _enlarged(self, frame: Image) -> Image:
        return magnified(frame, WINDOW)

    def close(self) -> None:
        """End the emulator, and close the window if one is open."""
        self._batch.close()
        super().close()


def _only(info: dict[str, Any]) -> dict[str, Any]:
    """The entries of the only environment as Python numbers."""
    return {name: values[0].item() for name, values in info.items() if not name.startswith("_")}
