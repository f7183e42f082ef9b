import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from gymnasium import spaces

from rlbench import space_tree
from rlbench.harness.evaluate import evaluate
from rlbench.harness.isolation.agent import PerEnvironmentAgents, Spaces, TaskInfo, batched
from rlbench.harness.results import record

INFO = TaskInfo("task", 1, num_envs=3, discount=1.0)
OBSERVATION = spaces.Dict({"board": spaces.Box(-1, 1, (2,), np.float32), "turn": spaces.Discrete(5)})
ACTION = spaces.Tuple((spaces.Discrete(4), spaces.Box(-1, 1, (2,), np.float32)))
SPACES = Spaces(space_tree.describe(OBSERVATION), space_tree.describe(ACTION))


class Remembers:
    """Counts the steps of its episode, adds its seed."""

    def __init__(self, seed):
        self.seed, self.steps = seed, 99

    def reset(self):
        self.steps = 0

    def act(self, observation):
        assert OBSERVATION.contains({"board": observation["board"], "turn": observation["turn"]})
        self.steps += 1
        return (self.steps, np.array([self.seed, observation["turn"]], np.float32))


def test_one_observation_agents_each_keep_their_lane():
    agent = batched(lambda task, spaces, seed: Remembers(seed), INFO, SPACES, seed=10)
    assert isinstance(agent, PerEnvironmentAgents)
    observation = {"board": np.zeros((3, 2), np.float32), "turn": np.array([2, 3, 4])}
    moves, extras = agent.act(observation, np.array([True, True, True]))
    assert moves.tolist() == [1, 1, 1]
    assert extras.tolist() == [[10, 2], [11, 3], [12, 4]]
    moves, _ = agent.act(observation, np.array([False, True, False]))
    assert moves.tolist() == [2, 1, 2]


class Stateless:
    def act(self, observation):
        return observation + 1


class Batched:
    def act(self, observation, first):
        return observation


class Loose:
    def act(self, *args):
        return args[0]


class WithDefault:
    def act(self, observation, deterministic=True):
        return observation


class KeywordOnly:
    def act(self, observation, *, deterministic=True):
        return observation


@pytest.mark.parametrize(
    ("kind", "one_by_one"),
    [(Stateless, True), (KeywordOnly, True), (Batched, False), (Loose, False), (WithDefault, False)],
)
def test_the_signature_tells_which_kind_it_is(kind, one_by_one):
    flat = Spaces(space_tree.describe(spaces.Discrete(9)), space_tree.describe(spaces.Discrete(9)))
    agent = batched(lambda task, spaces, seed: kind(), INFO, flat, seed=0)
    assert isinstance(agent, PerEnvironmentAgents) == one_by_one
    actions = agent.act(np.array([1, 2, 3]), np.ones(3, bool))
    assert actions.shape == (3,)


def test_objects_without_act_are_refused():
    with pytest.raises(TypeError, match="load returned int, which has no method act"):
        batched(lambda task, spaces, seed: 3, INFO, SPACES, seed=0)


def test_spaces_are_gymnasiums():
    assert SPACES.observation == OBSERVATION
    assert SPACES.action == ACTION
    assert SPACES.action is SPACES.action


def test_a_one_observation_agent_is_scored_like_its_batched_twin(grid_task, submit, tmp_path):
    task = dataclasses.replace(grid_task, num_envs=2)
    one = """
        class Agent:
            def act(self, observation):
                return 0 if observation < 12 else 3
        def load(task, spaces, seed):
            return Agent()
        """
    many = "return np.where(observation < 12, 0, 3)"
    runs = [
        record.read(evaluate(task, path, tmp_path / "results" / Path(path).name, quiet=True))
        for path in (submit(source=one, folder="one"), submit(many, folder="many"))
    ]
    assert runs[0].episodes == runs[1].episodes
    assert {line["status"] for line in runs[0].episodes} == {"ok"}


def test_random_samples_every_action_and_repeats_with_its_seed():
    from rlbench.harness.builtin.random import agent

    flat = Spaces(space_tree.describe(spaces.Discrete(2)), space_tree.describe(spaces.Discrete(4, start=3)))
    draws = []
    for seed in (1, 1, 2):
        player = agent.load(dataclasses.replace(INFO, num_envs=500), flat, seed)
        draws.append([player.act(None, None).tolist() for _ in range(2)])
    assert draws[0] == draws[1] != draws[2]
    counts = np.unique(draws[0], return_counts=True)
    assert counts[0].tolist() == [3, 4, 5, 6]
    assert counts[1].min() > 200
    continuous = Spaces(space_tree.describe(spaces.Discrete(2)), space_tree.describe(spaces.Box(-2, 2, (3,))))
    action = agent.load(INFO, continuous, 0).act(None, None)
    assert action.shape == (3, 3)
    assert np.abs(action).max() <= 2


def one(observation):
    return observation + 1


def batch(observation, first):
    return observation + first


def load(observation):
    return observation


@pytest.mark.parametrize(("entry", "actions"), [(one, [2, 3, 4]), (batch, [2, 2, 4])])
def test_the_entry_may_be_act_itself(entry, actions):
    flat = Spaces(space_tree.describe(spaces.Discrete(9)), space_tree.describe(spaces.Discrete(9)))
    agent = batched(entry, INFO, flat, seed=0)
    assert agent.act(np.array([1, 2, 3]), np.array([True, False, True])).tolist() == actions


def test_load_is_never_taken_for_act():
    with pytest.raises(TypeError, match=r"load\(\) takes 1 positional argument but 3 were given"):
        batched(load, INFO, SPACES, seed=0)


def test_whoever_forgets_first_and_reads_a_batch_is_told_so():
    flat = Spaces(space_tree.describe(spaces.Box(-1, 1, (4,))), space_tree.describe(spaces.Discrete(2)))
    agent = batched(
        lambda task, spaces, seed: SimpleNamespace(act=lambda observation: observation[:, 2]), INFO, flat, 0
    )
    with pytest.raises(IndexError, match=r"too many indices .* act takes no argument first, so it is given one obs"):
        agent.act(np.zeros((3, 4)), np.ones(3, bool))
