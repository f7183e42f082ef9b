"""Simulations of one MuJoCo model: one on its own, or N on T threads. It knows nothing of tasks.

A step of any of them is `mj_step`, bit for bit, at any N and T: what the next step depends on, the warm start of the
solver included, is kept between the calls. `mujoco.rollout` forgets the warm start, hence simulates something else.
Measured once on two cores with 64 robots, one environment step a call, relative to it: `mujoco.batch` 1.0 to 1.7, a
pool of threads over `mj_step` 0.9 to 1.5, by robot. So there are three:

* `SingleSimulation`, plain `mj_step` on one MjData, beats a batch of one by the cost of copying;
* `BatchSimulation`, MuJoCo's own batch, steps N;
* `PoolSimulation` steps N where that cannot: with contact forces, and with a MuJoCo before 4.0.
"""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rlbench import children
from rlbench.envs.locomotion.mujoco_bindings import component, import_mujoco

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]
Mask: TypeAlias = "NDArray[np.bool_] | None"  # which simulations; None for all

CONTACT_FORCES = "cfrc_ext"  # filled by mj_rnePostConstraint, which no step calls by itself
MAX_VALUE = 1e10  # beyond it MuJoCo calls a number bad and starts the simulation anew; its mjMAXVAL


def make_simulation(model: Any, num: int | None, threads: int, fields: Sequence[str]) -> Simulation:
    """One simulation, or N, of a model.

    Args:
        model: The MjModel.
        num: N; None for one simulation, whose arrays have no first axis.
        threads: On how many threads to step N simulations.
        fields: The derived quantities to keep, by their names in MjData.
    """
    if num is None:
        return SingleSimulation(model, fields)
    if CONTACT_FORCES in fields or importlib.util.find_spec("mujoco.batch") is None:
        return PoolSimulation(model, num, threads, fields)
    return BatchSimulation(model, num, threads, fields)


class Simulation(ABC):
    """Simulations of one model. Arrays have a first axis of N, but for `SingleSimulation`, and are live views."""

    state: Floats  # MuJoCo's integration state, [nstate] or [N, nstate], as the last call left it
    qpos: Floats
    qvel: Floats
    ctrl: Floats
    warmstart: Floats
    fields: dict[str, Floats]  # derived quantities by MuJoCo's names, as the last call left them

    @abstractmethod
    def reset(self, mask: Mask = None) -> None:
        """The model's defaults; nothing is computed from them yet."""

    @abstractmethod
    def forward(self, mask: Mask = None) -> None:
        """Update `state` from what was written to the arrays, and compute the derived quantities that are kept, if any.

        Contact forces stay as they are. The state is not changed by it, hence no later one either.
        """

    @abstractmethod
    def step(self, mask: Mask, nstep: int) -> None:
        """`nstep` steps of the simulator."""

    @abstractmethod
    def diverged(self) -> Flags | None:
        """Which simulations the last step drove out of bounds, bool[N]; None for none."""

    @abstractmethod
    def restore(self, mask: Flags) -> None:
        """Go back to the state in which the last step began."""


