"""Physics of robots of one kind: positions, velocities, height and tilt, over a simulation.

The code is the same for one robot and for N: a quantity is a number for one robot, and an array over the robots for N.
Lengths are in metres, angles in radians, times in seconds; x points forward and z up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlbench.envs.locomotion.mujoco_bindings import component, import_mujoco, load_model
from rlbench.envs.locomotion.simulation import Floats, Mask, make_simulation
from rlbench.errors import check_taken

Root = Literal["planar", "free", "flat"]
Tracked = Literal["root", "torso", "mass"]


@dataclass(frozen=True)
class Body:
    """A model file, what it does not say by itself, and the settings in it that decide the task."""

    file: str
    """Among Gymnasium's assets."""

    timestep: float
    """Seconds per step of the simulator."""

    integrator: Literal["EULER", "RK4"]
    """How the simulator integrates, by MuJoCo's name."""

    frame_skip: int
    """Steps of the simulator per step of the environment."""

    root: Root
    """How the torso moves: `planar` by x, z and pitch; `free` by x, y, z and a quaternion; `flat` by x, y and yaw."""


class State(NamedTuple):
    """The state of one robot, or with a first axis of N: all that the rest of an episode depends on."""

    qpos: Floats  # generalised positions: the root's coordinates, then the joint angles
    qvel: Floats  # their velocities; a free root's are three linear and three angular
    warmstart: Floats  # the accelerations from which MuJoCo's solver begins its search
    x: Any  # where the robot is, as the reward measures it; where that is the root, qpos decides


