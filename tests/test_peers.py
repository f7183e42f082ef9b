"""Other libraries train on these environments: a smoke test each, where the library is installed."""

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

import rlbench  # noqa: F401  # registers the ids


def test_stable_baselines3_trains_on_make():
    stable_baselines3 = pytest.importorskip("stable_baselines3", reason="pip install 'rlbench[peers]'")
    model = stable_baselines3.PPO("MlpPolicy", gymnasium.make("rlbench/CartPole-v0"), n_steps=64, batch_size=32, seed=0)
    model.learn(128)
    assert model.num_timesteps >= 128


@pytest.mark.filterwarnings("ignore")  # TorchRL warns of its own dependencies
def test_torchrl_steps_a_same_step_batch():
    pytest.importorskip("torchrl", reason="pip install 'rlbench[peers]'")
    from torchrl.envs import GymWrapper

    envs = gymnasium.make_vec("rlbench/CartPole-v0", num_envs=4, autoreset_mode=AutoresetMode.SAME_STEP)
    steps = GymWrapper(envs).rollout(100, break_when_any_done=False)
    assert steps.shape == (4, 100)
    done = steps["next", "done"].numpy()[..., 0]
    assert done.any()
    reached = steps["next", "observation"].numpy()[done]
    beyond = (np.abs(reached[:, 0]) > 2.4) | (np.abs(reached[:, 2]) > 12 * np.pi / 180)
    assert beyond.all(), "the last observation of an episode is what the step reached, not the next start"


def test_cleanrls_loop_runs_on_make_vec():
    """The interaction of CleanRL's PPO: statistics wrapper, `final_info`-free NEXT_STEP batch, torch in between."""
    torch = pytest.importorskip("torch")
    envs = gymnasium.make_vec("rlbench/CartPole-v0", num_envs=4)
    envs = gymnasium.wrappers.vector.RecordEpisodeStatistics(envs)
    observations, _ = envs.reset(seed=1)
    policy = torch.nn.Linear(4, 2)
    lengths = []
    for _ in range(200):
        logits = policy(torch.as_tensor(observations))
        actions = torch.distributions.Categorical(logits=logits).sample()
        observations, _, _, _, infos = envs.step(actions.numpy())
        if "episode" in infos:
            lengths += infos["episode"]["l"][infos["_episode"]].tolist()
    assert lengths
    assert min(lengths) > 0
