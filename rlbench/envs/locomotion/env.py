"""LocomotionEnv: one robot as a Gymnasium environment."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import error
from numpy.typing import NDArray

from rlbench.core.rng import check_seed
from rlbench.envs.locomotion.physics import State
from rlbench.envs.locomotion.robots_with_task import RENDER_MODES, World, refuse


class LocomotionEnv(gymnasium.Env[Any, Any]):
    """One robot. `reward` is "lecture" or "gymnasium" (Gymnasium's version 5 exactly, its observation included).

    `info` holds each term of the reward. `state` can be read and set, so that planners can look ahead. `renderer` is
    "egl", "osmesa" or "sticks"; by default, "auto", the first of them that works.
    """

    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES)}  # noqa: RUF012  # Gymnasium declares it so

    def __init__(
        self,
        robot: str,
        reward: str = "lecture",
        render_mode: str | None = None,
        renderer: str = "auto",
        **others: Any,
    ) -> None:
        refuse(others, "reward", "render_mode", "renderer", "max_episode_steps")
        self._world = world = World(robot, reward, renderer)
        self.observation_space, self.action_space = world.observation_space, world.action_space
        self.metadata = world.metadata(render_mode)
        self.render_mode = render_mode
        self._shape = world.action_space.shape
        self._begun = self._ended = False
        self._viewer: Any = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        """Begin an episode; `options={"state": {field: value}}` begins it in that state.

        The draws of the start are consumed either way, so that later episodes do not depend on the option.
        """
        super().reset(seed=None if seed is None else check_seed(seed))
        self._world.start([self.np_random])
        self._begun, self._ended = True, False
        if options and "state" in options:
            self.state = options["state"]
        if self.render_mode == "human":
            self.render()
        return self._world.observe(), {}

    def step(self, action: Any) -> tuple[NDArray[Any], float, bool, bool, dict[str, Any]]:
        """Apply torques for one step. Raises InvalidAction for torques outside the space, ResetNeeded after the end."""
        if not self._begun or self._ended:
            raise error.ResetNeeded("the episode has not begun or has ended; call reset() before step()")
        world = self._world
        verdict = world.step(world.check(action, self._shape))
        self._ended = ended = bool(verdict.terminated)
        if self.render_mode == "human":
            self.render()
        return world.observe(), float(verdict.reward), ended, False, world.info(verdict)

    @property
    def model(self) -> Any:
        """MuJoCo's model of the robot, to be read."""
        return self._world.physics.model

    @property
    def state(self) -> State:
        """The robot at this instant; it can be set."""
        return self._world.physics.state

    @state.setter
    def state(self, values: Any) -> None:
        self._world.set_state(values)
        self._ended = False

    def render(self) -> NDArray[np.uint8] | None:
        """The frame uint8[480, 480, 3] in mode `rgb_array`; in mode `human` the frame goes to a window."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() needs a mode: gymnasium.make(id, render_mode='rgb_array')")
            return None
        if not self._begun:
            raise error.ResetNeeded("there is nothing to render yet; call reset() first")
        frame = self._world.frame(self._world.physics.qpos, self._ended)
        if self.render_mode == "rgb_array":
            return frame
        if self._viewer is None:
            from rlbench.drawing.window import Viewer

            self._viewer = Viewer(self.spec.id if self.spec else "robot", self.metadata["render_fps"])
        self._viewer.show(frame)
        return None

    def close(self) -> None:
        """Close the window, if one is open."""
        if self._viewer is not None:
            self._viewer.close()
            self._viewer = None
