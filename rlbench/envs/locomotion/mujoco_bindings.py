"""MuJoCo's Python bindings: import, models, logging, threads, and the layout of integration states."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import gymnasium
from gymnasium.error import DependencyNotInstalled

from rlbench.core.arguments import integer
from rlbench.errors import UserError
from rlbench.process.imports import import_library
from rlbench.process.system import environment


def import_mujoco() -> ModuleType:
    """MuJoCo's Python bindings; DependencyNotInstalled names the extra that brings them."""
    try:
        mujoco = import_library("mujoco")
    except ImportError as error:
        raise DependencyNotInstalled('robots need MuJoCo: pip install "rlbench[mujoco]"') from error
    except RuntimeError as error:  # it looks at MUJOCO_GL when it is imported
        raise UserError(f"MuJoCo cannot be imported: {error}; unset MUJOCO_GL, or set it to egl or osmesa") from None
    except Exception:  # it loads the OpenGL that MUJOCO_GL names, here one that is not installed
        with environment(MUJOCO_GL="disable"):
            mujoco = import_library("mujoco")
    module: ModuleType = mujoco
    return module


def load_model(file: str) -> Any:
    """The MjModel of a file among the assets that come with Gymnasium."""
    mujoco = import_mujoco()
    path = Path(gymnasium.__file__).parent / "envs" / "mujoco" / "assets" / file
    if not path.exists():
        raise UserError(f"this Gymnasium has no model {file}; install gymnasium>=1.2")
    with quiet():
        model = mujoco.MjModel.from_xml_path(str(path))
    leave_no_log()
    return model


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep MuJoCo from printing that an asset of Gymnasium's uses a deprecated attribute."""
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


def leave_no_log() -> None:
    """Keep MuJoCo from writing a MUJOCO_LOG.TXT where it happens to run; it goes on warning on standard error."""
    mujoco = import_mujoco()
    if hasattr(mujoco, "MjLogConfig"):
        config = mujoco.MjLogConfig.get()
        config.logto_file = False
        config.set()


def check_threads(threads: int | None) -> int:
    """How many threads to use, all cores of this process for None; ArgumentError for more than there are."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if threads is None:
        return cores
    return integer("threads", threads, 1, cores, "the cores of this process")


def component(model: Any, name: str) -> slice:
    """The slice of an integration state that holds one component, by its name in mjtState."""
    mujoco = import_mujoco()
    kinds, wanted = mujoco.mjtState.mjSTATE_INTEGRATION.value, getattr(mujoco.mjtState, f"mjSTATE_{name}").value
    below = mujoco.mj_stateSize(model, kinds & (wanted - 1))
    return slice(below, below + mujoco.mj_stateSize(model, wanted))
