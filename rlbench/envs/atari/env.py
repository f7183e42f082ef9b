"""AtariEnv: one Atari game, which is a lane of AtariVectorEnv by itself."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.error import ResetNeeded, UnsupportedMode
from numpy.typing import NDArray

from rlbench.core.rng import check_seed
from rlbench.envs.atari.protocol import DEFAULT
from rlbench.envs.atari.render import magnified
from rlbench.envs.atari.vector import AtariVectorEnv

RENDER_MODES = ("human", "rgb_array")
WINDOW = 3  # times as large as the console's pixels


class AtariEnv(gymnasium.Env[NDArray[np.uint8], Any]):
    """One game. Observations uint8[4, 84, 84]; `info` holds `score`, `lives` and, with `life_loss`, `life_lost`.

    `preset` names the protocol, and each field of it is a keyword argument as well. `show_observation` draws what
    the agent sees beside the screen. Rendering runs a second emulator in colour beside the first, at half the speed.
    Rejected: a second implementation of the loop on ale-py's single emulator, which is not faster.
    """

    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES)}  # noqa: RUF012  # Gymnasium declares it so

    def __init__(self, game: str, preset: str = DEFAULT, render_mode: str | None = None, **kwargs: Any) -> None:
        if render_mode not in (None, *RENDER_MODES):
            raise UnsupportedMode(f"render_mode {render_mode!r} is not one of {', '.join(RENDER_MODES)}")
        self.game, self.render_mode = game, render_mode
        frames = None if render_mode is None else "rgb_array"
        self._lane = AtariVectorEnv(
            game, 1, preset, frames, autoreset_mode=gymnasium.vector.AutoresetMode.DISABLED, threads=1, **kwargs
        )
        self.protocol = self._lane.protocol
        self.observation_space = self._lane.single_observation_space
        self.action_space = self._lane.single_action_space
        self.metadata = {**self.metadata, **{k: v for k, v in self._lane.metadata.items() if k == "render_fps"}}
        self._check_action = self._lane.lane_actions.check
        self._ended = True
        self._viewer: Any = None

    def get_action_meanings(self) -> list[str]:
        """What each action does to the joystick, as in `UPRIGHTFIRE`."""
        return self._lane.get_action_meanings()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """Begin an episode. Without a seed the stream goes on; there are no options."""
        super().reset(seed=None if seed is None else check_seed(seed))
        observations, info = self._lane.reset(seed=seed)
        self._ended = False
        if self.render_mode == "human":
            self.render()
        return observations[0], _of_lane(info)

    def step(self, action: Any) -> tuple[NDArray[np.uint8], float, bool, bool, dict[str, Any]]:
        """Hold an action for `frame_skip` frames. Raises InvalidAction and, after the end, ResetNeeded."""
        if self._ended:
            raise ResetNeeded("the episode has not begun or has ended; call reset() before step()")
        actions = np.array([self._check_action(action)])
        observations, rewards, terminated, truncated, info = self._lane.step(actions)
        self._ended = bool(terminated[0] or truncated[0])
        if self.render_mode == "human":
            self.render()
        return observations[0], float(rewards[0]), bool(terminated[0]), bool(truncated[0]), _of_lane(info)

    def render(self) -> NDArray[np.uint8] | None:
        """The screen, uint8[H, W, 3], in mode `rgb_array`; in mode `human` it goes to a window."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() needs a mode: gymnasium.make(id, render_mode='rgb_array')")
            return None
        (frame,) = self._lane.render() or ()
        if self.render_mode == "rgb_array":
            return frame
        if self._viewer is None:
            from rlbench.drawing.window import Viewer

            self._viewer = Viewer(self.spec.id if self.spec else self.game, self.metadata["render_fps"])
        self._viewer.show(magnified(frame, WINDOW))
        return None

    def close(self) -> None:
        """End the emulator, and close the window if one is open."""
        self._lane.close()
        if self._viewer is not None:
            self._viewer.close()
            self._viewer = None


def _of_lane(info: dict[str, Any]) -> dict[str, Any]:
    """The entries of the only lane as Python numbers."""
    return {name: values[0].item() for name, values in info.items() if not name.startswith("_")}
