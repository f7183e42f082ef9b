"""Policies of TorchRL: saved whole or as weights, one-hot or not, with memory or without; a trained one is scored."""

import dataclasses

import numpy as np
import pytest
from gymnasium import spaces

from rlbench import space_tree
from rlbench.harness.adapters.folder import TorchRLSettings
from rlbench.harness.evaluate import evaluate
from rlbench.harness.isolation.agent import Spaces
from rlbench.harness.results import record
from rlbench.harness.tasks.suite import get_task
from tests.harness.adapters import learn

pytestmark = pytest.mark.filterwarnings("ignore")  # TorchRL warns of its own dependencies
torch = pytest.importorskip("torch", reason="pip install 'rlbench[baselines]'")
VECTOR = spaces.Box(-2, 2, (4,), np.float64)


@pytest.fixture(scope="module")
def adapter():
    pytest.importorskip("torchrl", reason="pip install 'rlbench[peers]'")
    from rlbench.harness.adapters import torchrl

    return torchrl


def described(observation, action):
    return Spaces(space_tree.describe(observation), space_tree.describe(action))


def discrete(network, one_hot=True):
    """A policy as TorchRL's tutorials write it."""
    from tensordict.nn import TensorDictModule
    from torchrl.modules import OneHotCategorical, ProbabilisticActor

    kind = OneHotCategorical if one_hot else torch.distributions.Categorical
    module = TensorDictModule(network, in_keys=["observation"], out_keys=["logits"])
    return ProbabilisticActor(module, in_keys=["logits"], distribution_class=kind)


def continuous(network):
    from tensordict.nn import NormalParamExtractor, TensorDictModule
    from torchrl.modules import ProbabilisticActor, TanhNormal

    layers = torch.nn.Sequential(network, NormalParamExtractor())
    module = TensorDictModule(layers, in_keys=["observation"], out_keys=["loc", "scale"])
    return ProbabilisticActor(module, in_keys=["loc", "scale"], distribution_class=TanhNormal)


@pytest.mark.parametrize("one_hot", [True, False])
def test_the_most_likely_action_is_taken(one_hot, adapter, tmp_path):
    network = torch.nn.Linear(4, 3)
    torch.save(discrete(network, one_hot), tmp_path / "policy.pt")
    played = described(VECTOR, spaces.Discrete(3, start=1))
    agent = adapter.load(str(tmp_path), TorchRLSettings(), played, 0, "cpu")
    seen = np.random.default_rng(0).normal(size=(7, 4))
    best = network(torch.as_tensor(seen).float()).argmax(1).numpy() + 1
    assert np.array_equal(agent.act(seen, np.ones(7, bool)), best)


def test_continuous_actions_and_draws(adapter, tmp_path):
    torch.save(continuous(torch.nn.Linear(4, 4)), tmp_path / "policy.pt")
    action = spaces.Box(-1, 1, (2,), np.float32)
    seen = np.random.default_rng(0).normal(size=(50, 4))
    drawn = []
    for seed, deterministic in ((1, False), (1, False), (2, False), (1, True), (2, True)):
        settings = TorchRLSettings(deterministic=deterministic)
        agent = adapter.load(str(tmp_path), settings, described(VECTOR, action), seed, "cpu")
        drawn.append(agent.act(seen, np.ones(50, bool)).tolist())
    assert drawn[0] == drawn[1] != drawn[2]
    assert drawn[3] == drawn[4] != drawn[0]
    assert spaces.Box(-1, 1, (50, 2)).contains(np.array(drawn[3], np.float32))


def test_a_state_dict_needs_the_function_that_makes_the_policy(adapter, tmp_path, monkeypatch):
    policy = discrete(torch.nn.Linear(4, 3))
    torch.save(policy.state_dict(), tmp_path / "policy.pt")
    played = described(VECTOR, spaces.Discrete(3))
    with pytest.raises(ValueError, match="holds weights alone"):
        adapter.load(str(tmp_path), TorchRLSettings(), played, 0, "cpu")
    lines = ("import torch", "from tests.harness.adapters.test_torchrl import discrete", "")
    make = "def make(observation, action):\n    return discrete(torch.nn.Linear(*observation.shape, action.n))\n"
    (tmp_path / "made_here.py").write_text("\n".join(lines) + make, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    agent = adapter.load(str(tmp_path), TorchRLSettings(build="made_here:make"), played, 0, "cpu")
    seen = np.random.default_rng(0).normal(size=(7, 4))
    expected = policy.module[0].module(torch.as_tensor(seen).float()).argmax(1).numpy()
    assert np.array_equal(agent.act(seen, np.ones(7, bool)), expected)


def test_memory_is_carried_and_forgotten(adapter, tmp_path):
    from tensordict.nn import TensorDictSequential
    from torchrl.modules import GRUModule

    memory = GRUModule(input_size=4, hidden_size=8, in_key="observation", out_key="features")
    head = discrete(torch.nn.Linear(8, 3))
    head.module[0].in_keys = ["features"]
    torch.save(TensorDictSequential(memory, *head.module), tmp_path / "policy.pt")
    agent = adapter.load(str(tmp_path), TorchRLSettings(), described(VECTOR, spaces.Discrete(3)), 0, "cpu")
    seen = np.random.default_rng(0).normal(size=(2, 4))
    agent.act(seen, np.ones(2, bool))
    (once,) = agent.memory.values()
    agent.act(seen, np.array([True, False]))
    (twice,) = agent.memory.values()
    assert torch.allclose(once[0], twice[0])
    assert not torch.allclose(once[1], twice[1])


def test_what_is_no_policy_is_refused(adapter, tmp_path):
    torch.save(torch.nn.Linear(4, 3), tmp_path / "policy.pt")
    with pytest.raises(TypeError, match="Linear is no policy of TorchRL"):
        adapter.load(str(tmp_path), TorchRLSettings(), described(VECTOR, spaces.Discrete(3)), 0, "cpu")


def test_a_trained_policy_is_scored_behind_the_sandbox(adapter, tmp_path, submit):
    path = submit(source="", entry="rlbench:torchrl", tasks=["cart-pole@1"])
    (path / "agent.py").unlink()
    network = torch.nn.Sequential(torch.nn.Linear(4, 32), torch.nn.Tanh(), torch.nn.Linear(32, 2))
    learn.reinforce(network)
    torch.save(discrete(network), path / "policy.pt")
    task = dataclasses.replace(get_task("cart-pole"), episodes=10, num_envs=10)
    run = record.read(evaluate(task, path, tmp_path / "results", quiet=True))
    assert {line["status"] for line in run.episodes} == {"ok"}
    assert np.mean([line["return"] for line in run.episodes]) > 60  # a random agent gets 23
