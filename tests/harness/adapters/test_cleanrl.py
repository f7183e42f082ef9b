"""Agents of CleanRL from their weights: each published network acts as its module does, and a trained one is scored."""

import dataclasses

import numpy as np
import pytest
from gymnasium import spaces

from rlbench import space_tree
from rlbench.harness.adapters.folder import CleanRLSettings
from rlbench.harness.evaluate import evaluate
from rlbench.harness.isolation.agent import Spaces
from rlbench.harness.results import record
from rlbench.harness.tasks.suite import get_task
from tests.harness.adapters import learn

torch = pytest.importorskip("torch", reason="pip install 'rlbench[baselines]'")
cleanrl = pytest.importorskip("rlbench.harness.adapters.cleanrl")
networks = pytest.importorskip("tests.harness.adapters.cleanrl_networks")

VECTOR, PIXELS = spaces.Box(-np.inf, np.inf, (6,), np.float64), spaces.Box(0, 255, (4, 84, 84), np.uint8)
DISCRETE, CONTINUOUS = spaces.Discrete(5, start=2), spaces.Box(-1, 1, (3,), np.float32)
PUBLISHED = {
    "ppo": (networks.PPO, VECTOR, DISCRETE),
    "ppo_continuous_action": (networks.ContinuousPPO, VECTOR, CONTINUOUS),
    "ppo_atari": (networks.AtariPPO, PIXELS, DISCRETE),
    "ppo_atari_lstm": (networks.AtariLSTM, PIXELS, DISCRETE),
    "dqn": (networks.DQN, VECTOR, DISCRETE),
    "dqn_atari": (networks.AtariDQN, PIXELS, DISCRETE),
    "pqn": (networks.PQN, VECTOR, DISCRETE),
    "c51": (networks.C51, VECTOR, DISCRETE),
    "td3_continuous_action": (networks.Squashed, VECTOR, CONTINUOUS),
    "sac_continuous_action": (networks.SAC, VECTOR, CONTINUOUS),
    "sac_atari": (networks.AtariSAC, PIXELS, DISCRETE),
}


def described(observation, action):
    return Spaces(space_tree.describe(observation), space_tree.describe(action))


def observations(space, N=5):
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, 256, (N, *space.shape)) if space.dtype == np.uint8 else rng.normal(size=(N, *space.shape))
    return drawn.astype(space.dtype)


def made(kind):
    torch.manual_seed(3)
    make, observation, action = PUBLISHED[kind]
    module = make(observation.shape[0], 5 if action is DISCRETE else 3)
    return module, observation, action


@pytest.mark.parametrize("kind", PUBLISHED)
def test_each_published_network_acts_as_its_module_does(kind, tmp_path):
    module, observation, action = made(kind)
    torch.save(module.state_dict(), tmp_path / "agent.cleanrl_model")
    agent = cleanrl.load(str(tmp_path), CleanRLSettings(), described(observation, action), 0, "cpu")
    seen = observations(observation)
    for step in range(2):
        chosen = agent.act(seen, np.full(5, step == 0))
        with torch.no_grad():
            best = module.best(torch.as_tensor(seen)).numpy()
        assert np.array_equal(chosen, best + 2 if action is DISCRETE else best.astype(np.float32))


def test_an_lstm_forgets_where_an_episode_begins(tmp_path):
    module, observation, action = made("ppo_atari_lstm")
    torch.save(module.state_dict(), tmp_path / "agent.cleanrl_model")
    agent = cleanrl.load(str(tmp_path), CleanRLSettings(), described(observation, action), 0, "cpu")
    seen = observations(observation)
    agent.act(seen, np.ones(5, bool))
    agent.act(seen, np.array([True, False, False, False, False]))
    after_one, after_two = (each.clone() for each in agent.network.state[0][0, :2])
    fresh = cleanrl.load(str(tmp_path), CleanRLSettings(), described(observation, action), 0, "cpu")
    fresh.act(seen, np.ones(5, bool))
    assert torch.allclose(fresh.network.state[0][0, 0], after_one)
    assert not torch.allclose(fresh.network.state[0][0, 1], after_two)


