"""Distributions over actions against torch's own, and one over continuous actions that nobody shipped."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch

from baselines import actor_critic, on_policy, reinforce
from baselines.distributions import Categorical, head
from rlbench.errors import UserError


def test_log_prob_and_entropy() -> None:
    outputs = torch.tensor([[1.0, 2.0, -3.0], [0.0, 0.0, 50.0]])
    second = torch.distributions.Categorical(logits=outputs)
    a = torch.tensor([1, 0])
    torch.testing.assert_close(Categorical(3).log_prob(outputs, a), second.log_prob(a))
    torch.testing.assert_close(Categorical(3).entropy(outputs), second.entropy())


def test_samples_come_as_often_as_they_should() -> None:
    outputs = np.log(np.array([[0.2, 0.5, 0.3]], np.float32)) + 700  # a shift that would overflow exp
    u = np.linspace(0, 1, 1000, endpoint=False)[:, None]
    drawn = Categorical(3).sample(np.repeat(outputs, 1000, axis=0), u)
    assert np.bincount(drawn).tolist() == pytest.approx([200, 500, 300], abs=1)
    assert Categorical(3).sample(outputs, np.array([[np.nextafter(1, 0)]])).tolist() == [2]


def test_an_action_of_no_probability_is_never_drawn() -> None:
    outputs = np.array([[-np.inf, 0.0, -np.inf]])
    for u in (0.0, 0.5, np.nextafter(1, 0)):
        assert Categorical(3).sample(outputs, np.array([[u]])).tolist() == [1]


def test_spaces_without_a_distribution() -> None:
    assert head(gymnasium.spaces.Discrete(3)).outputs == 3
    with pytest.raises(UserError, match="actions must be Discrete"):
        head(gymnasium.spaces.Box(-1, 1, (2,)))


class Gaussian:
    """Normal actions in one dimension, the outputs being mean and log deviation."""

    outputs, noise = 2, 1

    def sample(self, outputs: np.ndarray, u: np.ndarray) -> np.ndarray:
        normal = torch.special.ndtri(torch.from_numpy(u)).numpy()
        return np.clip(outputs[:, :1] + np.exp(outputs[:, 1:]) * normal, -1e3, 1e3).astype(np.float32)

    def log_prob(self, outputs: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
        return torch.distributions.Normal(outputs[:, 0], outputs[:, 1].exp()).log_prob(a[:, 0])

    def entropy(self, outputs: torch.Tensor) -> torch.Tensor:
        return outputs[:, 1] + 0.5 * np.log(2 * np.pi * np.e)


class Target(gymnasium.vector.VectorEnv[Any, Any, Any]):
    """Episodes of one step; the reward is minus the squared distance of the action from 0.5."""

    def __init__(self, num_envs: int = 1) -> None:
        self.num_envs = num_envs
        self.metadata = {"autoreset_mode": gymnasium.vector.AutoresetMode.SAME_STEP}
        self.single_observation_space = gymnasium.spaces.Box(-1, 1, (1,), np.float32)
        self.single_action_space = gymnasium.spaces.Box(-1e3, 1e3, (1,), np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        return np.zeros((self.num_envs, 1), np.float32), {}

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        seen, over = np.zeros((self.num_envs, 1), np.float32), np.ones(self.num_envs, bool)
        return seen, -((actions[:, 0] - 0.5) ** 2), over, ~over, {"final_obs": seen, "_final_obs": over}


@pytest.mark.parametrize(("module", "updates"), [(reinforce, 150), (actor_critic, 30)])
def test_continuous_actions_need_a_head_and_no_copy(module: Any, updates: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if "Target-v0" not in gymnasium.registry:
        gymnasium.register("Target-v0", vector_entry_point=Target)  # type: ignore[arg-type]
    monkeypatch.setattr(on_policy, "head", lambda space: Gaussian())
    config = replace(module.PRESETS["fast"], task="Target-v0", observation_scale=(), reward_scale=1.0)
    learner = on_policy.make_learner(config)
    learner.lanes.reset(0)
    for _ in range(updates):
        module.update(learner)
    mean, _ = learner.actor.outputs(np.zeros((1, 1), np.float32))[0]
    assert mean == pytest.approx(0.5, abs=0.15)
