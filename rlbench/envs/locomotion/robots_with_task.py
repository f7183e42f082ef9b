"""One robot or N with their task: what the single environment and the batch share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.error import InvalidAction
from numpy.typing import NDArray

from rlbench.core.arguments import check_render_mode
from rlbench.core.rules import make_state, make_states
from rlbench.core.spaces import NO_ARRAY, no_array
from rlbench.drawing.shapes import Image
from rlbench.envs.locomotion.physics import Physics, State
from rlbench.envs.locomotion.render import Pictures
from rlbench.envs.locomotion.simulation import MAX_VALUE, Floats, Mask, bounded
from rlbench.envs.locomotion.tasks import StepOutcome, make_task, step_outcome
from rlbench.errors import ArgumentError, UserError, shortened


class RobotsWithTask:
    """One robot, or N, with their task and the spaces of one of them.

    Args:
        robot: The robot's name.
        reward: The name of its task, "lecture" or "gymnasium".
        renderer: "auto", or the name of one.
        num_envs: N; None for one robot, whose arrays have no first axis.
        threads: On how many threads to step N robots.
    """

    def __init__(self, robot: str, reward: str, renderer: str, num_envs: int | None = None, threads: int = 1) -> None:
        self.task = task = make_task(robot, reward)
        self.pictures = Pictures(task.robot.body, renderer)
        self.physics = physics = Physics(task.robot.body, num_envs, threads, task.tracked, task.fields)
        self.num_envs = num_envs
        size = self.observe().shape[-1]
        self.observation_space = spaces.Box(-np.inf, np.inf, (size,), task.dtype)
        low, high = physics.model.actuator_ctrlrange.astype(np.float32).T.copy()
        if (low != -high).any():
            raise UserError(
                f"{task.robot.body.file} has motors of unequal bounds; install another version of Gymnasium"
            )
        self._bound = high
        self.action_space = spaces.Box(low, high, dtype=np.float32)

    def start(self, generators: Sequence[np.random.Generator], mask: Mask = None) -> None:
        """Begin an episode for all robots, or for those of the mask, each with draws of its own generator."""
        starts = [self.task.robot.start(generator, self.physics) for generator in generators]
        positions, velocities = (np.array(rows) for rows in zip(*starts, strict=True))
        if self.num_envs is None:
            positions, velocities = positions[0], velocities[0]
        self.physics.start(positions, velocities, mask)

    def step(self, torques: NDArray[Any], mask: Mask = None) -> StepOutcome:
        """Move all robots, or those of the mask, for one step of the environment."""
        self.physics.step(torques, mask)
        return step_outcome(self.task, self.physics, torques)

    def observe(self) -> NDArray[Any]:
        """The observation, a new array [size] or [N, size]."""
        return self.task.observe(self.physics)

    def info(self, outcome: StepOutcome) -> dict[str, Any]:
        """The `info` of a step: the reward's terms, where the robot is, how fast, whether it diverged."""
        physics = self.physics
        return {
            **outcome.terms,
            "x_position": physics.coordinates[0] + 0.0,
            "x_velocity": physics.forward_velocity,
            "diverged": physics.diverged | physics.nowhere,
        }

    def checked_state(self, values: Any) -> State:
        """The State, or that of N robots, of these values; ArgumentError for values that are no state."""
        now = self.physics.state
        if self.num_envs is None:
            state: State = make_state(values, now)
        else:
            state = make_states(values, State(*(field[0] for field in now)), self.num_envs)
        if not all(bounded(np.asarray(field)) for field in state):
            raise ArgumentError(f"a state is of numbers up to {MAX_VALUE:.0e}, got {shortened(values)}")
        if self.task.robot.body.root == "free" and not state.qpos[..., 3:7].any(axis=-1).all():
            raise ArgumentError("a state has an orientation, the quaternion qpos[3:7], got zeros")
        return state

    def check(self, torques: Any, shape: tuple[int, ...]) -> NDArray[Any]:
        """Torques as floats; their float type is kept, since Gymnasium's task computes its control cost in it.

        Args:
            torques: Anything.
            shape: The shape that they must have, [k] or [N, k].

        Raises:
            InvalidAction: The shape or dtype is wrong, or a torque is NaN or out of bounds.
        """
        try:
            array = np.asarray(torques)
        except NO_ARRAY as error:
            raise no_array("action", error) from None
        if array.dtype.kind not in "fiu" or array.shape != shape:
            raise InvalidAction(
                f"torques are {array.dtype} of shape {array.shape}; this environment takes floats of shape {shape}"
            )
        if array.dtype.kind != "f":
            array = array.astype(np.float32)
        fine = np.abs(array) <= self._bound
        if np.count_nonzero(fine) != fine.size:
            raise InvalidAction(self._excess(array, np.argwhere(~fine)[0].tolist()))
        return array

    def _excess(self, torques: NDArray[Any], where: list[int]) -> str:
        """What is wrong with the torque at that index, [motor] or [environment, motor]."""
        *env, motor = where
        model, bound = self.physics.model, self._bound[motor]
        joint = model.joint(int(model.actuator_trnid[motor, 0])).name
        of = f" of environment {env[0]}" if env else ""
        return f"torque {torques[tuple(where)]} of motor {motor} ({joint}){of} is not within [{-bound}, {bound}]"

    def frame(self, qpos: Floats, fallen: bool) -> Image:
        """The picture of one robot at these positions [nq], uint8[480, 480, 3]."""
        return self.pictures.frame(qpos, fallen)

    def metadata(self, render_mode: str | None, known: Iterable[str]) -> dict[str, Any]:
        """An instance's metadata; UnsupportedMode for a render mode that is not known."""
        check_render_mode(render_mode, known)
        return {"render_modes": list(known), "render_fps": round(1 / self.physics.dt)}