class Physics:
    """One robot, or N, each moved by torques.

    Args:
        body: The model.
        num: N; None for one robot, whose quantities have no axis.
        threads: On how many threads to step N robots.
        tracked: The point whose x counts as the robot's: the root joint, the torso's frame or the centre of mass. The
            latter two are derived quantities, and as always in MuJoCo those lag one simulator step behind.
        fields: Further derived quantities to keep, by their names in MjData.
    """

    def __init__(
        self, body: Body, num: int | None, threads: int = 1, tracked: Tracked = "root", fields: Sequence[str] = ()
    ) -> None:
        self._arguments = body, num, threads, tracked, fields
        self.body, self.tracked, self.model = body, tracked, load_model(body.file)
        option, rk4 = self.model.opt, import_mujoco().mjtIntegrator.mjINT_RK4
        check_taken("MuJoCo", f"timestep of {body.file}", float(option.timestep), body.timestep)
        check_taken(
            "MuJoCo", f"integrator of {body.file}", "RK4" if option.integrator == rk4 else "EULER", body.integrator
        )
        self._unchecked = True
        self.dt = np.float64(self.model.opt.timestep * body.frame_skip)  # NumPy's: what it divides stays double
        needed = {"root": (), "torso": ("xpos",), "mass": ("xipos",)}[tracked]
        self._simulation = simulation = make_simulation(self.model, num, threads, (*fields, *needed))
        self.qpos, self.qvel, self.fields = simulation.qpos, simulation.qvel, simulation.fields
        self._motion = slice(component(self.model, "QPOS").start, component(self.model, "QVEL").stop)
        self._locate = {"root": self._x_of_root, "torso": self._x_of_torso, "mass": self._x_of_mass}[tracked]
        self._masses = self.model.body_mass / self.model.body_mass.sum()
        self._rest = float(self.model.body_pos[1, 2] - self.model.qpos0[1])
        self._single = num is None
        self.nowhere: Any = False if num is None else np.zeros(num, np.bool_)
        self.diverged, self.any_diverged = self.nowhere, False
        self.forward_velocity = self.nowhere * 0.0
        self._read()

    def _read(self) -> None:
        """Update what is derived from the simulation: the coordinates, each a number or [N], and x."""
        self.coordinates: Any = self.qpos.tolist() if self._single else self.qpos.T  # Python's floats are the faster
        self.x = self._locate()

    def start(self, qpos: Floats, qvel: Floats, mask: Mask = None) -> None:
        """Put robots at these positions and velocities.

        Args:
            qpos: Generalised positions, [nq], or a row for each robot of the mask.
            qvel: Their velocities, [nv], or rows likewise.
            mask: Which robots, bool[N]; all for None.
        """
        self._simulation.reset(mask)
        self.qpos[mask], self.qvel[mask] = qpos, qvel  # an index of None is all
        self._simulation.forward(mask)
        before = self.x
        self._read()
        if mask is not None:
            self.x = np.where(mask, self.x, before)

    def step(self, torques: NDArray[Any], mask: Mask = None) -> None:
        """Apply torques for `dt` seconds; a robot whose numbers leave all bounds has `diverged`, and is put back.

        Args:
            torques: In the units of the model's motors, [k] or [N, k].
            mask: Which robots to move, bool[N]; all for None.
        """
        simulation, before = self._simulation, self.x
        simulation.ctrl[...] = torques
        if self._unchecked:
            self._check_time(mask)
        else:
            simulation.step(mask, self.body.frame_skip)
        diverged = simulation.diverged()
        self.any_diverged = diverged is not None
        self.diverged = self.nowhere if diverged is None else diverged
        if diverged is not None:
            simulation.restore(diverged)
        self._read()
        self.forward_velocity = (self.x - before) / self.dt

    def _check_time(self, mask: Mask) -> None:
        """Step for the first time; UserError where the simulator's clock does not advance by `dt`."""
        self._unchecked = False
        clock = component(self.model, "TIME")
        before = self._simulation.state[..., clock].copy()
        self._simulation.step(mask, self.body.frame_skip)
        elapsed = (self._simulation.state[..., clock] - before)[mask].ravel()
        if self._simulation.diverged() is None:
            for seconds in elapsed.tolist():
                check_taken("MuJoCo", "seconds in a step", seconds, float(self.dt), 1e-9)

    @property
    def state(self) -> State:
        """The current state, copied."""
        return State(self.qpos.copy(), self.qvel.copy(), self._simulation.warmstart.copy(), np.array(self.x))

    def set_state(self, state: State, mask: Mask = None) -> None:
        """Put the robots of the mask, or all, into a state; its fields have rows for all."""
        self.start(state.qpos[mask], state.qvel[mask], mask)
        self._simulation.warmstart[mask] = state.warmstart[mask]
        if self.tracked != "root":  # where x is a step behind qpos, and not known from it
            self.x = state.x if mask is None else np.where(mask, state.x, self.x)

    def __getstate__(self) -> dict[str, Any]:
        """What a copy or a pickle holds: the arguments and the state, not MuJoCo's own memory."""
        return {"arguments": self._arguments, "state": self.state}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        self.__init__(*saved["arguments"])  # type: ignore[misc]  # a copy begins like any other
        self.set_state(saved["state"])

    @property
    def motion(self) -> Floats:
        """Positions and velocities side by side, [..., nq + nv], a view."""
        return self._simulation.state[..., self._motion]

    @property
    def height(self) -> Any:
        """Height of the torso above the ground, m."""
        if self.body.root == "planar":
            return self.coordinates[1] + self._rest
        return self.coordinates[2] if self.body.root == "free" else self.nowhere * 0.0

    @property
    def pitch(self) -> Any:
        """Angle of a planar torso, rad: 0 upright, positive forward."""
        return self.coordinates[2]

    @property
    def tilt(self) -> Any:
        """The angle between the torso's own up axis and the vertical, rad."""
        if self.body.root == "planar":
            return abs(self.pitch)
        if self.body.root == "flat":
            return self.nowhere * 0.0
        w, x, y, z = np.square(self.coordinates[3:7])
        return np.arccos((w - x - y + z) / (w + x + y + z))  # within [-1, 1] also when rounded: rounding is monotonic

    def _x_of_root(self) -> Any:
        return self.coordinates[0] + 0.0  # not a view

    def _x_of_torso(self) -> Any:
        return self.fields["xpos"][..., 1, 0] + 0.0

    def _x_of_mass(self) -> Any:
        return (self.fields["xipos"][..., 0] * self._masses).sum(axis=-1)
