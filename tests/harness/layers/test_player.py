"""The player: what it remembers, how it acts, what it explains; its layers are held against torch's elsewhere."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from safetensors.numpy import save_file

from rlbench.harness.layers import player
from rlbench.harness.layers.graph import GraphError, check_tensors, parse
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


def doubled(times):
    """Nodes of which each is twice as wide as the one before."""
    names = ["observation", *(f"twice{i}" for i in range(times))]
    return [{"name": name, "op": "concatenate", "inputs": [before, before]} for before, name in pairwise(names)]


CONVOLUTION = {"name": "c", "op": "conv2d", "inputs": ["observation"], "in_channels": 1, "out_channels": 1}
CONVOLUTION |= {"kernel_size": 1, "stride": 1, "padding": 0, "bias": False}
WEIGHTS = {"c.weight": np.ones((1, 1, 1, 1), np.float32)}
TOO_LARGE = {
    "widths that double": (doubled(60), None, r"node 'twice2\d' \(concatenate\) is too large"),
    "a padded convolution": ([CONVOLUTION | {"padding": 10_000}], None, r"node 'c' \(conv2d\) is too large"),
    "padding that a stride hides": (
        [CONVOLUTION | {"padding": 10_000, "stride": 20_000}],
        None,
        r"node 'c' \(conv2d\) is too large",
    ),
    "padding beyond any array": (
        [CONVOLUTION | {"padding": 2**31 - 1}],
        None,
        r"node 'c' \(conv2d\) (does not|is too)",
    ),
    "classes": (
        [{"name": "h", "op": "one_hot", "inputs": ["observation"], "num_classes": 2**31 - 1}],
        None,
        "too large",
    ),
    "an action of zeros": (
        [],
        {"op": "zeros", "shape": [2**20, 2**20]},
        r"act \(zeros\) has shape .*67,108,864 numbers",
    ),
    "an action of many axes": ([], {"op": "zeros", "shape": [1] * 65}, r"act \(zeros\) has shape"),
    "an action at random": (
        [],
        {"op": "uniform", "low": 0, "high": 1, "shape": [2**30]},
        r"act \(uniform\) has shape",
    ),
    "a memory": (
        [{"name": "m", "op": "previous", "inputs": [], "of": "m", "shape": [2**30]}],
        None,
        r"node 'm' \(previous\) has shape",
    ),
    "very many nodes": (
        [{"name": f"n{i}", "op": "relu", "inputs": ["observation"]} for i in range(10_001)],
        None,
        "the graph has 10,001 nodes; 10,000 are played",
    ),
}


@pytest.mark.parametrize(("nodes", "act", "words"), TOO_LARGE.values(), ids=TOO_LARGE.keys())
def test_what_is_too_large_is_refused_before_it_is_computed(nodes, act, words):
    shape = (1, 1, 4, 4) if any(node["op"] == "conv2d" for node in nodes) else (1, 4)
    observation = np.zeros((1,) if "h" in (node["name"] for node in nodes) else shape, int)
    with pytest.raises(GraphError, match=words) as error:
        Player(graph(nodes, act), WEIGHTS).check(observation)
    assert "\n" not in str(error.value)


WRONG = {
    "from above to below": ({"op": "uniform", "low": 1, "high": -1, "shape": [1]}, r"has low 1 above high -1"),
    "a chance above 1": (
        {"op": "epsilon_greedy", "input": "observation", "epsilon": 1.5},
        "has epsilon 1.5, not a fin",
    ),
}


@pytest.mark.parametrize(("act", "words"), WRONG.values(), ids=WRONG.keys())
def test_ways_to_act_that_make_no_sense(act, words):
    with pytest.raises(GraphError, match=words):
        graph(act=act)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers_are_refused(value, tmp_path):
    (tmp_path / "graph.json").write_text(
        json.dumps(
            {
                **{
                    "format": 1,
                    "nodes": [CONVOLUTION],
                    "outputs": {},
                    "act": {"op": "zeros", "shape": []},
                    "explain": {},
                },
            }
        ),
        encoding="utf-8",
    )
    save_file({"c.weight": np.full((1, 1, 1, 1), value, np.float32)}, tmp_path / "weights.safetensors")
    with pytest.raises(GraphError, match=rf"weights.safetensors: tensor 'c.weight' holds {value}, which is no finite"):
        player.read(tmp_path)


def test_a_variance_below_zero_is_refused():
    node = {"name": "b", "op": "batch_norm", "inputs": ["observation"], "num_features": 1, "eps": 0}
    tensors = {f"b.{name}": np.ones(1, np.float32) for name in ("weight", "bias", "running_mean", "running_var")}
    check_tensors(graph([node]), tensors)
    with pytest.raises(GraphError, match=r"node 'b' \(batch_norm\) divides by the root of running_var \+ eps"):
        check_tensors(graph([node]), tensors | {"b.running_var": np.zeros(1, np.float32)})


def test_an_action_is_chosen_before_the_first_step(monkeypatch):
    """What only the choice of an action would meet is met when the agent is loaded."""
    agent = Player(graph(act={"op": "uniform", "low": 0, "high": 1, "shape": [2]}), {})
    monkeypatch.setattr(agent, "rng", type("Broken", (), {"uniform": staticmethod(lambda *_: 1 / 0)}))
    with pytest.raises(GraphError, match=r"act \(uniform\) cannot choose an action"):
        agent.check(np.zeros((1, 4)))


def test_a_graph_may_begin_with_a_byte_order_mark(tmp_path):
    text = json.dumps({"format": 1, "nodes": [], "outputs": {}, "act": {"op": "zeros", "shape": []}, "explain": {}})
    (tmp_path / "graph.json").write_text(text, encoding="utf-8-sig")
    save_file({}, tmp_path / "weights.safetensors")
    read, _ = player.read(tmp_path)
    assert read.act["op"] == "zeros"
