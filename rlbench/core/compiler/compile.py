"""The batch compiler: scalar rules in, loops over N environments out. The only file that knows Numba.

For each rules module it writes a Python module (`compiler.template` has the text) and lets Numba compile it and
cache it on disk. Closures would read better, but Numba does not cache them. The file's name carries a sha256 of
everything that it was made from, since a cached loop otherwise returns yesterday's dynamics after an edit; and it is
loaded once per process, since a second copy is compiled again at the first call.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from rlbench.core.compiler.autotune import Autotuner
from rlbench.core.compiler.codegen import PADDING
from rlbench.core.compiler.template import source
from rlbench.core.world import World

# Environments from which the parallel loop is worth a trial: waking a thread costs a few microseconds, a step of
# cart-pole 20 nanoseconds, of grid world 10. `make perf` prints the table. Rules that compute much more may set
# PARALLEL_FROM themselves.
PARALLEL_FROM = 512
SPIN = "30000"  # turns, about 0.1 ms, that an idle thread of GNU OpenMP spins before it sleeps

MODES = {AutoresetMode.NEXT_STEP: 0, AutoresetMode.SAME_STEP: 1, AutoresetMode.DISABLED: 2}  # as the loops number them


def step_loop(world: World, num_envs: int, parallel: bool | None) -> Callable[..., int]:
    """The compiled step loop for a batch of rules.

    Args:
        world: The rules and their parameters.
        num_envs: How many environments the batch has; small ones are stepped serially by default.
        parallel: Whether to use all threads; None for whichever loop proves faster while it runs.
    """
    loops: Any = compiled(world)
    if parallel is False or (parallel is None and num_envs < getattr(world.rules, "PARALLEL_FROM", PARALLEL_FROM)):
        return loops.step_serial  # type: ignore[no-any-return]  # generated code has no types
    launch_threads()
    return loops.step_parallel if parallel else Autotuner(loops.step_serial, loops.step_parallel)


@functools.cache
def launch_threads() -> None:
    """Start Numba's threads so that idle ones soon sleep, and leave their cores to the training.

    libgomp reads the variable when it is loaded, which is here; by default it spins for milliseconds.
    """
    from numba.np.ufunc import parallel

    if "GOMP_SPINCOUNT" in os.environ or "OMP_WAIT_POLICY" in os.environ:
        return  # the user has decided
    os.environ["GOMP_SPINCOUNT"] = SPIN
    try:
        parallel._launch_threads()
    finally:
        del os.environ["GOMP_SPINCOUNT"]


def thread_count() -> int:
    """How many threads the parallel loop has."""
    import numba

    return numba.get_num_threads()  # type: ignore[no-any-return]  # Numba has no types


def working_memory(world: World) -> tuple[NDArray[Any], ...]:
    """Arrays to work in, [PADDING * threads, ...]: per thread, as one per environment would leave the cache."""
    rows = PADDING * thread_count()
    return tuple(np.zeros((rows, *array.shape), array.dtype) for array in world.working_memory().values())


def compiled(world: World) -> ModuleType:
    """The compiled loops of these rules: `reset`, `step_serial`, `step_parallel`."""
    text = source(world)
    stem = world.name.replace(".", "_")
    return _load_once(f"rlbench_batch_{stem}_{_digest(text)}", text)


@functools.cache
def _load_once(name: str, text: str) -> ModuleType:
    path = cache_folder() / f"{name}.py"
    if not path.exists():
        scratch = path.with_suffix(f".{os.getpid()}")
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(path)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def cache_folder() -> Path:
    """Where generated modules and Numba's cache of them live: RLBENCH_CACHE, or the user's cache folder."""
    chosen = os.environ.get("RLBENCH_CACHE")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    for folder in (
        Path(chosen) if chosen else home / "rlbench",
        Path(tempfile.gettempdir()) / f"rlbench-{os.getuid()}",
    ):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    raise OSError("no folder is writable for the compiled rules; set RLBENCH_CACHE to one that is")


def _digest(text: str) -> str:
    import numba

    versions = f"{sys.version} {np.__version__} {numba.__version__}"
    return hashlib.sha256(f"{versions}\n{text}".encode()).hexdigest()[:16]
