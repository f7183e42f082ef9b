"""Provenance: versions and hardware of a run. No host names and no paths, as records are published."""

from __future__ import annotations

import platform
import re
import subprocess
from pathlib import Path
from typing import Any

from rlbench import __version__
from rlbench.arithmetic import installed_version
from rlbench.children import child_environment
from rlbench.process.system import waitable_children

_PACKAGES = ("numpy", "gymnasium", "numba", "mujoco", "ale-py")
"""Packages that decide the numbers beside rlbench: arithmetic and simulators."""

_NVIDIA = Path("/proc/driver/nvidia")
_ROOT = Path(__file__).resolve().parents[3]


def machine() -> dict[str, Any]:
    """Versions and hardware for a record's header; None for what is not there."""
    return {
        "packages": {"rlbench": __version__, **{name: installed_version(name) for name in _PACKAGES}},
        "python": platform.python_version(),
        "cpu": cpu(),
        "gpu": _gpu(),
        "commit": _commit(),
    }


def cpu() -> str:
    """Model of the CPU, or its architecture where the system does not tell."""
    return _match(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo")) or platform.machine()


def _gpu() -> str | None:
    """Model of the first NVIDIA GPU and version of its driver, which tells both; importing torch would cost 5 s."""
    for card in sorted((_NVIDIA / "gpus").glob("*/information")):
        model = _match(r"^Model:\s*(.+)$", card)
        driver = _match(r"^NVRM version:.*?\s(\d+\.[\d.]+)\s", _NVIDIA / "version")
        return f"{model} (driver {driver})" if model and driver else model
    return None


def _match(pattern: str, path: Path) -> str | None:
    try:
        found = re.search(pattern, path.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    except OSError:
        return None
    return found[1].strip() if found else None


def _commit() -> str | None:
    """The commit of the checkout this package runs from; None where it is installed, or git fails.

    Git sees none of this process's GIT_* variables: those of a hook, for example, name another repository.
    """
    if not (_ROOT / ".git").exists():
        return None
    try:
        with waitable_children():
            done = subprocess.run(
                # A checkout may be another user's, as in a container; reading its HEAD runs nothing of it.
                ["git", "-c", "safe.directory=*", "-C", str(_ROOT), "rev-parse", "--verify", "HEAD"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=10,
                check=True,
                env=child_environment(("PATH", "HOME")),
                encoding="utf-8",
                errors="replace",
            )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
