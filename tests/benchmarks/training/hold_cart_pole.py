"""A whole training run on cart-pole, in a process of its own: `hold_cart_pole.py ALGORITHM PRESET SEED` prints JSON.

`seconds` are those from the call of `train` to its last event: environments built, compiled loops loaded, training,
evaluations, and the 100 further episodes that confirm the best weights. `imports` are those of them that went into
imports that PyTorch and Numba put off until then, by CPython's own count, `-X importtime`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from importlib import import_module
from typing import Any

BEGIN = "training begins"


def run(algorithm: str, preset: str, seed: int) -> dict[str, Any]:
    """What a process prints that trains an agent, with its seconds without imports."""
    command = [sys.executable, "-X", "importtime", "-m", __name__, algorithm, preset, str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    imports = import_seconds(done.stderr.split(BEGIN)[1])
    return {**result, "imports": imports, "seconds": result["seconds"] - imports}


def import_seconds(lines: str) -> float:
    """The sum of what each module took by itself, from lines `import time: self [us] | cumulative | module`."""
    rows = [line.removeprefix("import time:").split("|") for line in lines.splitlines() if line.count("|") == 2]
    return sum(int(own) for own, _, _ in rows) / 1e6


def train(algorithm: str, preset: str, seed: int) -> dict[str, Any]:
    """A training run in this process."""
    module = import_module(f"baselines.algorithms.{algorithm}")
    sys.stderr.write(f"{BEGIN}\n")
    began = time.perf_counter()
    *_, last = module.train(replace(module.PRESETS[preset], seed=seed))
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "steps": last.steps, "held": last.reason == "sustained"}


if __name__ == "__main__":
    print(json.dumps(train(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
