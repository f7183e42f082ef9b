"""The robots: their bodies, the distributions of their starts, and the constants of both tasks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rlbench.envs.locomotion.physics import Body, Physics, Tracked
from rlbench.envs.locomotion.simulation import CONTACT_FORCES, Floats

ANY = (-math.inf, math.inf)


class Upright(NamedTuple):
    """What counts as upright, open bounds of height in m and of tilt in rad; a robot that is not upright has fallen."""

    height: tuple[float, float] = ANY
    tilt: float = math.inf


@dataclass(frozen=True)
class Weights:
    """The constants of Gymnasium's task, under its names."""

    forward: float = 1.0
    ctrl: float = 0.0
    double_ctrl: bool = False
    """Its cost is of the torques as the simulator holds them, in double precision, not as they were given."""

    contact: float = 0.0
    healthy: float = 0.0
    """0 for a robot that is always healthy and never ends."""

    z: tuple[float, float] = ANY
    angle: float = math.inf
    state: float = math.inf
    """Bound of every coordinate and velocity behind the first two."""

    clip_velocity: float = math.inf
    clip_contact: float = math.inf
    max_contact_cost: float = math.inf
    tracked: Tracked = "root"
    observed: tuple[str, ...] = ()
    """Derived quantities in the observation, by MuJoCo's names."""


@dataclass(frozen=True)
class Robot:
    """One robot: its body, the distribution of its starts, and the constants of both tasks."""

    body: Body
    noise: float
    """Half-width of the uniform noise on the starting positions."""

    normal_velocities: bool
    """The noise on the starting velocities is normal, with `noise` as standard deviation, instead of uniform."""

    upright: Upright
    weights: Weights

    @property
    def unobserved(self) -> int:
        """How many of the first coordinates are not observed: x, and y where there is one."""
        return 1 if self.body.root == "planar" else 2

    def start(self, rng: np.random.Generator, physics: Physics) -> tuple[Floats, Floats]:
        """Positions [nq] and velocities [nv] of one start: the model's own with noise, drawn as Gymnasium draws it."""
        model = physics.model
        qpos = model.qpos0 + rng.uniform(-self.noise, self.noise, model.nq)
        if self.normal_velocities:
            return qpos, self.noise * rng.standard_normal(model.nv)
        return qpos, rng.uniform(-self.noise, self.noise, model.nv)


# Where nothing else is said, a bound of "upright" is Gymnasium's `healthy_z_range` or `healthy_angle_range`.
ROBOTS = {
    # Gymnasium's cheetah cannot fall, and policies that slide on their back score well; here its belly points down.
    "half-cheetah": Robot(
        Body("half_cheetah.xml", 0.01, "EULER", 5, "planar"), 0.1, True, Upright(tilt=math.pi / 2), Weights(ctrl=0.1)
    ),
    "hopper": Robot(
        Body("hopper.xml", 0.002, "RK4", 4, "planar"),
        *(5e-3, False),
        Upright(height=(0.7, math.inf), tilt=0.2),
        Weights(ctrl=1e-3, healthy=1.0, z=(0.7, math.inf), angle=0.2, state=100.0, clip_velocity=10.0),
    ),
    "walker2d": Robot(
        Body("walker2d_v5.xml", 0.002, "RK4", 4, "planar"),
        *(5e-3, False),
        Upright(height=(0.8, 2.0), tilt=1.0),
        Weights(ctrl=1e-3, healthy=1.0, z=(0.8, 2.0), angle=1.0, clip_velocity=10.0),
    ),
    # Gymnasium's ant may lie on its back, at a height of 0.25 m; here its back points up.
    "ant": Robot(
        Body("ant.xml", 0.01, "RK4", 5, "free"),
        *(0.1, True),
        Upright(height=(0.2, 1.0), tilt=math.pi / 2),
        Weights(
            ctrl=0.5,
            contact=5e-4,
            healthy=1.0,
            z=(math.nextafter(0.2, 0.0), math.nextafter(1.0, 2.0)),  # its bounds, alone among all, are inclusive
            clip_contact=1.0,
            tracked="torso",
            observed=(CONTACT_FORCES,),
        ),
    ),
    # Its hips are at 1 m, its torso at 1.4 m: a torso that lies, however high, is not upright.
    "humanoid": Robot(
        Body("humanoid.xml", 0.003, "RK4", 5, "free"),
        *(1e-2, False),
        Upright(height=(1.0, 2.0), tilt=math.pi / 2),
        Weights(
            forward=1.25,
            ctrl=0.1,
            contact=5e-7,
            healthy=5.0,
            z=(1.0, 2.0),
            double_ctrl=True,
            max_contact_cost=10.0,
            tracked="mass",
            observed=("cinert", "cvel", "qfrc_actuator", CONTACT_FORCES),
        ),
    ),
    # In water there is no falling: it is upright throughout.
    "swimmer": Robot(Body("swimmer.xml", 0.01, "RK4", 4, "flat"), 0.1, False, Upright(), Weights(ctrl=1e-4)),
}
