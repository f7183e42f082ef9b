"""Tasks of robots: observation, reward and termination.

There are two, with the same distribution of starts. `Lecture` is that of the course: "State: angle and position of the
joints. Action: torques applied on joints. Reward: 1 at each time step upright + forward movement", after Schulman et
al. (2016), High-dimensional continuous control using generalized advantage estimation. `Gymnasium` is version 5 of
Gymnasium's task of the same name, to which a test ties it. All functions are the same for one robot and for N.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from rlbench.core.arguments import choice
from rlbench.envs.locomotion.physics import Physics, Tracked
from rlbench.envs.locomotion.robots import ROBOTS, Robot
from rlbench.envs.locomotion.simulation import CONTACT_FORCES, Floats


class StepOutcome(NamedTuple):
    """Reward and termination of a step: numbers for one robot, arrays over the robots for N."""

    reward: Any
    terminated: Any
    terms: dict[str, Any]
    """The terms of the reward, which is their sum."""


class RobotTask(Protocol):
    """A task for one kind of robot."""

    @property
    def robot(self) -> Robot:
        """The robot whose task it is."""

    @property
    def tracked(self) -> Tracked:
        """The point whose x counts as the robot's."""

    @property
    def fields(self) -> tuple[str, ...]:
        """Derived quantities that the physics must keep."""

    @property
    def dtype(self) -> type[np.floating[Any]]:
        """The dtype of observations."""

    def observe(self, physics: Physics) -> NDArray[Any]:
        """The observation, a new array [size] for one robot and [N, size] for N."""

    def outcome(self, physics: Physics, torques: NDArray[Any]) -> StepOutcome:
        """Reward and termination of the step that the physics has just made with these torques, [k] or [N, k]."""


class Lecture:
    """Reward per step: 1 while upright, plus the forward velocity in m/s. The end is falling.

    The velocity is the displacement of the root along x in the step, over the time it took; its weight of 1 per m/s is
    that of Gymnasium's tasks. Observation, float32: height (half-cheetah: above its start) and orientation of the
    torso, joint angles, and the velocities of all; for the swimmer no height. Contact forces are not observed.
    """

    dtype = np.float32
    tracked: Tracked = "root"
    fields: tuple[str, ...] = ()

    def __init__(self, robot: Robot) -> None:
        self.robot = robot

    def observe(self, physics: Physics) -> NDArray[np.float32]:
        """The observation, float32[..., size]."""
        return physics.motion[..., self.robot.unobserved :].astype(np.float32)

    def fallen(self, physics: Physics) -> Any:
        """Whether the torso's height or tilt is out of bounds."""
        (low, high), tilt = self.robot.upright
        result = physics.nowhere if tilt == math.inf else physics.tilt >= tilt
        if low > -math.inf:
            result = result | (physics.height <= low)
        if high < math.inf:
            result = result | (physics.height >= high)
        return result

    def outcome(self, physics: Physics, torques: NDArray[Any]) -> StepOutcome:
        """Reward and termination of the step that the physics has just made."""
        fallen = self.fallen(physics)
        upright, forward = 1.0 - fallen, physics.forward_velocity
        return StepOutcome(upright + forward, fallen, {"reward_upright": upright, "reward_forward": forward})


class Gymnasium:
    """Gymnasium's task, version 5: reward, end, observation (float64) and start.

    Two departures, both where theirs has no answer: an action outside the space is refused instead of cut, and a
    simulation that diverges ends the episode.
    """

    dtype = np.float64

    def __init__(self, robot: Robot) -> None:
        self.robot = robot
        self.weights = robot.weights
        self.tracked = robot.weights.tracked
        self.fields = robot.weights.observed

    def observe(self, physics: Physics) -> Floats:
        """The observation, float64[..., size]."""
        motion, bound = physics.motion[..., self.robot.unobserved :].copy(), self.weights.clip_velocity
        if bound < math.inf:
            velocity = motion[..., -physics.model.nv :]
            np.clip(velocity, -bound, bound, out=velocity)
        if not self.fields:
            return motion
        return np.concatenate((motion, *(self._derived(physics, name) for name in self.fields)), axis=-1)

    def _derived(self, physics: Physics, name: str) -> Floats:
        """A derived quantity as it is observed: without the root's six forces, or the body that is the world."""
        if name == "qfrc_actuator":
            return physics.fields[name][..., 6:]
        values = self._contact_forces(physics) if name == CONTACT_FORCES else physics.fields[name]
        return flat(values[..., 1:, :])

    def _contact_forces(self, physics: Physics) -> Floats:
        """Force and torque on each body, [..., bodies, 6]."""
        bound = self.weights.clip_contact
        forces = physics.fields[CONTACT_FORCES]
        return np.clip(forces, -bound, bound) if bound < math.inf else forces

    def unhealthy(self, physics: Physics) -> Any:
        """Whether height, angle or anything else is out of bounds."""
        (low, high), weights = self.weights.z, self.weights
        z = physics.coordinates[1 if self.robot.body.root == "planar" else 2]
        result = (z <= low) | (z >= high)
        if weights.angle < math.inf:
            result = result | (abs(physics.pitch) >= weights.angle)
        if weights.state < math.inf:
            result = result | (np.abs(physics.motion[..., 2:]) >= weights.state).any(axis=-1)
        return result

    def outcome(self, physics: Physics, torques: NDArray[Any]) -> StepOutcome:
        """Reward and termination of the step that the physics has just made with these torques."""
        weights, terms = self.weights, {}
        terms["reward_forward"] = gain = weights.forward * physics.forward_velocity
        ended = physics.nowhere
        if weights.healthy:
            ended = self.unhealthy(physics)
            terms["reward_survive"] = weights.healthy * (1.0 - ended)
            gain = gain + terms["reward_survive"]
        if weights.double_ctrl:
            torques = torques.astype(np.float64)  # as the simulator holds them; the others' cost what was given
        cost = weights.ctrl * np.add.reduce(np.square(torques), axis=-1)
        terms["reward_ctrl"] = -cost
        if weights.contact:
            contact = weights.contact * np.add.reduce(np.square(flat(self._contact_forces(physics))), axis=-1)
            contact = np.minimum(contact, weights.max_contact_cost)
            terms["reward_contact"] = -contact
            cost = cost + contact
        return StepOutcome(gain - cost, ended, terms)


def flat(values: Floats) -> Floats:
    """The last two axes as one."""
    return values.reshape(*values.shape[:-2], -1)


def step_outcome(task: RobotTask, physics: Physics, torques: NDArray[Any]) -> StepOutcome:
    """The task's outcome of a step, or termination without reward for a robot whose simulation has diverged.

    Args:
        task: Gives reward and termination.
        physics: Has just made the step.
        torques: With these, [k] or [N, k].
    """
    outcome = task.outcome(physics, torques)
    if not physics.any_diverged:
        return outcome
    good = 1.0 - physics.diverged
    terms = {name: term * good for name, term in outcome.terms.items()}
    return StepOutcome(outcome.reward * good, outcome.terminated | physics.diverged, terms)


TASKS: dict[str, Callable[[Robot], RobotTask]] = {"lecture": Lecture, "gymnasium": Gymnasium}


def make_task(robot: str, reward: str) -> RobotTask:
    """The task of that robot with that reward; the ArgumentError for an unknown name names the nearest."""
    return TASKS[choice("reward", reward, TASKS)](ROBOTS[choice("robot", robot, ROBOTS)])
