"""Environments of others: mountain car of Gymnasium, and one that is wrong in many ways."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

from rlbench import environments
from rlbench.errors import UserError
from rlbench.harness.play import make_env
from rlbench.harness.tasks.task import Task
from rlbench.interact.episode import make
from rlbench.space_tree import SpaceError

SAME_STEP = AutoresetMode.SAME_STEP


class Counter(gymnasium.Env):
    """Counts to three; the observation is the reset option `start`. `fault` is what goes wrong."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 5}  # noqa: RUF012
    observation_space, action_space = spaces.Box(0, 100, (1,), np.float32), spaces.Discrete(2)

    def __init__(self, render_mode=None, fault=None):
        self.render_mode, self.fault, self.start = render_mode, fault, 0.0
        if fault == "text":
            self.observation_space = spaces.Text(5)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.start, self.count = (options or {}).get("start", 0.0), 0
        if self.fault == "reset":
            {}["gone"]
        return np.array([self.start], np.float32), {"kind": type(self.start).__name__}

    def step(self, action):
        self.count += 1
        if self.fault == "step":
            raise gymnasium.error.InvalidAction("no") if action else ZeroDivisionError("by zero")
        return np.array([self.start], np.float32), 1.0, self.count == 3, False, {}

    def render(self):
        return None if self.fault == "frame" else np.zeros((4, 6, 3), np.uint8)


class WithoutFrames(Counter):
    metadata = {"render_modes": ["human"]}  # noqa: RUF012


class OwnBatch(gymnasium.vector.SyncVectorEnv):
    """A batch of its own that knows one autoreset mode, as Gymnasium's vector cart-pole does."""

    def __init__(self, num_envs, **kwargs):
        super().__init__([lambda: Counter(**kwargs)] * num_envs)


@pytest.fixture(autouse=True)
def registered():
    ids = {"foreign/Counter-v0": (Counter, None), "foreign/Blind-v0": (WithoutFrames, None)}
    ids["foreign/Batch-v0"] = (Counter, OwnBatch)
    for env_id, (entry_point, batch) in ids.items():
        gymnasium.register(env_id, entry_point, vector_entry_point=batch)
    yield
    for env_id in ids:
        del gymnasium.registry[env_id]


@pytest.mark.parametrize("env_id", ["foreign/Counter-v0", "foreign/Batch-v0", "MountainCar-v0", "CartPole-v1"])
@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_every_batch_has_the_mode_that_was_asked_for(env_id, mode):
    envs = environments.make_vec(env_id, 2, mode)
    assert envs.metadata["autoreset_mode"] is mode
    assert envs.num_envs == 2
    envs.close()


def test_a_batch_is_the_single_environment():
    envs, singles = (
        environments.make_vec("MountainCar-v0", 3, SAME_STEP),
        [gymnasium.make("MountainCar-v0") for _ in range(3)],
    )
    observations, _ = envs.reset(seed=[5, 7, 6])
    for single, seed, observation in zip(singles, [5, 7, 6], observations, strict=True):
        np.testing.assert_array_equal(single.reset(seed=seed)[0], observation)
    for t in range(50):
        actions = np.array([t % 3, (t + 1) % 3, 2])
        observations, rewards, *_ = envs.step(actions)
        for single, action, observation, reward in zip(singles, actions, observations, rewards, strict=True):
            np.testing.assert_array_equal(single.step(action)[0], observation)
            assert reward == -1


def test_each_environment_of_a_batch_has_its_own_options():
    envs = environments.make_vec("foreign/Counter-v0", 3, SAME_STEP)
    observations, info = envs.reset(seed=0, options={"start": np.array([1.0, 2.5, 3.0])})
    assert observations.ravel().tolist() == [1.0, 2.5, 3.0]
    assert info["kind"].tolist() == ["float"] * 3


FAULTS = {
    "reset": "foreign/Counter-v0: KeyError: 'gone' ",
    "step": "foreign/Counter-v0: ZeroDivisionError: by zero ",
}


def begin_and_step(env, action):
    env.reset(seed=0)
    env.step(action)


@pytest.mark.parametrize("fault", FAULTS)
def test_exceptions_name_the_environment_and_the_line(fault):
    envs = environments.make_vec("foreign/Counter-v0", 2, SAME_STEP, fault=fault)
    env = make("foreign/Counter-v0", {"fault": fault})
    for each, action in ((envs, np.zeros(2, int)), (env, 0)):
        with pytest.raises(UserError) as raised:
            begin_and_step(each, action)
        assert str(raised.value).startswith(FAULTS[fault])
        assert f"({__file__}, line " in str(raised.value)


def test_an_action_that_it_refuses_is_the_player_s_mistake():
    env = make("foreign/Counter-v0", {"fault": "step"})
    env.reset(seed=0)
    with pytest.raises(gymnasium.error.InvalidAction):
        env.step(1)


def test_frames_are_asked_for_before_anything_is_shown():
    with pytest.raises(UserError, match=r"foreign/Blind-v0 draws no frames: .* rgb_array, it has human"):
        make("foreign/Blind-v0", {})
    env = make("foreign/Counter-v0", {"fault": "frame"})
    env.reset(seed=0)
    with pytest.raises(UserError, match=r"render\(\) gives no frame, uint8\[H, W, 3\], but NoneType"):
        env.render()
    with pytest.raises(UserError, match=r"^foreign/Counter-v0: TypeError: Counter.*argument 'speed'$"):
        make("foreign/Counter-v0", {"speed": 1})


def test_spaces_that_cannot_cross_are_refused_by_name():
    with pytest.raises(SpaceError, match="foreign/Counter-v0: a Text space cannot cross to an agent; use Box"):
        make_env(Task("counter", 0, "foreign/Counter-v0", {"fault": "text"}), 2)
