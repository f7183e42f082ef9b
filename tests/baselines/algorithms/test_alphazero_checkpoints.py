"""Checkpoints of AlphaZero: it goes on after kill -9 and a full disk, and from no checkpoint of another run."""

from __future__ import annotations

import errno
import os
import random
import re
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import pytest

from baselines import checks, files
from baselines.training import checkpoint, runner
from baselines.training.checkpoint import WAYS
from rlbench.errors import UserError
from rlbench.whole_files import take_place
from tests.baselines.algorithms.test_alphazero import SMALL
from tests.baselines.runs import ROOT, curve, kill, weights

KILLED = """
import sys
from pathlib import Path
from baselines.training import runner
from tests.baselines.algorithms.test_alphazero import SMALL
runner.run("alphazero", SMALL, Path(sys.argv[1]), quiet=True)
"""


@pytest.fixture(scope="module")
def one_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training run of SMALL."""
    return runner.run("alphazero", SMALL, tmp_path_factory.mktemp("run") / "whole", quiet=True).parent


@pytest.fixture
def begun(one_run: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(one_run, tmp_path / "begun")


def test_killed_and_resumed_is_uninterrupted(one_run: Path, tmp_path: Path) -> None:
    """Killed with signal 9 after its first evaluation; the rest is done here."""
    out = tmp_path / "killed"
    kill(KILLED, out, once=lambda curve: curve.count(b"\n") >= 3)
    submission = runner.run("alphazero", SMALL, out, quiet=True)
    assert weights(submission) == weights(one_run / runner.SUBMISSION)
    assert curve(out) == curve(one_run)


def test_a_checkpoint_of_another_board_is_refused(tmp_path: Path) -> None:
    """Another task is another board or another komi."""
    runner.run("alphazero", replace(SMALL, iterations=1), tmp_path, quiet=True)
    with pytest.raises(UserError, match=r"made with another configuration: task='Go3-v0' there"):
        runner.run("alphazero", replace(SMALL, iterations=1, task="go5@1"), tmp_path, quiet=True)


@pytest.mark.parametrize("change", [{"simulations": 9}, {"blocks": 2}, {"seed": 1}, {"search": "puct"}], ids=str)
def test_a_checkpoint_of_other_settings_is_refused(change: dict[str, Any], begun: Path) -> None:
    ((name, value),) = change.items()
    said = re.escape(f"{name}={getattr(SMALL, name)!r} there, {value!r} here; {WAYS}")
    with pytest.raises(UserError, match=said):
        runner.run("alphazero", replace(SMALL, **change), begun, quiet=True)


@pytest.mark.parametrize(
    ("size", "komi", "said"), [(3, 0.5, "komi=8.5, these have komi=0.5"), (4, 8.5, "size=3, these have size=4")]
)
def test_a_checkpoint_of_another_game_of_the_same_name_is_refused(
    size: int, komi: float, said: str, begun: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a file of tasks was edited."""
    monkeypatch.setitem(gymnasium.spec(SMALL.task).kwargs, "size", size)
    monkeypatch.setitem(gymnasium.spec(SMALL.task).kwargs, "komi", komi)
    before = (begun / runner.CHECKPOINT).read_bytes()
    with pytest.raises(UserError, match=f"the checkpoint is of games with {said}; "):
        runner.run("alphazero", SMALL, begun, quiet=True)
    assert (begun / runner.CHECKPOINT).read_bytes() == before


def test_a_checkpoint_of_another_version_is_refused(begun: Path) -> None:
    """Whether the version is of all checkpoints, or the algorithm's: then something that it needs is missing."""
    path, config = begun / runner.CHECKPOINT, checks.as_json(SMALL)
    whole = checkpoint.load(path, "alphazero", config)
    del whole["training"]["learner"]["past"]
    checkpoint.save(path, "alphazero", config, whole)
    with pytest.raises(UserError, match=r"does not fit this version of the algorithm \(KeyError: 'past'\); begin anew"):
        runner.run("alphazero", SMALL, begun, quiet=True)


def test_a_full_disk_ends_a_run_that_goes_on_later(
    one_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, space = tmp_path / "full", [2]

    def full(scratch: Path, path: Path) -> None:
        space[0] -= path.name == runner.CHECKPOINT
        if space[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        take_place(scratch, path)

    monkeypatch.setattr(files, "take_place", full)
    with pytest.raises(UserError) as error:
        runner.run("alphazero", SMALL, out, quiet=True)
    kept = out / runner.CHECKPOINT
    assert str(error.value) == (
        f"cannot write {kept}: No space left on device; the last good checkpoint is kept: {kept}"
    )
    monkeypatch.undo()
    submission = runner.run("alphazero", SMALL, out, quiet=True)
    assert weights(submission) == weights(one_run / runner.SUBMISSION)
    assert curve(out) == curve(one_run)


@pytest.mark.slow
def test_killed_at_random_moments_and_resumed_is_uninterrupted(one_run: Path, tmp_path: Path) -> None:
    """With signal 9, again and again: while it plays, learns, evaluates or writes."""
    out, draw = tmp_path / "killed", random.Random(0)
    for _ in range(8):
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(out)], cwd=ROOT)
        while not (out / "curve.jsonl").exists():  # it has begun
            time.sleep(0.01)
        with suppress(subprocess.TimeoutExpired):
            process.wait(draw.uniform(0, 12))
        process.kill()
        process.wait()
    submission = runner.run("alphazero", SMALL, out, quiet=True)
    assert weights(submission) == weights(one_run / runner.SUBMISSION)
    assert curve(out) == curve(one_run)
