"""Whether this machine can sandbox agents."""

from __future__ import annotations

import sys

from rlbench.commands.doctoring.check import Check
from rlbench.harness.isolation import tiers


def check_isolation() -> Check:
    """Which tiers of isolation this machine has, by attacking each; why not the others."""
    if sys.platform != "linux":
        return Check("isolation", "warn", f"none on {sys.platform}", "evaluate on Linux")
    lacking = {tier: tiers.what_is_lacking(tier) for tier in ("strict", "landlock")}
    if lacking["landlock"] is not None:
        advice = "agents are not sandboxed, and runs are not ranked"
        return Check("isolation", "warn", f"process; not landlock, as {lacking['landlock']}", advice)
    if lacking["strict"] is not None:
        return Check("isolation", "ok", f"landlock; not strict, as {lacking['strict']}")
    return Check("isolation", "ok", "strict, landlock")
