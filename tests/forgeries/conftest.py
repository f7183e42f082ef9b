"""A folder of honest results, which each test forges in one way."""

import dataclasses
import hashlib
import shutil

import pytest

from rlbench.commands.shared.runs import load_runs
from rlbench.harness import submission
from rlbench.harness.evaluate import evaluate
from rlbench.harness.ranking.rankings import compute_rankings
from rlbench.harness.results import record
from rlbench.harness.results.writer import RecordWriter
from rlbench.harness.tasks.suite import SUITES, TASKS

CART_POLE = TASKS["cart-pole@1"]
AGENT = """
class Agent:
    def act(self, observation, first):
        return (observation[:, 2] > 0).astype(int)

def load(task, spaces, seed):
    return Agent()
"""


def write_run(results, name, seed, mean, task=CART_POLE, **changes):
    """Record made-up episodes as an evaluation would; the path of the record."""
    digest = hashlib.sha256(f"{name} {seed}".encode()).hexdigest()
    entrant = dataclasses.replace(
        submission.read("random"),
        **{"name": name, "training_seed": seed, "training_steps": 1000, "digest": digest, "contents": digest} | changes,
    )
    path = record.path_of(results, task, entrant)
    with RecordWriter(path, task, entrant, "landlock") as writer:
        for number in range(task.blocks):
            writer.commit(record.BlockResult(number, made_up(task, number, mean), 1.0, 0.5, 0.1, 1, None))
        writer.finish()
    return path


def made_up(task, number, mean):
    """The episodes of a block of cart-pole, all of `mean` steps."""
    return [
        record.EpisodeResult(
            i, task.episode(i)[0], float(mean), float(mean), mean, mean < 500, mean == 500, "ok", "0" * 16, {}
        )
        for i in task.block(number)
    ]


@pytest.fixture(scope="session")
def honest(tmp_path_factory):
    """Three training seeds of an honest agent, of means 100, 110 and 120, and two of a rival."""
    folder = tmp_path_factory.mktemp("honest") / "results"
    for seed, mean in enumerate((100, 110, 120)):
        write_run(folder, "honest", seed, mean)
    for seed, mean in enumerate((200, 210)):
        write_run(folder, "rival", seed, mean)
    return folder


@pytest.fixture
def results(honest, tmp_path):
    """A copy of the honest results."""
    return shutil.copytree(honest, tmp_path / "results")


@pytest.fixture
def forged(results):
    """The record of the honest agent's seed 0, which is to be forged."""
    (path,) = (
        path
        for path in record.find(results)
        if record.read(path).header["training_seed"] == 0 and path.name.startswith("honest@")
    )
    return path


@pytest.fixture
def board(results, monkeypatch):
    """What the page would say: the rows of cart-pole, and the reasons of what is not ranked, by agent."""
    monkeypatch.setattr("rlbench.core.compiler.cache.load", lambda name: None)
    monkeypatch.setattr("rlbench.core.compiler.cache.store", lambda name, content: None)

    def look():
        ranked = compute_rankings(load_runs(results), TASKS, SUITES)
        rows = {row.agent: row for row in ranked.tasks.get(CART_POLE.key, ())}
        return rows, [(row.agent, row.reason) for row in ranked.unranked]

    return look


@pytest.fixture(scope="session")
def played_once(tmp_path_factory):
    """An honest record, and its submission."""
    folder = tmp_path_factory.mktemp("played")
    (folder / "agent").mkdir()
    (folder / "agent" / "agent.py").write_text(AGENT, encoding="utf-8")
    fields = 'name = "lean"\nversion = "1"\nauthors = ["a"]\ntasks = ["cart-pole@1"]\nentry = "agent:load"\n'
    (folder / "agent" / "submission.toml").write_text(fields, encoding="utf-8")
    evaluate(CART_POLE, folder / "agent", folder / "results", quiet=True)
    return folder


@pytest.fixture
def played(played_once, tmp_path, monkeypatch):
    """A copy of the honest record, and of its submission; nothing is verified yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    shutil.copytree(played_once, tmp_path, dirs_exist_ok=True)
    (path,) = record.find(tmp_path / "results")
    return path, submission.read(str(tmp_path / "agent"))
