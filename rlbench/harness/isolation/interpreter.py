"""The Python of an agent's process: it can import what this process can.

That is decided by site packages (of the system, a virtual environment, the user), `PYTHONPATH`, `.pth` files, the
options `-s -E -I -S -P` of this interpreter, and additions to `sys.path` by customisations or by the caller's program.
What else of the interpreter could change an episode (`-O`, warnings, hashes, the encoding of text) is always the same.
"""

from __future__ import annotations

import site
import sys
from pathlib import Path

from rlbench import arithmetic
from rlbench.children import child_environment, search_path
from rlbench.errors import UserError

# Imports the worker without running rlbench/__init__, which imports gymnasium: that would cost 0.1 s in every block.
# The bare package is removed again, so that an agent that imports rlbench gets the real one.
_BOOT = """
import sys, types
sys.path[:] = {path!a}
package = sys.modules["rlbench"] = types.ModuleType("rlbench")
package.__path__ = [{root!a}]
from rlbench.harness.isolation import {program}
del sys.modules["rlbench"]
{program}.main()
"""

_INHERITED = (
    *("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT"),
    *("CUDA_HOME", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES"),
)
NO_RENDERING = "disabled"
"""MUJOCO_GL of the process: without it importing MuJoCo, as TorchRL does, starts a program that looks for a display."""

_INHERITED_BY_PYTHON = ("PYTHONHOME", "PYTHONPATH", "PYTHONPYCACHEPREFIX")


def command(program: str = "worker") -> list[str]:
    """The command that starts the worker, or another program.

    Args:
        program: A module beside this one, with a function `main`.

    Raises:
        UserError: This process does not know its interpreter, as where Python is embedded in another program.
    """
    if not sys.executable:
        raise UserError("sys.executable is empty, so no Python is known to run agents in; run rlbench by a Python")
    root = str(Path(__file__).resolve().parents[2])
    options = ["-S"] if sys.flags.no_site else []
    options += [] if site.ENABLE_USER_SITE else ["-s"]
    options += ["-B"] if sys.dont_write_bytecode else []
    return [sys.executable, *options, "-c", _BOOT.format(path=["", *search_path()], root=root, program=program)]


def environment(folder: str) -> dict[str, str]:
    """Environment variables of the agent's process: few, so that no secrets cross and episodes do not depend on them.

    Numerical libraries get one thread each, since the number of threads changes the last bits of a sum, and the pinned
    arithmetic, since kernels do so, too.

    Args:
        folder: The agent's home and folder of temporary files.
    """
    threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    user = {"PYTHONUSERBASE": site.getuserbase()} if site.ENABLE_USER_SITE else {}  # else it would lie in HOME
    inherited = _INHERITED if sys.flags.ignore_environment else (*_INHERITED, *_INHERITED_BY_PYTHON)
    fixed = {"PYTHONHASHSEED": "0", "HOME": folder, "TMPDIR": folder, "MUJOCO_GL": NO_RENDERING}
    return child_environment(inherited, **threads, **arithmetic.variables(), **user, **fixed)
