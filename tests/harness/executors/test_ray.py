"""Blocks on a cluster of Ray: the record of a serial run, also where a node is killed half-way."""

import dataclasses
import importlib.util
import os
import signal
import warnings

import pytest

from rlbench.errors import LackingError, UserError
from rlbench.harness.evaluate import evaluate, evaluate_all
from rlbench.harness.executors import on_ray
from rlbench.harness.results import record
from rlbench.harness.tasks.suite import get_task
from tests.harness.executors.test_shards import DRAWS

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")


@pytest.fixture
def grid():
    """Sixteen episodes of grid world in eight blocks."""
    return dataclasses.replace(get_task("grid-world"), episodes=16, num_envs=2)


@pytest.fixture
def cluster(monkeypatch):
    """A cluster of two nodes on this machine, with one core each."""
    import ray
    from ray.cluster_utils import Cluster

    before = signal.getsignal(signal.SIGTERM)
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.add_node(num_cpus=1)
    signal.signal(signal.SIGTERM, before)  # its nodes have set another
    monkeypatch.setenv("RAY_ADDRESS", made.address)
    yield made
    ray.shutdown()
    made.shutdown()


def test_without_ray(grid, submit, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(LackingError, match="--executor ray needs Ray: pip install"):
        list(evaluate_all([(grid, submit(source=DRAWS))], tmp_path / "results", executor="ray", quiet=True))


@needs_ray
@pytest.mark.filterwarnings("ignore")  # Ray's own, about files and sockets that it leaves open
def test_two_nodes_of_which_one_is_killed_half_way(grid, submit, tmp_path, cluster):
    agents = [submit(source=DRAWS, folder=f"s{seed}", training_seed=seed) for seed in range(3)]
    ended, on_sigterm = [], signal.getsignal(signal.SIGTERM)
    for run in evaluate_all([(grid, each) for each in agents], tmp_path / "ray", jobs=None, executor="ray", quiet=True):
        ended.append(run.outcome)
        if len(ended) == 1:
            cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
    assert len(ended) == 3
    assert signal.getsignal(signal.SIGTERM) is on_sigterm
    for agent in agents:
        whole = evaluate(grid, agent, tmp_path / "serial", quiet=True)
        a, b = record.read(tmp_path / "ray" / grid.key / whole.name), record.read(whole)
        assert (a.complete, a.episodes) == (b.complete, b.episodes)


@needs_ray
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_other_versions_and_no_cluster_are_refused(grid, submit, tmp_path, cluster, monkeypatch):
    here = on_ray.surroundings()
    monkeypatch.setattr(on_ray, "surroundings", lambda: {**here, "numpy": "1.0"})
    pairs = [(grid, submit(source=DRAWS))]
    (run,) = evaluate_all(pairs, tmp_path / "results", executor="ray", quiet=True)
    assert str(run.outcome) == f"a node of Ray has numpy {here['numpy']}, here it is 1.0; install the same"


class Dies:
    """Work that kills its process."""

    digest, calls = "dies", 0

    def __init__(self, may_be_repeated):
        self.may_be_repeated = may_be_repeated

    def __str__(self):
        return "the work"

    def files(self):
        return {}

    def elsewhere(self, files):
        return lambda kept: os.kill(os.getpid(), signal.SIGKILL)


@needs_ray
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("may_be_repeated", "attempts"), [(True, "3 attempts"), (False, "1 attempt")])
def test_work_that_kills_its_worker_ends(may_be_repeated, attempts, cluster):
    with warnings.catch_warnings(), on_ray.RayExecutor() as executor:
        assert executor.free == 2
        executor.submit("name", Dies(may_be_repeated))
        name, error = executor.next()
    assert name == "name"
    assert isinstance(error, UserError)
    assert str(error).startswith(f"the work, {attempts}: its worker died")
