"""`torchrl_env` against single environments of Gymnasium, and TorchRL's own checker."""

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from rlbench.errors import ArgumentError
from rlbench.interop import torchrl_env
from tests.core import families

pytestmark = pytest.mark.filterwarnings("ignore")  # TorchRL warns of its own dependencies
CART_POLE = "rlbench/CartPole-v0"
CASES = {**families.FAMILIES, "go": "rlbench/Go5x5-v0", "gymnasium's own": "MountainCar-v0"}


@pytest.fixture(scope="module", autouse=True)
def torchrl():
    return pytest.importorskip("torchrl", reason="pip install 'rlbench[peers]'")


@pytest.mark.parametrize("case", CASES)
def test_the_checker_passes(case):
    from torchrl.envs.utils import check_env_specs

    if case in families.FAMILIES:
        families.require(case)
    envs = torchrl_env(CASES[case], 3, **({"opponent": "random"} if case == "go" else {}))
    check_env_specs(envs, seed=2)
    assert envs.rollout(4, break_when_any_done=False)["next", "reward"].shape == (3, 4, 1)
    envs.close()


def test_steps_are_those_of_single_environments():
    envs = torchrl_env(CART_POLE, 3, seed=5, categorical_action_encoding=True, max_episode_steps=30)
    steps = envs.rollout(80, break_when_any_done=False)
    assert steps["next", "done"].sum() > 6
    assert steps["next", "truncated"].any()
    for i in range(3):
        env = gymnasium.make(CART_POLE, max_episode_steps=30)
        env.reset(seed=5 + i)  # TorchRL seeds by a reset of its own; the rollout begins the next episode
        seen = env.reset()[0]
        for step in steps[i]:
            assert np.array_equal(step["observation"].numpy(), seen)
            seen, reward, terminated, truncated, _ = env.step(int(step["action"]))
            after = step["next"]
            assert np.array_equal(after["observation"].numpy(), seen), "what the step reached, also at an end"
            assert (after["reward"], after["terminated"], after["truncated"]) == (reward, terminated, truncated)
            seen = env.reset()[0] if terminated or truncated else seen


def test_actions_of_several_parts_are_drawn_and_taken():
    envs = torchrl_env("rlbench/GlimpseMNIST-v0", 4, seed=0, categorical_action_encoding=True)
    steps = envs.rollout(5, break_when_any_done=False)
    assert steps["location"].shape == (4, 5, 2)
    assert steps["label"].shape == (4, 5)


def test_a_batch_of_another_mode_is_refused():
    envs = gymnasium.make_vec(CART_POLE, num_envs=2, autoreset_mode=AutoresetMode.SAME_STEP)
    with pytest.raises(ArgumentError, match=r"make it with autoreset_mode=AutoresetMode\.DISABLED"):
        torchrl_env(envs)
