"""The player: what it remembers, how it acts, what it explains; its layers are held against torch's elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from rlbench.harness.layers import player
from rlbench.harness.layers.graph import parse
from rlbench.harness.layers.player import Player

RUNNING_SUM = [
    {"name": "before", "op": "previous", "inputs": [], "of": "sum", "shape": [2]},
    {"name": "sum", "op": "add", "inputs": ["observation", "before"]},
]


def graph(nodes=(), act=None, explain=None, outputs=None):
    act = act or {"op": "output", "input": "observation"}
    return parse({"format": 1, "nodes": list(nodes), "outputs": outputs or {}, "act": act, "explain": explain or {}})


def test_memory_is_of_one_episode():
    agent = Player(graph(RUNNING_SUM, {"op": "output", "input": "sum"}), {})
    steps = np.arange(12.0).reshape(3, 2, 2)
    begins = np.array([[True, True], [False, False], [False, True]])
    sums = [agent.act(step, first).tolist() for step, first in zip(steps, begins, strict=True)]
    assert sums == [[[0, 1], [2, 3]], [[4, 6], [8, 10]], [[12, 15], [10, 11]]]
    assert agent.act(np.ones((3, 2)), np.zeros(3, bool)).tolist() == [[1, 1]] * 3  # another width: all begin


def test_what_acting_does_not_need_is_computed_when_asked_for():
    nodes = [{"name": "p", "op": "softmax", "inputs": ["observation"]}]
    agent = Player(graph(nodes, {"op": "argmax", "input": "observation"}, {"probabilities": "p"}, {"p": "p"}), {})
    assert agent.act(np.array([[0.0, 0.0], [0.0, 1.0], [2.0, 1.0]]), np.ones(3, bool)).tolist() == [0, 1, 0]
    assert "p" not in agent.values
    np.testing.assert_allclose(agent.explain()["probabilities"].sum(axis=1), 1, rtol=1e-6)
    assert agent.outputs()["p"][0].tolist() == [0.5, 0.5]


def test_chance_depends_on_the_seed_alone():
    observation, first = np.tile(np.float32([0, 1, 0]), (4_000, 1)), np.ones(4_000, bool)
    act = {"op": "epsilon_greedy", "input": "observation", "epsilon": 0.3}
    now_and_then, again, other = (Player(graph(act=act), {}, seed).act(observation, first) for seed in (1, 1, 2))
    assert 0.17 < (now_and_then != 1).mean() < 0.23  # two of three actions drawn are others
    assert (now_and_then == again).all()
    assert (now_and_then != other).any()


def test_actions_in_parts():
    uniform, zeros = {"op": "uniform", "low": -1, "high": 1, "shape": [2]}, {"op": "zeros", "shape": [3]}
    heads = {"a": uniform, "b": zeros, "c": {"op": "argmax", "input": "observation.x"}}
    agent = Player(graph(act={"op": "dict", "heads": heads}), {}, seed=5)
    action = agent.act({"x": np.eye(4), "y": None}, np.ones(4, bool))
    assert np.array_equal(action["a"], np.random.default_rng(5).uniform(-1, 1, (4, 2)).astype(np.float32))
    assert (action["b"].dtype, action["b"].shape) == (np.float32, (4, 3))
    assert action["c"].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("places", ["observation", "place"])
def test_glimpses_are_those_of_the_episode(places):
    nodes = [{"name": "place", "op": "scale", "inputs": ["observation"], "factor": 1}]
    agent = Player(graph(nodes, explain={"glimpses": places}), {})
    for t in range(3):
        agent.act(np.full((2, 2), t), np.array([t == 0, t in (0, 2)]))
    shown = agent.explain()["glimpses"]
    assert [[place.tolist() for place in path] for path in shown] == [[[0, 0], [1, 1], [2, 2]], [[2, 2]]]
    for _ in range(150):
        agent.act(np.zeros((2, 2)), np.zeros(2, bool))
    assert len(agent.explain()["glimpses"][0]) == player.MAX_GLIMPSES
