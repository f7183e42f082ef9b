"""Graphs that are refused, each with one line that names what is wrong."""

from __future__ import annotations

import contextlib
import copy
import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from rlbench.harness.layers.graph import GraphError, check_tensors, parse
from rlbench.harness.layers.player import Player, read

LINEAR = {"op": "linear", "in_features": 4, "out_features": 2, "bias": True}
GRAPH = {
    "format": 1,
    "nodes": [
        {"name": "hidden", "op": "tanh", "inputs": ["observation"]},
        {"name": "q", "inputs": ["hidden"], **LINEAR},
    ],
    "outputs": {"action_values": "q"},
    "act": {"op": "argmax", "input": "q"},
    "explain": {"action_values": "q"},
}
TENSORS = {"q.weight": np.ones((2, 4), np.float32), "q.bias": np.zeros(2, np.float32)}


def changed(*path, **fields):
    """The graph with some fields of the part at a path replaced; None removes one."""
    graph = copy.deepcopy(GRAPH)
    part = graph
    for key in path:
        part = part[key]
    part.update(fields)
    for name in [name for name, value in fields.items() if value is None]:
        del part[name]
    return graph


MALFORMED = {
    "a list": ([], "the graph is no object"),
    "no format": (changed(format=None), "the graph has no format, a positive integer"),
    "another format": (changed(format=2), "format 2 is not 1, the one that is played; export the agent again"),
    "format of another type": (changed(format=True), "the graph has format True, not a positive integer"),
    "unknown field": (changed(layers=[]), "the graph has an unknown field 'layers'; there is format, nodes, outputs,"),
    "nodes no list": (changed(nodes={}), r"the graph has nodes \{\}, not a list"),
    "a node that is none": (changed(nodes=[3]), "a node is called None; names are letters"),
    "a name with a slash": (changed("nodes", 0, name="a/b"), "a node is called 'a/b'; names are letters"),
    "an observation's name": (
        changed("nodes", 0, name="observation.x"),
        "'observation.x'; .* not 'observation'",
    ),
    "two of a name": (changed("nodes", 1, name="hidden"), "two nodes are called 'hidden'"),
    "unknown operation": (changed("nodes", 0, op="gelu"), "node 'hidden' has op 'gelu', not one of linear, conv2d"),
    "no attribute": (changed("nodes", 1, bias=None), r"node 'q' \(linear\) has no bias, true or false"),
    "a wrong attribute": (changed("nodes", 1, out_features=0), "has out_features 0, not a positive integer"),
    "unknown attribute": (
        changed("nodes", 0, slope=1),
        r"node 'hidden' \(tanh\) has an unknown field 'slope'; there",
    ),
    "no input": (changed("nodes", 0, inputs=[]), r"node 'hidden' \(tanh\) has 0 inputs, not 1"),
    "missing input": (
        changed("nodes", 1, inputs=["x"]),
        r"'q' \(linear\) takes 'x', which no node before it gives",
    ),
    "a cycle": (changed("nodes", 0, inputs=["q"]), r"node 'hidden' \(tanh\) takes 'q', which no node before it gives"),
    "integers of a node": (
        changed("nodes", 1, op="one_hot", num_classes=3, in_features=None, out_features=None, bias=None),
        r"node 'q' \(one_hot\) takes the integers of an observation, not 'hidden'",
    ),
    "memory of nothing": (
        changed("nodes", 0, op="previous", inputs=[], of="x", shape=[2]),
        r"node 'hidden' \(previous\) remembers 'x', which is no node",
    ),
    "missing output": (changed(outputs={"v": "x"}), "outputs 'v' is 'x', which no node gives"),
    "missing explanation": (changed(explain={"value": "x"}), "explain 'value' is 'x', which no node gives"),
    "unknown explanation": (changed(explain={"mood": "q"}), "explain has 'mood', not one of action_values, prob"),
    "unknown act": (changed("act", op="sample"), "act has op 'sample', not one of output, argmax"),
    "act on nothing": (changed("act", input="x"), r"act \(argmax\) takes 'x', which no node gives"),
    "act without": (changed("act", op="epsilon_greedy"), r"act \(epsilon_greedy\) has no epsilon, a finite number"),
    "a dict in a dict": (
        changed(act={"op": "dict", "heads": {"a": {"op": "dict", "heads": {}}}}),
        "act has op 'dict', not one of output, argmax, epsilon_greedy, uniform, zeros$",
    ),
    "a number beyond any float": (
        changed(act={"op": "epsilon_greedy", "input": "q", "epsilon": 10**400}),
        r"^act \(epsilon_greedy\) has epsilon 1000.*000\.\.\.$",
    ),
    "no finite number": (
        changed(act={"op": "epsilon_greedy", "input": "q", "epsilon": float("nan")}),
        "has epsilon nan, not a finite number",
    ),
}


