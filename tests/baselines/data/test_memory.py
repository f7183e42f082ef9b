"""Memory of a training run from pixels: all of it is there from the start."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from baselines.data.frame_replay import FrameReplay

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
def test_memory_does_not_grow() -> None:
    """Sixteen thousand steps of Pong, most of them after the first tenth; the whole replay is resident by then."""
    if find_spec("ale_py") is None:
        pytest.skip('no Atari games; pip install "rlbench[atari]"')
    if not Path("/proc/self/status").exists():
        pytest.skip("resident memory is read from /proc")
    command = [sys.executable, "tests/benchmarks/atari_memory.py", "16000", "40000"]
    done = subprocess.run(
        command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True, encoding="utf-8"
    )
    measured = json.loads(done.stdout.splitlines()[-1])
    assert min(measured["bytes"]) > FrameReplay.bytes(40_000, (4, 84, 84))
    assert measured["growth"] < 0.05
