"""Submissions that search with small networks of random weights."""

import json

import numpy as np
from safetensors.numpy import save_file

from rlbench.search.files import SearchedGame, search_text

MANIFEST = 'name = "searcher"\nversion = "1"\nauthors = ["A"]\ntasks = {tasks}\nentry = "rlbench:search"\n'


def layer(name, op, *inputs, **attributes):
    return {"name": name, "op": op, "inputs": list(inputs), **attributes}


def graph(size, channels=4):
    """A convolution and two heads, linear."""
    points = size * size
    one = {"kernel_size": 3, "stride": 1, "padding": 1, "bias": True}
    flat = channels * points
    return {
        "format": 1,
        "nodes": [
            layer("conv", "conv2d", "observation.planes", in_channels=5, out_channels=channels, **one),
            layer("relu", "relu", "conv"),
            layer("flat", "flatten", "relu"),
            layer("logits", "linear", "flat", in_features=flat, out_features=points + 1, bias=True),
            layer("v", "linear", "flat", in_features=flat, out_features=1, bias=True),
            layer("value", "tanh", "v"),
        ],
        "outputs": {"policy": "logits", "value": "value"},
        "act": {"op": "argmax", "input": "logits"},
        "explain": {},
    }


def weights(size, channels=4, seed=0):
    random, flat = np.random.default_rng(seed), channels * size * size
    shapes = {
        "conv.weight": (channels, 5, 3, 3),
        "conv.bias": (channels,),
        "logits.weight": (size * size + 1, flat),
        "logits.bias": (size * size + 1,),
        "v.weight": (1, flat),
        "v.bias": (1,),
    }
    return {name: random.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}


def write(folder, game: SearchedGame, tasks=("go5@1",), seed=0):
    """The folder of a submission that searches with a random network."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "submission.toml").write_text(MANIFEST.format(tasks=json.dumps(list(tasks))), encoding="utf-8")
    (folder / "graph.json").write_text(json.dumps(graph(game.size)), encoding="utf-8")
    (folder / "search.json").write_text(search_text(game), encoding="utf-8")
    save_weights(folder, weights(game.size, seed=seed))
    return folder


def save_weights(folder, tensors):
    save_file(tensors, folder / "weights.safetensors")