@pytest.mark.parametrize(("graph", "words"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_graphs(graph, words):
    with pytest.raises(GraphError, match=words) as error:
        parse(graph)
    assert "\n" not in str(error.value)


WRONG_TENSORS = {
    "missing": ({"q.bias": None}, "tensor 'q.bias' is missing"),
    "shape": (
        {"q.weight": np.ones((4, 2), np.float32)},
        r"'q.weight' has shape \(4, 2\); the graph says \(2, 4\)",
    ),
    "type": ({"q.bias": np.zeros(2, np.int64)}, "tensor 'q.bias' is made of int64, not float32 or float64"),
    "unused": ({"v.bias": np.zeros(2)}, "tensor 'v.bias' belongs to no node"),
}


@pytest.mark.parametrize(("change", "words"), WRONG_TENSORS.values(), ids=WRONG_TENSORS.keys())
def test_tensors_of_another_graph(change, words):
    tensors = {name: array for name, array in (TENSORS | change).items() if array is not None}
    with pytest.raises(GraphError, match=words):
        check_tensors(parse(GRAPH), tensors)


def test_files_that_cannot_be_read(tmp_path):
    def fails(words):
        with pytest.raises(GraphError, match=words) as error:
            read(tmp_path)
        assert "\n" not in str(error.value)

    fails("graph.json is missing; rlbench:layers plays graph.json with weights.safetensors")
    (tmp_path / "graph.json").write_bytes(b"\xff")
    fails("graph.json cannot be read: 'utf-8' codec")
    (tmp_path / "graph.json").write_text("{", encoding="utf-8")
    fails("graph.json cannot be read: Expecting property name")
    (tmp_path / "graph.json").write_text("[" * 100_000, encoding="utf-8")
    fails("graph.json cannot be read: .*recursion")
    (tmp_path / "graph.json").write_text(json.dumps(changed(format=7)), encoding="utf-8")
    fails("graph.json: format 7 is not 1")
    (tmp_path / "graph.json").write_text(json.dumps(GRAPH), encoding="utf-8")
    fails("weights.safetensors is missing")
    (tmp_path / "weights.safetensors").write_bytes(b"no weights")
    fails("weights.safetensors cannot be read: ")
    save_file({"q.weight": TENSORS["q.weight"]}, tmp_path / "weights.safetensors")
    fails("weights.safetensors: tensor 'q.bias' is missing")
    save_file(TENSORS, tmp_path / "weights.safetensors")
    graph, tensors = read(tmp_path)
    assert [node.name for node in graph.nodes] == ["hidden", "q"]
    assert set(tensors) == set(TENSORS)


def test_nodes_that_do_not_fit_the_observation():
    agent = Player(parse(GRAPH), TENSORS)
    agent.check(np.zeros((1, 4)))
    with pytest.raises(GraphError, match=r"node 'q' \(linear\) does not fit its inputs of shape \[5\]"):
        agent.check(np.zeros((1, 5)))
    entries = parse(changed("nodes", 0, inputs=["observation.x"]))
    with pytest.raises(GraphError, match=r"the observation does not have all of observation.x"):
        Player(entries, TENSORS).check({"y": np.zeros((1, 4))})
    scaled = changed("nodes", 0, op="normalize", num_features=4, clip=0)
    tensors = {**TENSORS, **dict.fromkeys(("hidden.shift", "hidden.scale"), np.ones(4, np.float32))}
    with pytest.raises(GraphError, match=r"node 'hidden' \(normalize\) does not fit its inputs of shape \[1\]"):
        Player(parse(scaled), tensors).check(np.zeros((1, 1)))  # would broadcast


def test_memory_and_actions_of_another_shape():
    recurrent = copy.deepcopy(GRAPH)
    recurrent["nodes"] = [
        {"name": "before", "op": "previous", "inputs": [], "of": "sum", "shape": [3]},
        {"name": "sum", "op": "tanh", "inputs": ["observation"]},
    ]
    recurrent["outputs"], recurrent["explain"], recurrent["act"]["input"] = {}, {}, "sum"
    with pytest.raises(GraphError, match=r"node 'before' \(previous\) has shape \[3\], 'sum' \[2\]"):
        Player(parse(recurrent), {}).check(np.zeros((1, 2)))
    recurrent["nodes"].pop(0)
    with pytest.raises(GraphError, match=r"act \(argmax\) takes one number per action, not 'sum'"):
        Player(parse(recurrent), {}).check(np.zeros((1, 2, 2)))


JUNK = (
    None,
    True,
    -1,
    0,
    3,
    10**400,
    float("inf"),
    "",
    "observation",
    "observation.x",
    "q",
    "previous",
    [],
    [1],
    {},
    [{}],
)
RECURRENT = changed(
    nodes=[
        {"name": "before", "op": "previous", "inputs": [], "of": "sum", "shape": [4]},
        {"name": "sum", "op": "add", "inputs": ["observation", "before"]},
        {"name": "q", "inputs": ["sum"], **LINEAR},
    ],
    act={"op": "dict", "heads": {"a": {"op": "argmax", "input": "q"}, "b": {"op": "zeros", "shape": [2]}}},
)


def places(part, path=()):
    """Every place of a JSON value, the way to it as keys."""
    if isinstance(part, dict | list):
        for key, value in part.items() if isinstance(part, dict) else enumerate(part):
            yield (*path, key)
            yield from places(value, (*path, key))


def play(graph):
    """Whether the weights and the observation fit, and if so a step."""
    check_tensors(graph, TENSORS)
    agent = Player(graph, TENSORS)
    agent.check(np.ones((1, 4)))
    agent.act(np.ones((3, 4)), np.ones(3, bool))
    agent.explain(), agent.outputs()


@pytest.mark.parametrize("graph", [GRAPH, RECURRENT], ids=["forward", "recurrent"])
def test_a_graph_is_refused_or_played_whatever_stands_in_it(graph):
    for *path, last in places(graph):
        for junk in JUNK:
            broken = copy.deepcopy(graph)
            part = broken
            for key in path:
                part = part[key]
            part[last] = junk
            with contextlib.suppress(GraphError):
                play(parse(broken))
