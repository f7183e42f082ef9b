"""The loop that plays one block: seeds, first episodes, faults, digests."""

import hashlib

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from rlbench.harness.isolation.agent import AgentFault
from rlbench.harness.play import in_process, play, stacked
from rlbench.harness.tasks.task import Task


class Staircase(gymnasium.vector.VectorEnv):
    """Environment i's first episode ends after i + 1 steps, later ones after 1; those of odd i by truncation.

    The reward of step t is 0.1 t plus the action; the observation says how many steps are behind.
    """

    def __init__(self, num_envs):
        self.num_envs = num_envs
        self.single_observation_space = spaces.Discrete(99)
        self.single_action_space = spaces.Discrete(3)
        self.asked = []

    def reset(self, *, seed, options=None):
        self.seeds, self.options = seed, options
        self.steps, self.episodes = np.zeros(self.num_envs, int), np.zeros(self.num_envs, int)
        return self.steps.copy(), {}

    def step(self, actions):
        self.asked.append(actions.copy())
        self.steps += 1
        reward = 0.1 * self.steps + actions
        lengths = np.where(self.episodes == 0, np.arange(self.num_envs) + 1, 1)
        over = self.steps >= lengths
        odd = np.arange(self.num_envs) % 2 == 1
        self.episodes += over
        self.steps[over] = 0
        return self.steps.copy(), reward, over & ~odd, over & odd, {}


TASK = Task(
    "stairs", 1, "none", episodes=8, num_envs=4, discount=0.5, failure_return=-7.0, options=({"n": 3}, {"n": 4})
)


class Counts:
    """Plays 2 on the first step of an episode and 1 afterwards; keeps its observations."""

    def __init__(self):
        self.observations, self.firsts = [], []

    def act(self, observation, first):
        self.observations.append(observation.tolist())
        self.firsts.append(first.tolist())
        return np.where(first, 2, 1)


def test_the_first_episode_of_each_environment_counts():
    env, agent = Staircase(4), Counts()
    episodes, fault = play(env, in_process(agent, env), TASK, range(4, 8))
    assert fault is None
    assert env.seeds == [2**30 + i for i in (4, 5, 6, 7)]
    assert env.options["n"].tolist() == [3, 4, 3, 4]
    assert [e.index for e in episodes] == [4, 5, 6, 7]
    assert [e.seed for e in episodes] == env.seeds
    assert [e.extra for e in episodes] == [{"n": 3}, {"n": 4}, {"n": 3}, {"n": 4}]
    assert [e.length for e in episodes] == [1, 2, 3, 4]
    assert [e.terminated for e in episodes] == [True, False, True, False]
    assert [e.truncated for e in episodes] == [False, True, False, True]
    assert [e.return_ for e in episodes] == pytest.approx([2.1, 3.3, 4.6, 6.0])
    assert [e.discounted_return for e in episodes] == pytest.approx([2.1, 2.7, 3.025, 3.2])
    assert len(env.asked) == 4


def test_first_marks_the_beginning_of_every_episode():
    env, agent = Staircase(3), Counts()
    play(env, in_process(agent, env), TASK, range(3))
    assert agent.firsts == [[True, True, True], [True, False, False], [True, True, False]]
    assert agent.observations == [[0, 0, 0], [0, 1, 1], [0, 0, 2]]


def test_the_digest_is_of_the_episodes_own_actions():
    env = Staircase(4)
    episodes, _ = play(env, in_process(Counts(), env), TASK, range(4))
    for i, episode in enumerate(episodes):
        actions = np.array([2] + [1] * i, np.int64)
        assert episode.actions == hashlib.sha256(actions.tobytes()).hexdigest()[:16]


def test_faults_of_one_environment_and_of_the_agent():
    env = Staircase(4)
    answers = iter([[1, 1, 7, 1], [9, -1, 1, 1]])

    def act(observation, first):
        try:
            return [np.array(next(answers))]
        except StopIteration:
            raise AgentFault("crash", "no more") from None

    episodes, fault = play(env, act, TASK, range(4))
    assert [(e.status, e.length) for e in episodes] == [
        ("ok", 1),
        ("invalid_action", 1),
        ("invalid_action", 0),
        ("crash", 2),
    ]
    assert [e.return_ for e in episodes[1:]] == [-7.0] * 3
    assert [e.discounted_return for e in episodes[1:]] == [-7.0] * 3
    assert fault == "invalid_action: action = 7 is not within [0, 2]"
    assert [a.tolist() for a in env.asked] == [[1, 1, 0, 1], [0, 0, 1, 1]]


def test_options_stack_leaf_by_leaf():
    together = stacked(
        [{"state": {"row": 1, "col": 2}, "colour": "black"}, {"state": {"row": 3, "col": 4}, "colour": "white"}]
    )
    assert together["state"]["row"].tolist() == [1, 3]
    assert together["state"]["col"].tolist() == [2, 4]
    assert together["colour"].tolist() == ["black", "white"]
