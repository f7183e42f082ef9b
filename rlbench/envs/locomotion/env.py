"""LocomotionEnv: one robot as a Gymnasium environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from rlbench.core.adapter import EnvAdapter, Image, Step
from rlbench.core.arguments import RENDER_MODES, Check, check_known
from rlbench.envs.locomotion.physics import State
from rlbench.envs.locomotion.robots_with_task import RobotsWithTask


class LocomotionEnv(EnvAdapter):
    """One robot. `reward` is "lecture" or "gymnasium" (Gymnasium's version 5 exactly, its observation included).

    `info` holds each term of the reward. `state` can be read and set, so that planners can look ahead. `renderer` is
    "egl", "osmesa" or "sticks"; by default, "auto", the first of them that works.
    """

    def __init__(
        self,
        robot: str,
        reward: str = "lecture",
        render_mode: str | None = None,
        renderer: str = "auto",
        **others: Any,
    ) -> None:
        check_known(type(self), others)
        super().__init__("robot", render_mode)
        self._robot = robots = RobotsWithTask(robot, reward, renderer)
        self.observation_space, self.action_space = robots.observation_space, robots.action_space
        self.metadata = robots.metadata(render_mode, RENDER_MODES)
        self._shape = robots.action_space.shape

    def _option_checks(self) -> dict[str, Check]:
        return {"state": self._robot.checked_state}

    def _start(self, seed: int | None, options: Mapping[str, Any]) -> dict[str, Any]:
        self._robot.start([self.np_random])
        if "state" in options:
            self._robot.physics.set_state(options["state"])
        return {}

    def step(self, action: Any) -> Step:
        """Apply torques, float[k], for one step."""
        if self._has_ended:
            raise self._reset_needed()
        robot = self._robot
        outcome = robot.step(robot.check(action, self._shape))
        self._has_ended = ended = bool(outcome.terminated)
        if self.render_mode == "human":
            self.render()
        return robot.observe(), float(outcome.reward), ended, False, robot.info(outcome)

    def _observation(self) -> NDArray[Any]:
        return self._robot.observe()

    @property
    def model(self) -> Any:
        """MuJoCo's model of the robot, to be read."""
        return self._robot.physics.model

    @property
    def state(self) -> State:
        """The current state of the robot; it can be set."""
        return self._robot.physics.state

    @state.setter
    def state(self, values: Any) -> None:
        self._robot.physics.set_state(self._robot.checked_state(values))
        self._has_ended = not self._has_begun

    def _frame(self) -> Image:
        return self._robot.frame(self._robot.physics.qpos, self._has_ended)

    def close(self) -> None:
        """Close the window, and free the renderer."""
        super().close()
        self._robot.pictures.close()
