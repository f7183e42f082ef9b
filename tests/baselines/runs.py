"""What training runs have written, and runs that are killed on the way."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def weights(submission: Path) -> bytes:
    """The exported weights."""
    return (submission / "weights.safetensors").read_bytes()


def curve(out: Path) -> list[dict[str, Any]]:
    """The learning curve without its wall-clock times."""
    lines = [json.loads(line) for line in (out / "curve.jsonl").read_text(encoding="utf-8").splitlines()]
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


def kill(
    program: str, out: Path, *arguments: str, once: Callable[[bytes], bool] = lambda curve: len(curve) >= 500
) -> None:
    """Start a program that trains into a folder, and kill it with signal 9 as soon as a checkpoint is there.

    Args:
        program: Its text; the last argument is the folder.
        out: The folder.
        arguments: Those before.
        once: Whether the learning curve, so far, says that a checkpoint is there.
    """
    process = subprocess.Popen([sys.executable, "-c", program, *arguments, str(out)], cwd=ROOT)
    while not (out / "curve.jsonl").exists() or not once((out / "curve.jsonl").read_bytes()):
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.001)
    process.kill()
    process.wait()
    assert not (out / "submission").exists()
