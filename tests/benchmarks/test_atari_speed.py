"""Agent steps per second of Atari games against ale-py's bare batch, EnvPool and Gymnasium's wrappers."""

import gymnasium
import numpy as np
import pytest

import rlbench  # registers the ids

ale_py = pytest.importorskip("ale_py", reason="pip install 'rlbench[atari]'")
STEPS, SHORT_STEPS = 640, 32  # agent steps of all games together in one round
GAMES = ["pong", "breakout"]


def batch_steps(envs, num_envs, calls):
    """A function that steps a batch, already reset, with sixteen sets of random actions in turn."""
    actions = np.random.default_rng(0).integers(3, size=(16, num_envs))

    def play():
        for i in range(calls):
            envs.step(actions[i % 16])

    return play


def single_steps(env, steps):
    """A function that plays random actions, beginning anew where an episode ends."""
    actions = np.random.default_rng(0).integers(3, size=steps).tolist()
    env.reset(seed=0)

    def play():
        for action in actions:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()

    return play


def ours(game, num_envs):
    envs = gymnasium.make_vec(rlbench.registry.atari_id(game), num_envs=num_envs)
    envs.reset(seed=0)
    return envs


def bare(game, num_envs):
    """ale-py's batch with the arguments that make it the same task; it plays the very same episodes."""
    envs = ale_py.AtariVectorEnv(
        game, num_envs, repeat_action_probability=0.25, noop_max=1, use_fire_reset=False, reward_clipping=False
    )
    envs.reset(seed=0)
    return envs


def envpool(game, num_envs):
    """EnvPool's batch, likewise, but with episodes of its own."""
    package = pytest.importorskip("envpool", reason="pip install 'rlbench[peers]'")
    envs = package.make_gymnasium(
        f"{game.title()}-v5",
        num_envs=num_envs,
        repeat_action_probability=0.25,
        noop_max=1,
        use_fire_reset=False,
        reward_clip=False,
        episodic_life=False,
        use_inter_area_resize=True,
    )
    envs.reset()
    return envs


@pytest.mark.benchmark(group="Atari")
@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("num_envs", [8, 32])
@pytest.mark.parametrize(
    ("peer", "against", "least"), [(bare, "ale-py's vector env, bare", 0.95), (envpool, "EnvPool", 1.0)]
)
def test_batch(game, num_envs, peer, against, least, compare, size):
    num_envs = size(num_envs, 2)
    calls = size(STEPS, SHORT_STEPS) // num_envs
    mine, theirs = (batch_steps(make(game, num_envs), num_envs, calls) for make in (ours, peer))
    limit = "emulation, which both share"
    compare(f"{game.title()}, {num_envs} games at once", against, mine, theirs, least=least, limit=limit)


@pytest.mark.benchmark(group="Atari")
@pytest.mark.parametrize("game", GAMES)
def test_single_game_against_gymnasiums_wrappers(game, compare, size):
    pytest.importorskip("cv2", reason="pip install 'rlbench[test]'")
    gymnasium.register_envs(ale_py)
    theirs = gymnasium.make(f"ALE/{game.title()}-v5", frameskip=1, repeat_action_probability=0.25)
    theirs = gymnasium.wrappers.AtariPreprocessing(theirs, noop_max=0)
    theirs = gymnasium.wrappers.FrameStackObservation(theirs, 4, padding_type="zero")
    single, steps = gymnasium.make(rlbench.registry.atari_id(game)), size(STEPS // 2, SHORT_STEPS)
    compare(
        f"a single {game.title()}",
        "Gymnasium's wrappers around ale-py",
        single_steps(single, steps),
        single_steps(theirs, steps),
        least=1.0,
        limit="emulation",
    )
