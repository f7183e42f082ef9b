"""The error on systems other than Linux, which cannot isolate agents; raised before anything is tried."""

from __future__ import annotations

import sys

from rlbench.errors import UserError


def require() -> None:
    """Raise UserError where this system is not Linux."""
    if sys.platform != "linux":
        raise UserError(f"agents are evaluated on Linux only (sealed memory, process groups); this is {sys.platform}")
