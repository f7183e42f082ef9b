"""Training runs of several contenders, in turn, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def run(script: str, contender: str, *arguments: object, threads: int | None = None) -> dict[str, Any]:
    """What one contender's training run prints, on the cores this machine has or on so many threads."""
    environment = {**os.environ, "PYTHONPATH": str(FOLDER.parents[2])}
    environment.pop("OMP_NUM_THREADS", None)
    if threads is not None:
        environment["OMP_NUM_THREADS"] = str(threads)
    command = [sys.executable, str(FOLDER / script), contender, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, encoding="utf-8")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result
