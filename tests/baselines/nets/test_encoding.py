"""What networks see of observations, and the spaces that they do not take."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
import torch

from baselines.nets.encoding import Layers, discrete_actions, encoding, frames_shape, masked_encoding
from baselines.nets.graph_builder import Builder
from baselines.nets.networks import numpy_policy, perceptron
from baselines.templates.policies import GraphPolicy
from rlbench.errors import UserError


def test_encodings() -> None:
    box = encoding(gymnasium.spaces.Box(-1, 1, (2, 2)), (1, 10, 100, 1000))
    assert box(np.ones((1, 2, 2))).tolist() == [[1, 10, 100, 1000]]
    states = encoding(gymnasium.spaces.Discrete(3))
    assert states(np.array([2, 0])).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert (box.size, states.size) == (4, 3)


def test_a_mask_follows_the_numbers_of_its_box() -> None:
    board, legal = gymnasium.spaces.Box(0, 1, (2, 1, 2), np.uint8), gymnasium.spaces.MultiBinary(3)
    encode = masked_encoding(gymnasium.spaces.Dict({"action_mask": legal, "board": board}), 3)
    features = encode({"board": np.array([[[[1, 0]], [[0, 1]]]], np.uint8), "action_mask": np.array([[0, 1, 1]])})
    assert features.tolist() == [[1, 0, 0, 1, 0, 1, 1]]
    assert (encode.size, features.dtype) == (7, np.float32)


def test_dicts_that_are_not_taken() -> None:
    box, legal = gymnasium.spaces.Box(0, 1, (2,)), gymnasium.spaces.MultiBinary(3)
    for entries in ({"action_mask": legal}, {"a": box}, {"a": box, "b": box, "action_mask": legal}):
        with pytest.raises(UserError, match="only those of one Box and an action_mask are learned from"):
            masked_encoding(gymnasium.spaces.Dict(entries), 3)


@pytest.mark.parametrize("space", [gymnasium.spaces.MultiDiscrete([2, 2]), gymnasium.spaces.Discrete(3, start=1)])
def test_spaces_that_are_not_taken(space: gymnasium.Space[object]) -> None:
    with pytest.raises(UserError, match="must be a Box or a Discrete that starts at 0"):
        encoding(space)
    with pytest.raises(UserError, match="actions must be Discrete and start at 0"):
        discrete_actions(gymnasium.spaces.Box(-1, 1, (1,)))


def test_scale_of_the_wrong_length() -> None:
    with pytest.raises(UserError, match="observation_scale has 2 numbers, the observation 4"):
        encoding(gymnasium.spaces.Box(-1, 1, (4,)), (1.0, 2.0))


def test_frames_that_are_not_taken() -> None:
    with pytest.raises(UserError, match=r"convolutions take stacked frames, uint8 \[K, H, W\], not Box"):
        frames_shape(gymnasium.spaces.Box(-1, 1, (4, 84, 84)))


class Halves:
    """Of each number x both max(x, 0) and max(-x, 0), which no template knows."""

    size = 4

    def __call__(self, observation: np.ndarray) -> np.ndarray:
        return np.maximum(np.hstack([observation, -observation]), 0)

    def policy(self, layers: Layers, activation: str) -> GraphPolicy:
        build, ((weight, bias),) = Builder(), layers
        both = build("both", "concatenate", "observation", build("minus", "scale", "observation", factor=-1))
        q = build("q", "linear", build("halves", "relu", both), in_features=4, out_features=3, bias=True)
        graph = build.graph({"q": q}, {"op": "argmax", "input": q}, {})
        return GraphPolicy(graph, {"q.weight": weight, "q.bias": bias})


def test_an_encoder_that_no_template_knows() -> None:
    network, encode = perceptron((4, 3), "relu", "uniform", torch.Generator().manual_seed(0)), Halves()
    agent = numpy_policy(network, "relu", encode)
    observation = np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32)
    expected = network(torch.from_numpy(encode(observation))).argmax(dim=1)
    assert agent.act(observation, np.ones(20, bool)).tolist() == expected.tolist()
