"""Physics: N robots of one kind in simulation, in the words of the domain.

Every quantity is an array over the robots. Lengths are in metres, angles in radians, times in seconds; x points
forward and z up. The single environment is the case N = 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlbench.envs.locomotion.engine import Floats, Mask, import_mujoco, load_model, make_engine, quiet

LARGEST = 1e10  # beyond it MuJoCo calls a number bad and starts the simulation anew; its mjMAXVAL

Root = Literal["planar", "free", "flat"]
Tracked = Literal["root", "torso", "mass"]


@dataclass(frozen=True)
class Body:
    """What a model file does not say by itself."""

    file: str
    """Among Gymnasium's assets."""

    frame_skip: int
    """Steps of the simulator per step of the environment."""

    root: Root
    """How the torso moves: `planar` has coordinates x, z and pitch; `free` x, y, z and a quaternion; `flat` x, y, yaw."""


class State(NamedTuple):
    """What the rest of an episode depends on, of one robot or with a first axis of N."""

    qpos: Floats  # generalised positions: the root's coordinates, then the joint angles
    qvel: Floats  # their velocities; a free root's are three linear and three angular
    warmstart: Floats  # the accelerations from which MuJoCo's solver begins its search
    x: Floats  # where the robot is, as the reward measures it


class Physics:
    """N robots of one kind, each moved by torques.

    `tracked` is the point whose x counts as the robot's: the root joint, the torso's frame or the centre of mass. The
    latter two are derived quantities, and as always in MuJoCo those lag one simulator step behind.
    """

    def __init__(
        self, body: Body, num: int = 1, threads: int = 1, tracked: Tracked = "root", fields: Sequence[str] = ()
    ) -> None:
        self.body, self.model = body, load_model(body.file)
        self.dt = self.model.opt.timestep * body.frame_skip
        needed = {"root": (), "torso": ("xpos",), "mass": ("xipos",)}[tracked]
        self._engine = engine = make_engine(self.model, num, threads, (*fields, *needed))
        self.qpos, self.qvel, self.torques = engine.bind("qpos"), engine.bind("qvel"), engine.bind("ctrl")
        self.warmstart = engine.bind("qacc_warmstart")
        self.fields = {name: engine.bind(name) for name in (*fields, *needed)}
        bad = import_mujoco().mjtWarning
        self._alarms = engine.warning[:, int(bad.mjWARN_BADQPOS) : int(bad.mjWARN_BADCTRL) + 1, 1]
        self._locate = {"root": self._x_of_root, "torso": self._x_of_torso, "mass": self._x_of_mass}[tracked]
        self._masses = self.model.body_mass / self.model.body_mass.sum()
        self._rest = float(self.model.body_pos[1, 2] - self.model.qpos0[1])
        self._none = np.zeros(num, np.bool_)
        self._last = engine.state.copy()
        self.x, self.forward_velocity, self.diverged = np.zeros(num), np.zeros(num), self._none

    def start(self, lanes: NDArray[np.bool_], qpos: Floats, qvel: Floats) -> None:
        """Put the robots of the mask, bool[N], into rest at these positions and velocities, one row for each."""
        self._engine.reset(lanes, stage=0)
        self.qpos[lanes], self.qvel[lanes] = qpos, qvel
        self._settle(lanes)

    def step(self, torques: NDArray[Any], lanes: Mask = None) -> None:
        """Apply torques, in the units of the model's motors, for `dt` seconds to all robots, or to those of the mask.

        A robot whose numbers leave all bounds has `diverged`, and is back where it was before.
        """
        self._last[...] = self._engine.state
        self.torques[...] = torques
        with quiet():
            self._engine.step(lanes, nstep=self.body.frame_skip)
        before, self.diverged = self.x, self._none
        state = self._engine.state
        if self._alarms.any() or not (-LARGEST <= state.min() and state.max() <= LARGEST):
            self._restore()
        self.x = self._locate()
        self.forward_velocity = (self.x - before) / self.dt

    def _restore(self) -> None:
        """Undo the step of every robot whose simulation has diverged."""
        wild = ~(np.abs(self._engine.state) <= LARGEST).all(axis=1)  # NaN is not below anything
        self.diverged = wild | (self._alarms > 0).any(axis=1)
        self._engine.reset(self.diverged, stage=0)
        self._engine.state[self.diverged] = self._last[self.diverged]
        self._engine.forward(self.diverged)

    def _settle(self, lanes: NDArray[np.bool_]) -> None:
        with quiet():
            self._engine.forward(lanes)
        self.x = np.where(lanes, self._locate(), self.x)

    @property
    def state(self) -> State:
        """The robots at this instant, copied; arrays with a first axis of N."""
        return State(self.qpos.copy(), self.qvel.copy(), self.warmstart.copy(), self.x.copy())

    def set_state(self, state: State, lanes: NDArray[np.bool_]) -> None:
        """Put the robots of the mask into a state with a first axis of N."""
        self.start(lanes, state.qpos[lanes], state.qvel[lanes])
        self.warmstart[lanes] = state.warmstart[lanes]
        self.x = np.where(lanes, state.x, self.x)

    @property
    def height(self) -> Floats:
        """Of the torso above the ground, m."""
        if self.body.root == "planar":
            return self.qpos[:, 1] + self._rest
        return self.qpos[:, 2] if self.body.root == "free" else np.zeros(len(self.qpos))

    @property
    def pitch(self) -> Floats:
        """Lean of a planar torso, rad: 0 upright, positive forward."""
        return self.qpos[:, 2]

    @property
    def up(self) -> Floats:
        """The vertical component of the torso's own up axis: the cosine of its tilt, 1 upright and -1 upside down."""
        if self.body.root == "planar":
            return np.cos(self.pitch)
        if self.body.root == "flat":
            return np.ones(len(self.qpos))
        w, x, y, z = np.square(self.qpos[:, 3:7]).T
        return (w - x - y + z) / (w + x + y + z)

    def _x_of_root(self) -> Floats:
        return self.qpos[:, 0].copy()

    def _x_of_torso(self) -> Floats:
        return self.fields["xpos"][:, 1, 0].copy()

    def _x_of_mass(self) -> Floats:
        return (self.fields["xipos"][:, :, 0] * self._masses).sum(axis=1)  # type: ignore[no-any-return]
