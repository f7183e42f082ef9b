"""stable-baselines3's checker passes, frames included, and its algorithms train, whatever seeds it draws."""

import gymnasium
import numpy as np
import pytest

from tests.peers.families import one_of_each_family

pytest.importorskip("stable_baselines3", reason="pip install 'rlbench[peers]'")
pytestmark = pytest.mark.filterwarnings("ignore:The action space is not based off")  # it has no Dict actions at all


@pytest.mark.filterwarnings("ignore:It seems that your observation")  # glimpses are floats
@pytest.mark.filterwarnings("ignore:The minimal resolution")  # and small
@one_of_each_family
def test_the_checker_passes(id):
    from stable_baselines3.common.env_checker import check_env

    check_env(gymnasium.make(id, render_mode="rgb_array"), skip_render_check=False)


def test_an_agent_trains_on_a_game_with_the_seeds_that_are_drawn(monkeypatch):
    pytest.importorskip("ale_py", reason="pip install 'rlbench[atari]'")
    from stable_baselines3 import A2C
    from stable_baselines3.common.env_util import make_vec_env

    envs = make_vec_env("rlbench/AtariPong-v0", 2)
    monkeypatch.setattr(np.random, "randint", lambda low, high, dtype: np.array(high - 3, dtype))  # up to 32 bits
    assert max(envs.seed(None)) > 2**31
    model = A2C("CnnPolicy", envs, n_steps=4).learn(8)
    assert model.num_timesteps == 8
