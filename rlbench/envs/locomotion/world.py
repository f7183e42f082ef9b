"""N robots with their task and their streams of randomness: what the single and the batch shell share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.error import InvalidAction, UnsupportedMode
from numpy.typing import NDArray

from rlbench.core.rules import make_states
from rlbench.envs.locomotion.physics import Physics, State
from rlbench.envs.locomotion.tasks import Flags, Verdict, judge, make_task

RENDER_MODES = ("human", "rgb_array")


class World:
    """N robots on T threads, and the spaces of one of them."""

    def __init__(self, robot: str, reward: str, num: int, threads: int) -> None:
        self.task = task = make_task(robot, reward)
        self.physics = physics = Physics(task.robot.body, num, threads, task.tracked, task.fields)
        self.num = num
        size = task.size(physics)
        self.observation_space = spaces.Box(-np.inf, np.inf, (size,), task.dtype)
        low, high = physics.model.actuator_ctrlrange.astype(np.float32).T
        self.action_space = spaces.Box(low, high, dtype=np.float32)

    def start(self, lanes: Flags, generators: Sequence[np.random.Generator]) -> None:
        """Begin an episode in the lanes of the mask, bool[N], each with draws of its own generator."""
        starts = [self.task.robot.start(generators[i], self.physics) for i in np.flatnonzero(lanes)]
        positions, velocities = zip(*starts, strict=True)
        self.physics.start(lanes, np.array(positions), np.array(velocities))

    def step(self, torques: NDArray[Any], lanes: Flags | None = None) -> Verdict:
        """Move the robots, or those of the mask, for one step of the environment."""
        self.physics.step(torques, lanes)
        return judge(self.task, self.physics, torques)

    def observe(self) -> NDArray[Any]:
        """The observations of all robots, a new array [N, size]."""
        return self.task.observe(self.physics)

    def info(self, verdict: Verdict) -> dict[str, NDArray[Any]]:
        """What is told about a step besides: the reward's terms, where the robot is and how fast, whether it diverged."""
        physics = self.physics
        return {
            **verdict.terms,
            "x_position": physics.qpos[:, 0].copy(),
            "x_velocity": physics.forward_velocity,
            "diverged": physics.diverged,
        }

    def set_state(self, values: Any, lanes: Flags) -> None:
        """Put the lanes of the mask into a state whose fields have a first axis of N; ValueError for what is none."""
        like = State(*(field[0] for field in self.physics.state))
        state = make_states(values, like, self.num)
        if not all(np.isfinite(field[lanes]).all() for field in state):
            raise ValueError(f"a state is of finite numbers, got {values!r}")
        self.physics.set_state(state, lanes)

    def check(self, torques: Any, shape: tuple[int, ...]) -> NDArray[Any]:
        """Torques as floats of the given shape, [k] or [N, k]; InvalidAction says which is out of bounds, NaN included.

        Their float type is kept: Gymnasium's task computes its control cost in it.
        """
        array = np.asarray(torques)
        if array.dtype.kind not in "fiu" or array.shape != shape:
            raise InvalidAction(
                f"torques are {array.dtype} of shape {array.shape}; this environment takes floats of shape {shape}"
            )
        if array.dtype.kind != "f":
            array = array.astype(np.float32)
        low, high = self.action_space.low, self.action_space.high
        fine = (low <= array) & (array <= high)
        if not fine.all():
            where = tuple(np.argwhere(~fine)[0].tolist())
            lane = f" of lane {where[0]}" if len(where) > 1 else ""
            joint = self.motor(where[-1])
            raise InvalidAction(
                f"torque {array[where]} of {joint}{lane} is not within [{low[where[-1]]}, {high[where[-1]]}]"
            )
        return array

    def motor(self, index: int) -> str:
        """The joint that a motor turns, by the model's name."""
        model = self.physics.model
        return f"motor {index} ({model.joint(int(model.actuator_trnid[index, 0])).name})"

    def metadata(self, render_mode: str | None) -> dict[str, Any]:
        """An instance's metadata; raises UnsupportedMode for an unknown render mode."""
        if render_mode is not None and render_mode not in RENDER_MODES:
            raise UnsupportedMode(f"render_mode {render_mode!r} is not one of {', '.join(RENDER_MODES)}")
        return {"render_modes": list(RENDER_MODES), "render_fps": round(1 / self.physics.dt)}
