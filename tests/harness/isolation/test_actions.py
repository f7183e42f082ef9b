"""Actions that do not fit their space are named, and invalid ones concern their environment alone."""

import os

import numpy as np
import pytest
from gymnasium import spaces

from rlbench import space_tree
from rlbench.harness.isolation import shared_memory
from rlbench.harness.isolation.actions import ActionBounds, InvalidActionError

BIT = space_tree.describe(spaces.Discrete(2))
PAIR = spaces.Dict({"go": spaces.Discrete(4), "force": spaces.Box(-1, 1, (2,), np.float32)})


@pytest.mark.parametrize(
    ("space", "action", "words"),
    [
        (spaces.Discrete(4), np.array([0.0, 1.0]), "must be integers, got float64"),
        (spaces.Discrete(4), np.array([True, False]), "must be integers, got bool"),
        (spaces.Discrete(4), np.array([[0], [1]]), r"shape \(2,\), got \(2, 1\)"),
        (spaces.Discrete(4), 0, r"shape \(2,\), got \(\)"),
        (spaces.Discrete(4), [0, 1, 2], r"got \(3,\)"),
        (spaces.Discrete(4), None, "must be integers, got None"),
        (spaces.Discrete(4), ["up", "down"], "must be integers, got <U4"),
        (spaces.Discrete(4), [[0], [1, 2]], "cannot be read as an array"),
        (spaces.Box(-1, 1, (2,)), np.zeros((2, 2), complex), "must be numbers, got complex128"),
        (PAIR, {"go": [0, 1]}, r"action\['force'\] cannot be read"),
        (PAIR, {"go": [0, 1], "force": np.zeros((2, 3))}, r"action\['force'\] must have shape \(2, 2\)"),
        (PAIR, [0, 1], r"action\['force'\] cannot be read"),
    ],
)
def test_invalid_actions_are_named(space, action, words):
    shared = shared_memory.SharedArrays(BIT, space_tree.describe(space), 2)
    with pytest.raises(InvalidActionError, match=words):
        shared.put_action(action)
    os.close(shared.descriptor)


@pytest.mark.parametrize(
    ("space", "action", "invalid"),
    [
        (spaces.Discrete(4), [0, 3, 4, -1], [0, 0, 1, 1]),
        (spaces.Discrete(4), np.array([0, 2**32, 3, 256], np.uint64), [0, 1, 0, 1]),
        (spaces.Discrete(4), np.array([2**64 - 1, 0, 0, 0], np.uint64), [1, 0, 0, 0]),
        (spaces.Discrete(3, start=-1), np.array([-2, -1, 1, 2], np.int8), [1, 0, 0, 1]),
        (spaces.MultiBinary(2), [[0, 1], [256, 0], [1, 1], [-1, 0]], [0, 1, 0, 1]),
        (spaces.MultiBinary(1), np.array([[True], [False], [True], [True]]), [0, 0, 0, 0]),
        (spaces.Box(-1, 1, (1,)), [[0.5], [np.nan], [np.inf], [1.5]], [0, 1, 1, 1]),
        (spaces.Box(-1, 1, (1,)), [[1], [0], [-1], [2]], [0, 0, 0, 1]),
        (spaces.Box(-np.inf, np.inf, (1,)), [[9e9], [np.nan], [np.inf], [1e300]], [0, 1, 1, 1]),
        (spaces.Box(0, 255, (1,), np.uint8), [[0], [255], [256], [-1]], [0, 0, 1, 1]),
        (
            PAIR,
            {"go": [0, 9, 0, 0], "force": [[0, 0], [0, 0], [0, np.nan], [-1, 1]]},
            [0, 1, 1, 0],
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered in cast")  # 1e300 as float32: that is the point
def test_only_the_environments_with_values_out_of_bounds_are_invalid(space, action, invalid):
    shared = shared_memory.SharedArrays(BIT, space_tree.describe(space), 4)
    shared.put_action(action)
    leaves = shared.get_action()
    bounds = ActionBounds(space_tree.describe(space))
    found = bounds.violations(leaves)
    assert invalid == [0] * 4 if found is None else found.tolist() == [bool(b) for b in invalid]
    if found is not None:
        before = [leaf.copy() for leaf in leaves]
        bounds.replace(leaves, found)
        assert bounds.violations(leaves) is None
        assert all((leaf[~found] == old[~found]).all() for leaf, old in zip(leaves, before, strict=True))
    os.close(shared.descriptor)
