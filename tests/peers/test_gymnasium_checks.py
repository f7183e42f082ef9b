"""What Gymnasium's own tests ask of its environments holds for ours: its checker, rollouts, frames, pickles, copies."""

import pickle

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env, data_equivalence

from tests.peers.families import every_other_id, one_of_each_family

UNBOUNDED = "ignore:.*A Box observation space (min|max)imum value is -?infinity"  # velocities have no bounds
UNSEEN = "ignore:.*nothing is shown"


def checked(id):
    env = gymnasium.make(id, disable_env_checker=True)
    check_env(env.unwrapped)
    env.close()


@pytest.mark.filterwarnings(UNBOUNDED)
@pytest.mark.filterwarnings(UNSEEN)
@one_of_each_family
def test_the_checker_passes_without_a_display(id, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    checked(id)


@pytest.mark.slow
@pytest.mark.filterwarnings(UNBOUNDED)
@one_of_each_family
def test_the_checker_passes_with_a_display(id, monkeypatch):
    pytest.importorskip("pygame", reason="pip install 'rlbench[play]'")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    checked(id)


@pytest.mark.slow
@pytest.mark.filterwarnings(UNBOUNDED)
@every_other_id
def test_the_checker_passes_on_every_id(id, monkeypatch):
    pytest.importorskip("ale_py")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    checked(id)


def rollout_twice(id, steps):
    """The same seed and actions in two environments: everything is equal, `info` too."""
    one, other = gymnasium.make(id), gymnasium.make(id)
    assert data_equivalence(one.reset(seed=0), other.reset(seed=0))
    one.action_space.seed(0)
    for _ in range(steps):
        action = one.action_space.sample()
        seen = one.step(action)
        assert data_equivalence(seen, other.step(action))
        assert one.observation_space.contains(seen[0])
        if seen[2] or seen[3]:
            assert data_equivalence(one.reset(seed=0), other.reset(seed=0))


@one_of_each_family
def test_rollouts_are_deterministic(id):
    rollout_twice(id, 50)


@pytest.mark.slow
@every_other_id
def test_rollouts_of_every_id_are_deterministic(id):
    pytest.importorskip("ale_py")
    rollout_twice(id, 50)


@one_of_each_family
def test_frames_follow_the_steps(id):
    env = gymnasium.make(id, render_mode="rgb_array")
    assert {"human", "rgb_array"} <= {*env.metadata["render_modes"]}
    assert env.metadata["render_fps"] > 0
    env.reset(seed=0)
    for _ in range(2):
        frame = env.render()
        assert (frame.ndim, frame.shape[2], frame.dtype) == (3, 3, np.uint8)
        env.step(env.action_space.sample())


@one_of_each_family
def test_a_pickled_environment_is_the_same(id):
    env = gymnasium.make(id)
    pickle.loads(pickle.dumps(env)).close()  # before the first reset
    env.reset(seed=1)
    other = pickle.loads(pickle.dumps(env))
    action = env.action_space.sample()
    assert data_equivalence(env.step(action), other.step(action))
    assert data_equivalence(env.reset(), other.reset())


@one_of_each_family
def test_gymnasiums_wrappers_go_around_it(id):
    """As users stack them: statistics, observations as one vector, a limit, autoreset."""
    env = gymnasium.wrappers.FlattenObservation(gymnasium.make(id, render_mode="rgb_array"))
    env = gymnasium.wrappers.TimeLimit(gymnasium.wrappers.RecordEpisodeStatistics(env), 5)
    env = gymnasium.wrappers.RenderCollection(gymnasium.wrappers.Autoreset(env))
    env.reset(seed=0)
    for _ in range(7):
        observation = env.step(env.action_space.sample())[0]
        assert observation.ndim == 1
    assert len(env.render()) > 0
