"""N simulations of one MuJoCo model on T threads: MuJoCo's own batch, or a pool of MjData; the only file that imports it.

Both hold what the next step depends on as one row per simulation and give the same bits as a loop of `mj_step` over one
MjData per simulation, at any N and T. Measured on two cores with 64 robots, one environment step a call, relative to
`mujoco.rollout` (which forgets the solver's warm start, hence is not even the same simulation): the batch 1.1 to 1.6,
the pool 0.9 to 1.3. So the batch is the rule, and the pool steps where the batch cannot: it alone computes contact
forces after the step, as Gymnasium does, and runs with a MuJoCo before 4.0.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np
from gymnasium.error import DependencyNotInstalled
from numpy.typing import NDArray

from rlbench.errors import UserError

Floats: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = "NDArray[np.bool_] | None"  # which simulations; None for all

CONTACT_FORCES = "cfrc_ext"  # filled by mj_rnePostConstraint, which no step calls by itself


def import_mujoco() -> ModuleType:
    """MuJoCo's Python bindings; DependencyNotInstalled names the extra that brings them."""
    try:
        import mujoco
    except ImportError as error:
        raise DependencyNotInstalled('robots need MuJoCo: pip install "rlbench[mujoco]"') from error
    module: ModuleType = mujoco
    return module


def load_model(file: str) -> Any:
    """The MjModel of a file among the assets that come with Gymnasium."""
    mujoco = import_mujoco()
    spec = importlib.util.find_spec("gymnasium")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "envs" / "mujoco" / "assets" / file
    if not path.exists():
        raise UserError(f"this Gymnasium has no model {file}; install gymnasium>=1.2")
    with quiet():
        return mujoco.MjModel.from_xml_path(str(path))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep MuJoCo from printing, and from leaving a MUJOCO_LOG.TXT behind, what is reported by other means."""
    mujoco = import_mujoco()
    if not hasattr(mujoco, "MjLogConfig"):  # before 4.0
        yield
        return
    usual, silent = mujoco.MjLogConfig.get(), mujoco.MjLogConfig.get()
    silent.logto_console = silent.logto_file = False
    silent.set()
    try:
        yield
    finally:
        usual.set()


def check_threads(threads: int | None) -> int:
    """How many threads to use, all cores of this process for None; ValueError for more than there are."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if threads is None:
        return cores
    if isinstance(threads, bool) or not isinstance(threads, int) or not 1 <= threads <= cores:
        raise ValueError(f"threads is an integer from 1 to {cores}, the cores of this process, got {threads!r}")
    return threads


def make_engine(model: Any, num: int, threads: int, fields: Sequence[str]) -> Any:
    """N simulations that keep these derived fields of MjData: a `mujoco.batch.Batch`, or a Pool where it must be."""
    if CONTACT_FORCES in fields or importlib.util.find_spec("mujoco.batch") is None:
        return Pool(model, num, threads, fields)
    from mujoco.batch import Batch

    return Batch(model, num, min(num, threads))


class Pool:
    """One MjData per simulation, stepped by a pool of threads: what `Physics` uses of `mujoco.batch.Batch`.

    `state: [N, nstate]` holds MuJoCo's integration state, `warning: int[N, kinds, 2]` the last detail and the count of
    each kind of warning since the reset.
    """

    def __init__(self, model: Any, num: int, threads: int, fields: Sequence[str]) -> None:
        self._mujoco = mujoco = import_mujoco()
        self._model, self._datas = model, [mujoco.MjData(model) for _ in range(num)]
        self._kind = mujoco.mjtState.mjSTATE_INTEGRATION.value
        self._forces = CONTACT_FORCES in fields
        self.state = np.zeros((num, mujoco.mj_stateSize(model, self._kind)))
        self.warning = np.zeros((num, int(mujoco.mjtWarning.mjNWARNING), 2), np.int32)
        self._outputs = {name: np.zeros((num, *getattr(self._datas[0], name).shape)) for name in fields}
        self._chunks = np.array_split(np.arange(num), min(num, threads))
        self._threads = ThreadPoolExecutor(len(self._chunks)) if len(self._chunks) > 1 else None

    def bind(self, name: str) -> Floats:
        """A live array [N, ...] of a field: part of the state, writable, or derived."""
        if name in self._outputs:
            return self._outputs[name]
        component = {"qacc_warmstart": "WARMSTART"}.get(name, name.upper())
        wanted = getattr(self._mujoco.mjtState, f"mjSTATE_{component}").value
        below = self._mujoco.mj_stateSize(self._model, self._kind & (wanted - 1))
        return self.state[:, below : below + self._mujoco.mj_stateSize(self._model, wanted)]

    def reset(self, ids: Mask = None, stage: int = 0) -> None:
        """The model's defaults, nothing computed from them yet."""
        for i in self._chosen(ids, np.arange(len(self._datas))):
            self._mujoco.mj_resetData(self._model, self._datas[i])
            self._save(i)

    def forward(self, ids: Mask = None) -> None:
        """Compute the derived fields at the present states; contact forces stay as they are."""
        self._each(ids, lambda data: self._mujoco.mj_forward(self._model, data))

    def step(self, ids: Mask = None, nstep: int = 1) -> None:
        """`nstep` calls of mj_step."""
        self._each(ids, lambda data: self._advance(data, nstep))

    def _advance(self, data: Any, nstep: int) -> None:
        self._mujoco.mj_step(self._model, data, nstep)
        if self._forces:
            self._mujoco.mj_rnePostConstraint(self._model, data)

    def _each(self, ids: Mask, work: Callable[[Any], None]) -> None:
        chunks = [self._chosen(ids, chunk) for chunk in self._chunks]
        if self._threads is None:
            self._run(chunks[0], work)
            return
        for done in [self._threads.submit(self._run, chunk, work) for chunk in chunks]:
            done.result()

    def _chosen(self, ids: Mask, lanes: NDArray[np.intp]) -> list[int]:
        return (lanes if ids is None else lanes[ids[lanes]]).tolist()  # type: ignore[no-any-return]  # mypy and tolist

    def _run(self, lanes: list[int], work: Callable[[Any], None]) -> None:
        for i in lanes:
            data = self._datas[i]
            self._mujoco.mj_setState(self._model, data, self.state[i], self._kind)
            work(data)
            self._save(i)

    def _save(self, i: int) -> None:
        data = self._datas[i]
        self._mujoco.mj_getState(self._model, data, self.state[i], self._kind)
        for name, output in self._outputs.items():
            output[i] = getattr(data, name)
        self.warning[i] = [(each.lastinfo, each.number) for each in data.warning]
