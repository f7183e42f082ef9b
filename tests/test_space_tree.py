"""The walk over nested spaces, which is the same for a space and for its description as JSON."""

import json

import numpy as np
import pytest
from gymnasium import spaces

from rlbench import space_tree
from rlbench.errors import UserError

NESTED = spaces.Dict(
    {
        "board": spaces.Box(0, 1, (2, 3), np.float32),
        "moves": spaces.Tuple([spaces.Discrete(4), spaces.Dict({"pass": spaces.MultiBinary(2)})]),
    }
)
TREE = {"board": np.ones((2, 3), np.float32), "moves": (3, {"pass": np.array([0, 1], np.int8)})}
PATHS = [("board",), ("moves", 0), ("moves", 1, "pass")]


@pytest.fixture(params=["space", "description"])
def space(request):
    return NESTED if request.param == "space" else json.loads(json.dumps(space_tree.describe(NESTED)))


def test_the_walk_is_depth_first_in_the_order_of_the_keys(space):
    assert [path for path, _ in space_tree.walk(space)] == PATHS


def test_flatten_and_unflatten_are_inverse(space):
    values = space_tree.flatten(space, TREE)
    assert [np.shape(value) for value in values] == [(2, 3), (), (2,)]
    tree = space_tree.unflatten(space, iter(values))
    assert tree == TREE | {"board": tree["board"]}
    assert tree["board"] is TREE["board"]


def test_index_and_stack_are_inverse(space):
    batch = space_tree.stack(space, [TREE, TREE])
    assert batch["moves"][0].tolist() == [3, 3]
    assert batch["moves"][1]["pass"].shape == (2, 2)
    one = space_tree.index(space, batch, 1)
    for ours, theirs in zip(space_tree.flatten(space, one), space_tree.flatten(space, TREE), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_plain_space_is_its_only_leaf():
    assert list(space_tree.walk(spaces.Discrete(2))) == [((), spaces.Discrete(2))]
    assert space_tree.unflatten(spaces.OneOf([spaces.Discrete(2)]), iter([5])) == 5


@pytest.mark.parametrize(
    "other",
    [
        spaces.Text(5),
        spaces.Graph(spaces.Box(0, 1, (2,)), None),
        spaces.Sequence(spaces.Discrete(2)),
        spaces.OneOf([spaces.Discrete(2), spaces.Discrete(3)]),
    ],
    ids=lambda space: type(space).__name__,
)
def test_a_space_that_agents_cannot_be_given_is_the_environments_fault(other):
    for space in (other, spaces.Dict({"part": spaces.Tuple([other])})):
        with pytest.raises(
            UserError, match=f"a {type(other).__name__} space cannot cross to an agent; use Box"
        ) as error:
            space_tree.describe(space)
        assert "\n" not in str(error.value)
