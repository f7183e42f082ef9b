"""Policy gradients where some actions are illegal: a world whose values are known, and which refuses such actions."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from baselines.algorithms import actor_critic, dqn, reinforce
from baselines.export import Origin, export
from baselines.training.events import Evaluated, Finished
from rlbench.errors import UnfitError, UserError
from rlbench.harness.layers.player import load

ID, REFUSED = "Masked-v0", "Masked-Tuple-v0"
LEGAL = np.array([[1, 0, 1, 1], [1, 1, 0, 0]], np.int8)
"""Masks of the two states."""
REWARD = np.array([0.2, 0.5, 1.0, 0.0])
"""By action: the best legal one is 2 in state 0, and 1 in state 1."""


class Masked(VectorEnv[Any, Any, Any]):
    """N episodes of one step: which of two states it is stands in the corner of a plane."""

    def __init__(self, num_envs: int = 1, mask: int = 4, opponents: tuple[str, ...] = ("nobody",)) -> None:
        self.opponents = opponents
        self.num_envs, self.metadata = num_envs, {"autoreset_mode": AutoresetMode.NEXT_STEP}
        plane = gymnasium.spaces.Box(0, 1, (1, 2, 2), np.uint8)
        legal = gymnasium.spaces.Box(0, 1, (mask,), np.int8)
        self.single_observation_space = gymnasium.spaces.Dict({"planes": plane, "action_mask": legal})
        self.single_action_space = gymnasium.spaces.Discrete(4)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.state = self.np_random.permutation(np.arange(self.num_envs) % 2)
        self.over = np.zeros(self.num_envs, bool)
        return self.observation(), {}

    def step(self, actions: np.ndarray) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        begins = self.over
        assert LEGAL[self.state, actions][~begins].all(), "an illegal action"
        reward = np.where(begins, 0.0, REWARD[actions])
        self.state = np.where(begins, self.np_random.integers(2, size=self.num_envs), self.state)
        self.over = ~begins
        return self.observation(), reward, self.over, np.zeros(self.num_envs, bool), {}

    def observation(self) -> dict[str, np.ndarray]:
        planes = np.zeros((self.num_envs, 1, 2, 2), np.uint8)
        planes[:, 0, 0, 0] = self.state
        return {"planes": planes, "action_mask": LEGAL[self.state]}


@pytest.fixture(autouse=True)
def registered() -> Any:
    gymnasium.register(ID, vector_entry_point=Masked)  # type: ignore[arg-type]
    gymnasium.register(REFUSED, vector_entry_point=Masked, kwargs={"mask": 3})  # type: ignore[arg-type]
    yield
    del gymnasium.registry[ID], gymnasium.registry[REFUSED]


COMMON: dict[str, Any] = {
    **{"task": ID, "reward_scale": 1.0, "observation_scale": (), "goal": np.inf, "eval_every_updates": 20},
    **{"num_envs": 16, "total_env_steps": 4_000, "learning_rate": 2e-2, "critic_learning_rate": 2e-2},
}
SETTINGS = {
    "reinforce": (reinforce, replace(reinforce.PRESETS["fast"], **COMMON)),
    "actor-critic": (actor_critic, replace(actor_critic.PRESETS["fast"], **COMMON, horizon=8)),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_the_best_legal_action_is_found_and_no_other_is_ever_played(name: str, tmp_path: Path) -> None:
    """The environment fails at an illegal action, in training and validation; the exported agent answers likewise."""
    module, settings = SETTINGS[name]
    *_, last = module.train(settings)
    assert isinstance(last, Finished)
    env = Masked(8)
    observation, _ = env.reset(seed=0)
    best = np.where(env.state == 0, 2, 1)
    folder = export(last.policy, Origin("masked", (), 0, 1), tmp_path / "agent")
    assert {path.name for path in folder.iterdir()} == {"graph.json", "submission.toml", "weights.safetensors"}
    agent = load(folder, observation, 0)
    for policy in (last.policy, agent):
        assert policy.act(observation, np.ones(8, bool)).tolist() == best.tolist()
        probabilities = policy.explain()["probabilities"]
        assert (probabilities[LEGAL[env.state] == 0] == 0).all()
        assert probabilities[np.arange(8), best].min() > 0.8


def test_log_probabilities_are_those_among_the_legal_actions() -> None:
    """The same as of a softmax over the legal logits alone."""
    learner = reinforce.Reinforce(replace(SETTINGS["reinforce"][1]))
    features = learner.rollout.encode(Masked(2).reset(seed=0)[0])
    free = learner.actor.network(learner.actor.tensor(features)).detach().numpy()
    for state, row, masked in zip(features, free, learner.actor.outputs(features), strict=True):
        legal = state[-4:] == 1
        expected = np.exp(row[legal]) / np.exp(row[legal]).sum()
        np.testing.assert_allclose((np.exp(masked) / np.exp(masked).sum())[legal], expected, rtol=1e-5)
    tensor = learner.actor.tensor(features)
    np.testing.assert_allclose(learner.actor(tensor).detach().numpy(), learner.actor.outputs(features), rtol=1e-5)
    learner.close()


@pytest.mark.parametrize(
    ("module", "settings", "message"),
    [
        (reinforce, replace(SETTINGS["reinforce"][1], task=REFUSED), "one number for each of 4 actions, not shape"),
        (reinforce, replace(SETTINGS["reinforce"][1], observation_scale=(1.0,)), "neither scaled nor normalized"),
        (dqn, replace(dqn.PRESETS["fast"], task=ID, observation_scale=()), "must be a Box or a Discrete"),
    ],
)
def test_what_cannot_learn_from_masks_says_so(module: Any, settings: Any, message: str) -> None:
    with pytest.raises(UnfitError, match=message):
        list(module.train(settings))


def test_the_opponent_is_that_of_training_and_of_validation() -> None:
    with closing(reinforce.Reinforce(replace(SETTINGS["reinforce"][1], opponent="somebody"))) as learner:
        assert [env.unwrapped.opponents for env in (learner.rollout.env, learner.validation.env)] == [("somebody",)] * 2
    with closing(reinforce.Reinforce(SETTINGS["reinforce"][1])) as learner:
        assert learner.rollout.env.unwrapped.opponents == ("nobody",)


def test_an_environment_without_opponents_says_so() -> None:
    with pytest.raises(UserError, match="cart-pole@1 takes no opponents"):
        list(reinforce.train(replace(reinforce.PRESETS["fast"], opponent="random")))


def test_games_of_go_are_won_and_lost() -> None:
    settings = replace(reinforce.PRESETS["go"], num_envs=4, evaluation_episodes=10, total_env_steps=300)
    *events, last = reinforce.train(replace(settings, eval_every_updates=1))
    assert isinstance(last, Finished)
    returns = [event.returns for event in events if isinstance(event, Evaluated)]
    assert {*np.concatenate(returns).tolist()} == {0.0, 1.0}