class SingleSimulation(Simulation):
    """One simulation in its own MjData."""

    def __init__(self, model: Any, fields: Sequence[str]) -> None:
        self._mujoco = mujoco = import_mujoco()
        self._model, self._data = model, mujoco.MjData(model)
        self._spec = mujoco.mjtState.mjSTATE_INTEGRATION.value
        self._forces = CONTACT_FORCES in fields
        data = self._data
        self.qpos, self.qvel, self.ctrl, self.warmstart = data.qpos, data.qvel, data.ctrl, data.qacc_warmstart
        self.fields = {name: getattr(data, name) for name in fields}
        self.warnings = data.warning.number
        self.state = np.zeros(mujoco.mj_stateSize(model, self._spec))
        self.save(self.state)
        self.rest, self._last = self.state.copy(), self.state.copy()

    def reset(self, mask: Mask = None) -> None:
        """See Simulation."""
        self._mujoco.mj_resetData(self._model, self._data)

    def forward(self, mask: Mask = None) -> None:
        """See Simulation."""
        if self.fields:
            self._mujoco.mj_forward(self._model, self._data)
        self.save(self.state)

    def step(self, mask: Mask, nstep: int) -> None:
        """See Simulation."""
        self.state, self._last = self._last, self.state
        self.advance(nstep)
        self.save(self.state)

    def diverged(self) -> Flags | None:
        """See Simulation."""
        if not np.count_nonzero(self.warnings) and self.state.dot(self.state) < MAX_VALUE**2:
            return None
        return out_of_bounds(self.state, self.warnings)

    def restore(self, mask: Flags) -> None:
        """See Simulation."""
        self.reset()
        self.load(self._last)
        self.forward()

    def advance(self, nstep: int) -> None:
        """Step without updating `state`."""
        self._mujoco.mj_step(self._model, self._data, nstep)
        if self._forces:
            self._mujoco.mj_rnePostConstraint(self._model, self._data)

    def load(self, row: Floats) -> None:
        """Set the integration state to a row, [nstate]."""
        self._mujoco.mj_setState(self._model, self._data, row, self._spec)

    def save(self, row: Floats) -> None:
        """Write the integration state into a row, [nstate]."""
        self._mujoco.mj_getState(self._model, self._data, row, self._spec)


class ManySimulations(Simulation):
    """What N simulations share whose integration states are the rows of one array, [N, nstate]."""

    state: Floats
    warnings: NDArray[np.int32]  # [N, kinds], counted since the reset

    def __init__(self) -> None:
        self._last = self.state.copy()

    def diverged(self) -> Flags | None:
        """See Simulation."""
        if not np.count_nonzero(self.warnings) and bounded(self.state):
            return None
        return out_of_bounds(self.state, self.warnings)

    def restore(self, mask: Flags) -> None:
        """See Simulation."""
        self.reset(mask)
        self.state[mask] = self._last[mask]
        self.forward(mask)


class BatchSimulation(ManySimulations):
    """N simulations in MuJoCo's own batch."""

    def __init__(self, model: Any, num: int, threads: int, fields: Sequence[str]) -> None:
        from mujoco.batch import Batch

        self._batch = batch = Batch(model, num, min(num, threads))
        self.state, self.warnings = batch.state, batch.warning[:, :, 1]
        self._rest = SingleSimulation(model, ()).rest
        self.qpos, self.qvel, self.ctrl = batch.bind("qpos"), batch.bind("qvel"), batch.bind("ctrl")
        self.warmstart = batch.bind("qacc_warmstart")
        self.fields = {name: batch.bind(name) for name in fields}
        self._model = model
        self._replacement: SingleSimulation | None = None
        super().__init__()
        children.call_after_fork(self)

    def after_fork(self) -> None:
        """A forked process has none of the batch's threads, and steps one simulation after the other."""
        children.never_delete(self._batch)  # its arrays are used on
        self._replacement = SingleSimulation(self._model, tuple(self.fields))

    def reset(self, mask: Mask = None) -> None:
        """See Simulation."""
        self.state[mask], self.warnings[mask] = self._rest, 0  # all there is; the batch's own reset clears far more

    def forward(self, mask: Mask = None) -> None:
        """See Simulation."""
        if self.fields:
            if self._replacement is None:
                self._batch.forward(mask)
            else:
                self._each(mask, self._replacement, SingleSimulation.forward)

    def step(self, mask: Mask, nstep: int) -> None:
        """See Simulation."""
        self._last[...] = self.state
        if self._replacement is None:
            self._batch.step(mask, nstep)
        else:
            self._each(mask, self._replacement, lambda one: one.advance(nstep))

    def _each(self, mask: Mask, one: SingleSimulation, work: Callable[[SingleSimulation], None]) -> None:
        """Do the work on one simulation after the other, in its place."""
        for i in range(len(self.state)) if mask is None else np.flatnonzero(mask):
            one.load(self.state[i])
            one.warnings[:] = self.warnings[i]
            work(one)
            one.save(self.state[i])
            self.warnings[i] = one.warnings
            for name, field in one.fields.items():
                self.fields[name][i] = field


