"""The fingerprint of a simulator's dynamics, on a spring whose stiffness is the simulator's version."""

import dataclasses

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from rlbench.errors import UserError
from rlbench.harness import submission
from rlbench.harness.results import header, record
from rlbench.harness.results.record import BlockResult, EpisodeResult
from rlbench.harness.results.writer import RecordWriter
from rlbench.harness.tasks.fingerprint import fingerprint
from rlbench.harness.tasks.task import Task


class Springs(VectorEnv):
    """Masses on springs, pushed by the action."""

    metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012

    def __init__(self, num_envs=1, stiffness=1.0):
        self.num_envs, self.stiffness = num_envs, stiffness
        self.single_observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float64)
        self.single_action_space = gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float32)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    def reset(self, *, seed=None, options=None):
        self.x, self.v = np.linspace(-1, 1, self.num_envs), np.zeros(self.num_envs)
        return np.stack((self.x, self.v), axis=1), {}

    def step(self, actions):
        self.v = self.v + 0.1 * (actions[:, 0] - self.stiffness * self.x)
        self.x = self.x + 0.1 * self.v
        over = np.zeros(self.num_envs, bool)
        return np.stack((self.x, self.v), axis=1), self.v, over, over, {}


def absent(num_envs=1):
    raise gymnasium.error.DependencyNotInstalled('pip install "rlbench[springs]"')


@pytest.fixture
def task():
    gymnasium.register("test/Springs-v0", vector_entry_point=Springs)
    gymnasium.register("test/Absent-v0", vector_entry_point=absent)
    yield Task("springs", 1, "test/Springs-v0", episodes=2, num_envs=2, simulator="springs")
    del gymnasium.registry["test/Springs-v0"], gymnasium.registry["test/Absent-v0"]


def with_stiffness(task, stiffness):
    return dataclasses.replace(task, env_kwargs={"stiffness": stiffness})


def test_our_own_rules_have_no_fingerprint(task):
    assert fingerprint(dataclasses.replace(task, simulator=None)) is None


def test_a_fingerprint_tells_dynamics_apart_and_overlooks_the_last_bits(task):
    usual = fingerprint(task)
    assert len(usual) == 12
    assert fingerprint(with_stiffness(task, 1.0 + 1e-13)) == usual
    assert fingerprint(with_stiffness(task, 1.01)) != usual


def test_a_missing_simulator_is_named(task):
    with pytest.raises(UserError, match=r"springs@1: pip install"):
        fingerprint(dataclasses.replace(task, env_id="test/Absent-v0"))


def episode(index):
    return EpisodeResult(index, 2**30 + index, 1.0, 0.5, 200, False, True, "ok", "00ff00ff00ff00ff", {})


def test_a_record_is_not_continued_under_other_dynamics(task, submit, tmp_path, monkeypatch):
    entrant = submission.read(submit("pass"))
    path = record.path_of(tmp_path, task, entrant)
    with RecordWriter(path, task, entrant, "landlock") as writer:
        writer.commit(BlockResult(0, [episode(0), episode(1)], 0.5, 0.25, 0.125, 1, None))
    assert record.read(path).header["dynamics"] == fingerprint(task)
    monkeypatch.setattr(header.fingerprint, "fingerprint", lambda task: "0123456789ab")
    with pytest.raises(UserError, match=r"was made with dynamics [0-9a-f]{12}, now it is 0123456789ab"):
        RecordWriter(path, task, entrant, "landlock")
