"""Agent steps per second of Atari games against ale-py's bare batch, EnvPool and Gymnasium's wrappers."""

import gymnasium
import numpy as np
import pytest

import rlbench  # registers the ids

ale_py = pytest.importorskip("ale_py", reason="pip install 'rlbench[atari]'")
LANE_STEPS = 640  # agent steps of all lanes together in one round
GAMES = ["pong", "breakout"]


def batch_steps(envs, lanes, calls):
    """A function that steps a batch, already reset, with sixteen sets of random actions in turn."""
    actions = np.random.default_rng(0).integers(3, size=(16, lanes))

    def play():
        for i in range(calls):
            envs.step(actions[i % 16])

    return play


def single_steps(env):
    """A function that plays random actions, beginning anew where an episode ends."""
    actions = np.random.default_rng(0).integers(3, size=LANE_STEPS // 2).tolist()
    env.reset(seed=0)

    def play():
        for action in actions:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()

    return play


def ours(game, lanes):
    envs = gymnasium.make_vec(rlbench.registry.atari_id(game), num_envs=lanes)
    envs.reset(seed=0)
    return envs


def bare(game, lanes):
    """ale-py's batch with the arguments that make it the same task; it plays the very same episodes."""
    envs = ale_py.AtariVectorEnv(
        game, lanes, repeat_action_probability=0.25, noop_max=1, use_fire_reset=False, reward_clipping=False
    )
    envs.reset(seed=0)
    return envs


def envpool(game, lanes):
    """EnvPool's batch, likewise, but with episodes of its own."""
    package = pytest.importorskip("envpool", reason="pip install 'rlbench[peers]'")
    envs = package.make_gymnasium(
        f"{game.title()}-v5",
        num_envs=lanes,
        repeat_action_probability=0.25,
        noop_max=1,
        use_fire_reset=False,
        reward_clip=False,
        episodic_life=False,
        use_inter_area_resize=True,
    )
    envs.reset()
    return envs


@pytest.mark.benchmark(group="atari")
@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("lanes", [8, 32])
@pytest.mark.parametrize(("peer", "least"), [(bare, 0.95), (envpool, 1.0)])
def test_batch(game, lanes, peer, least, compare):
    name = f"{game}, {lanes} lanes, against {peer.__name__}"
    calls = LANE_STEPS // lanes
    ratio = compare(name, *(batch_steps(make(game, lanes), lanes, calls) for make in (ours, peer)))
    assert ratio >= least


@pytest.mark.benchmark(group="atari")
@pytest.mark.parametrize("game", GAMES)
def test_single_game_against_gymnasiums_wrappers(game, compare):
    pytest.importorskip("cv2", reason="pip install 'rlbench[test]'")
    gymnasium.register_envs(ale_py)
    theirs = gymnasium.make(f"ALE/{game.title()}-v5", frameskip=1, repeat_action_probability=0.25)
    theirs = gymnasium.wrappers.AtariPreprocessing(theirs, noop_max=0)
    theirs = gymnasium.wrappers.FrameStackObservation(theirs, 4, padding_type="zero")
    single = gymnasium.make(rlbench.registry.atari_id(game))
    assert compare(f"{game}, alone", single_steps(single), single_steps(theirs)) >= 1.0
