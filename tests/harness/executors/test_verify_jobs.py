"""Verification of several blocks or records at once finds what one after the other finds."""

import dataclasses
import json
import shutil

import pytest

from rlbench import cli
from rlbench.harness import submission
from rlbench.harness.evaluate import evaluate
from rlbench.harness.executors.order import in_order
from rlbench.harness.executors.serial import SerialExecutor
from rlbench.harness.proof import findings, kept_actions
from rlbench.harness.tasks.suite import get_task
from rlbench.harness.verify import verify
from tests import forge as editor
from tests.harness.executors.test_shards import DRAWS


@pytest.fixture
def recorded(submit, tmp_path):
    """A submission, its task of three blocks, and its record, in which an episode of the second block is forged."""
    folder = submit(source=DRAWS)
    task = dataclasses.replace(get_task("grid-world"), episodes=6, num_envs=2)
    path = evaluate(task, folder, tmp_path / "results", quiet=True)
    lines = editor.read(path)
    next(line for line in lines if line.get("index") == 3).update({"return": -5.0})
    return task, submission.read(folder), editor.write(path, lines)


def test_blocks(recorded, tmp_path):
    task, entrant, path = recorded
    one = verify(path, task, entrant, quiet=True, keep=True)
    texts = [each.read_text(encoding="utf-8") for each in (findings.path_of(path), kept_actions.path_of(path))]
    for each in (findings.path_of(path), kept_actions.path_of(path)):
        each.unlink()
    several = verify(path, task, entrant, jobs=2, quiet=True, keep=True)
    assert several == one
    assert list(one.different) == [3]
    assert [each.read_text(encoding="utf-8") for each in (findings.path_of(path), kept_actions.path_of(path))] == texts


def test_records(submit, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    results = tmp_path / "results"
    task = get_task("grid-world")
    paths = [evaluate(task, submit(source=DRAWS, folder=name, name=name), results, quiet=True) for name in "ab"]
    shutil.rmtree(tmp_path / "b")
    code = cli.main(["verify", "results", "--blocks", "1", "--jobs", "2", "--format", "json"])
    rows = json.loads(capsys.readouterr().out)
    assert [row["record"] for row in rows] == [f"{path.parent.name}/{path.stem}" for path in paths]
    assert [row["verdict"] == "no submission" for row in rows] == [False, True]
    assert code == 1
    assert cli.main(["verify", "results", "--jobs", "0"]) == 2
    assert "--jobs is at least 1, got 0" in capsys.readouterr().err


def test_results_come_in_the_order_of_the_work():
    class Backwards(SerialExecutor):
        """Takes three pieces, and does the last one first."""

        free = property(lambda self: 3 - self.busy)

    done = []

    def piece(number):
        return lambda kept: done.append(number) or number

    with Backwards() as executor:
        assert list(in_order(executor, map(piece, range(7)))) == list(range(7))
    assert done != sorted(done)