@pytest.mark.parametrize("wrapped", ["tuple", "arguments", "compiled", "safetensors"])
def test_what_scripts_wrap_around_a_state_dict_is_taken_off(wrapped, tmp_path):
    weights = made("dqn")[0].state_dict()
    if wrapped == "safetensors":
        pytest.importorskip("safetensors.torch").save_file(weights, tmp_path / "a.safetensors")
        found = cleanrl.load_weights(tmp_path / "a.safetensors")
    else:
        forms = {
            "tuple": (weights, {}),
            "arguments": {"model_weights": weights, "args": {"seed": 1}},
            "compiled": {f"_orig_mod.{name}": value for name, value in weights.items()},
        }
        torch.save(forms[wrapped], tmp_path / "a.cleanrl_model")
        found = cleanrl.load_weights(tmp_path / "a.cleanrl_model")
    assert found.keys() == weights.keys()


def test_statistics_of_observations_are_used(tmp_path):
    module, observation, action = made("ppo_continuous_action")
    torch.save(module.state_dict(), tmp_path / "agent.cleanrl_model")
    mean, var = np.arange(6.0), np.full(6, 4.0)
    np.savez(tmp_path / "normalization.npz", mean=mean, var=var)
    agent = cleanrl.load(str(tmp_path), CleanRLSettings(), described(observation, action), 0, "cpu")
    seen = observations(observation)
    normal = torch.as_tensor(((seen - mean) / 2).clip(-10, 10))
    with torch.no_grad():
        assert np.allclose(agent.act(seen, np.ones(5, bool)), module.best(normal).numpy(), atol=1e-5)


@pytest.mark.parametrize("kind", ["ppo", "ppo_continuous_action", "sac_continuous_action", "dqn"])
def test_actions_are_drawn_where_that_is_asked_for(kind, tmp_path):
    module, observation, action = made(kind)
    torch.save(module.state_dict(), tmp_path / "agent.cleanrl_model")
    settings = CleanRLSettings(deterministic=False)
    agents = [cleanrl.load(str(tmp_path), settings, described(observation, action), seed, "cpu") for seed in (1, 1, 2)]
    seen, chosen = observations(observation, 40), []
    for seed, agent in zip((1, 1, 2), agents, strict=True):
        torch.manual_seed(seed)
        chosen.append(agent.act(seen, np.ones(40, bool)))
    assert np.array_equal(chosen[0], chosen[1])
    assert np.array_equal(chosen[0], chosen[2]) == (kind == "dqn")  # which has no probabilities


WRONG = {
    "other names": ({"a.weight": (2, 3)}, VECTOR, DISCRETE, "no network that CleanRL publishes"),
    "other observations": ({"actor.0.weight": (8, 4), "actor.2.weight": (5, 8)}, VECTOR, DISCRETE, "takes 4 numbers"),
    "other actions": ({"actor.0.weight": (8, 6), "actor.2.weight": (3, 8)}, VECTOR, DISCRETE, "has 3 outputs"),
    "continuous": ({"actor.0.weight": (8, 6), "actor.2.weight": (3, 8)}, VECTOR, CONTINUOUS, "for discrete actions"),
    "a dict": ({}, spaces.Dict({"x": VECTOR}), DISCRETE, "take one array"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_weights_that_do_not_fit_are_explained(wrong, tmp_path):
    shapes, observation, action, words = WRONG[wrong]
    torch.save({name: torch.zeros(shape) for name, shape in shapes.items()}, tmp_path / "agent.cleanrl_model")

    def play():
        agent = cleanrl.load(str(tmp_path), CleanRLSettings(), described(observation, action), 0, "cpu")
        agent.act(observations(observation), np.ones(5, bool))

    with pytest.raises(ValueError, match=words):
        play()


def test_a_trained_network_is_scored_behind_the_sandbox(tmp_path, submit):
    path = submit(source="", entry="rlbench:cleanrl", tasks=["cart-pole@1"])
    (path / "agent.py").unlink()
    agent = networks.PPO(4, 2)
    learn.reinforce(agent.actor, seed=0)
    torch.save(agent.state_dict(), path / "agent.cleanrl_model")
    task = dataclasses.replace(get_task("cart-pole"), episodes=10, num_envs=10)
    run = record.read(evaluate(task, path, tmp_path / "results", quiet=True))
    returns = [line["return"] for line in run.episodes]
    assert {line["status"] for line in run.episodes} == {"ok"}
    assert np.mean(returns) > 60  # a random agent gets 23
    assert len(run.header["player"]) == 64