class PoolSimulation(ManySimulations):
    """N simulations, each in its own MjData, stepped by a pool of threads."""

    def __init__(self, model: Any, num: int, threads: int, fields: Sequence[str]) -> None:
        self._ones = [SingleSimulation(model, fields) for _ in range(num)]
        self.state = np.zeros((num, len(self._ones[0].state)))
        self.warnings = np.zeros((num, len(self._ones[0].warnings)), np.int32)
        names = ("QPOS", "QVEL", "CTRL", "WARMSTART")
        self.qpos, self.qvel, self.ctrl, self.warmstart = (self.state[:, component(model, name)] for name in names)
        self.fields = {name: np.zeros((num, *field.shape)) for name, field in self._ones[0].fields.items()}
        self._chunks = np.array_split(np.arange(num), min(num, threads))
        self._threads = ThreadPoolExecutor(len(self._chunks)) if len(self._chunks) > 1 else None
        super().__init__()
        children.call_after_fork(self)

    def after_fork(self) -> None:
        """A forked process has none of the pool's threads, and steps one simulation after the other."""
        self._chunks, self._threads = [np.arange(len(self._ones))], None

    def reset(self, mask: Mask = None) -> None:
        """See Simulation."""
        for i in self._chosen(mask, np.arange(len(self._ones))):
            self._ones[i].reset()
            self._save(i)

    def forward(self, mask: Mask = None) -> None:
        """See Simulation."""
        if self.fields:
            self._each(mask, SingleSimulation.forward)

    def step(self, mask: Mask, nstep: int) -> None:
        """See Simulation."""
        self._last[...] = self.state
        self._each(mask, lambda one: one.advance(nstep))

    def _each(self, mask: Mask, work: Callable[[SingleSimulation], None]) -> None:
        chunks = [self._chosen(mask, chunk) for chunk in self._chunks]
        if self._threads is None:
            self._run(chunks[0], work)
            return
        for done in [self._threads.submit(self._run, chunk, work) for chunk in chunks]:
            done.result()

    def _chosen(self, mask: Mask, chunk: NDArray[np.intp]) -> list[int]:
        chosen: list[int] = (chunk if mask is None else chunk[mask[chunk]]).tolist()
        return chosen

    def _run(self, chosen: list[int], work: Callable[[SingleSimulation], None]) -> None:
        for i in chosen:
            self._ones[i].load(self.state[i])
            work(self._ones[i])
            self._save(i)

    def _save(self, i: int) -> None:
        one = self._ones[i]
        one.save(self.state[i])
        self.warnings[i] = one.warnings
        for name, field in one.fields.items():
            self.fields[name][i] = field


def bounded(state: Floats) -> bool:
    """Whether every number is finite and not absurdly large, by the sum of squares, in which NaN survives.

    Not a dot product: for 64 humanoids that wakes the threads of BLAS, which then spin on the cores of the simulation.
    """
    values = state.ravel()
    return bool(np.einsum("i,i", values, values) < MAX_VALUE**2)


def out_of_bounds(state: Floats, warnings: NDArray[np.int32]) -> Flags | None:
    """Which simulations are out of bounds, or were so that MuJoCo reset them, bool[...]; None for none."""
    kinds = import_mujoco().mjtWarning
    bad = [int(kinds.mjWARN_BADQPOS), int(kinds.mjWARN_BADQVEL), int(kinds.mjWARN_BADQACC)]
    wild: Any = ~(np.abs(state) <= MAX_VALUE).all(axis=-1) | (warnings[..., bad] > 0).any(axis=-1)
    return wild if wild.any() else None
