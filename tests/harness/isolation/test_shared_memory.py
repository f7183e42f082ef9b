import fcntl
import json
import os

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector.utils import batch_space
from hypothesis import given, settings
from hypothesis import strategies as st

from rlbench import space_tree
from rlbench.errors import HarnessError
from rlbench.harness.isolation import shared_memory

SHAPES = st.lists(st.integers(1, 3), max_size=3).map(tuple)


@st.composite
def boxes(draw):
    dtype = draw(st.sampled_from([np.float32, np.float64, np.uint8, np.int16, np.int64]))
    shape = draw(SHAPES)
    if np.issubdtype(dtype, np.floating):
        low, high = draw(st.sampled_from([(-1.0, 1.0), (-np.inf, np.inf), (0.25, np.inf)]))
    else:
        low, high = draw(st.sampled_from([(0, 1), (3, 100)]))
    lows = np.full(shape, low, dtype)
    if lows.size and draw(st.booleans()) and np.isfinite(low):
        lows.flat[0] = high if np.isfinite(high) else low + 1  # bounds that differ from element to element
    return spaces.Box(lows, np.full(shape, high, dtype), dtype=dtype)


LEAVES = st.one_of(
    boxes(),
    st.builds(spaces.Discrete, st.integers(1, 9), start=st.integers(-3, 3)),
    st.lists(st.integers(1, 5), min_size=1, max_size=4).map(spaces.MultiDiscrete),
    st.just(spaces.MultiDiscrete(np.array([[2, 3], [4, 5]]), start=np.array([[-1, 0], [1, 2]]))),
    st.sampled_from([3, [2, 2]]).map(spaces.MultiBinary),
)
SPACES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.dictionaries(st.text("zyxab", min_size=1, max_size=3), inner, min_size=1, max_size=3).map(spaces.Dict),
        st.lists(inner, min_size=1, max_size=3).map(lambda some: spaces.Tuple(tuple(some))),
    ),
    max_leaves=6,
)


def crossed(space):
    """The description as the child gets it."""
    return json.loads(json.dumps(space_tree.describe(space)))


def assert_same(a, b):
    if isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            assert_same(a[key], b[key])
    elif isinstance(a, tuple):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_same(x, y)
    else:
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


@given(SPACES)
@settings(deadline=None)
def test_a_space_survives_its_description(space):
    assert space_tree.space(crossed(space)) == space


@given(SPACES, SPACES, st.integers(1, 5), st.integers(0, 2**31 - 1))
@settings(deadline=None)
def test_values_cross_between_two_views_of_one_memory(observation_space, action_space, lanes, seed):
    observations, actions = batch_space(observation_space, lanes), batch_space(action_space, lanes)
    observations.seed(seed)
    actions.seed(seed)
    ours = shared_memory.Frame(space_tree.describe(observation_space), space_tree.describe(action_space), lanes)
    theirs = shared_memory.Frame(crossed(observation_space), crossed(action_space), lanes, ours.descriptor)
    first = np.random.default_rng(seed).random(lanes) < 0.5
    bounds = shared_memory.Bounds(space_tree.describe(action_space))
    try:
        for _ in range(2):
            observation, action = observations.sample(), actions.sample()
            ours.put_observation(observation, first)
            seen, seen_first = theirs.get_observation()
            theirs.put_message("a line")
            theirs.put_action(action)
            leaves = ours.get_action()
            assert_same(seen, plain(observation_space, observation))
            np.testing.assert_array_equal(seen_first, first)
            assert bounds.broken(leaves) is None
            assert_same(bounds.tree(leaves), plain(action_space, action))
            assert ours.get_message() == "a line"
    finally:
        os.close(ours.descriptor)


def plain(space, batch):
    """A batch as plain dicts and tuples of arrays in the space's own order and dtype."""
    if isinstance(space, spaces.Dict):
        return {key: plain(inner, batch[key]) for key, inner in space.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(plain(inner, part) for inner, part in zip(space, batch, strict=True))
    return np.asarray(batch, space.dtype)


@given(SPACES, st.integers(0, 2**31 - 1))
@settings(deadline=None)
def test_lanes_and_batches_are_inverse(space, seed):
    batch_of_three = batch_space(space, 3)
    batch_of_three.seed(seed)
    batch = plain(space, batch_of_three.sample())
    description = space_tree.describe(space)
    lanes = [space_tree.lane(description, batch, i) for i in range(3)]
    assert_same(plain(space, space_tree.stack(description, lanes)), batch)


def test_the_memory_is_sealed():
    frame = shared_memory.Frame(space_tree.describe(spaces.Discrete(2)), space_tree.describe(spaces.Discrete(2)), 1)
    size = os.fstat(frame.descriptor).st_size
    for change in (size + 1, size - 1):
        with pytest.raises(PermissionError):
            os.ftruncate(frame.descriptor, change)
    with pytest.raises(PermissionError):
        fcntl.fcntl(frame.descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)
    os.close(frame.descriptor)


def test_what_was_handed_out_is_never_overwritten():
    description = space_tree.describe(spaces.Discrete(9))
    frame = shared_memory.Frame(description, description, 2)
    kept = []
    for value in (3, 5):
        frame.put_observation(np.full(2, value), np.zeros(2, bool))
        frame.put_action(np.full(2, value))
        kept.append((frame.get_observation()[0], frame.get_action()[0]))
    assert [(seen.tolist(), done.tolist()) for seen, done in kept] == [([3, 3], [3, 3]), ([5, 5], [5, 5])]
    os.close(frame.descriptor)


PAIR = spaces.Dict({"go": spaces.Discrete(4), "force": spaces.Box(-1, 1, (2,), np.float32)})


@pytest.mark.parametrize(
    ("space", "action", "words"),
    [
        (spaces.Discrete(4), np.array([0.0, 1.0]), "must be int64, got float64"),
        (spaces.Discrete(4), np.array([True, False]), "must be int64, got bool"),
        (spaces.Discrete(4), np.array([[0], [1]]), r"shape \(2,\), got \(2, 1\)"),
        (spaces.Discrete(4), 0, r"shape \(2,\), got \(\)"),
        (spaces.Discrete(4), [0, 1, 2], r"got \(3,\)"),
        (spaces.Discrete(4), None, "must be int64, got object"),
        (spaces.Discrete(4), ["up", "down"], "must be int64, got <U4"),
        (spaces.Discrete(4), [[0], [1, 2]], "cannot be read as an array"),
        (spaces.Box(-1, 1, (2,)), np.zeros((2, 2), complex), "must be float32, got complex128"),
        (PAIR, {"go": [0, 1]}, r"action\['force'\] cannot be read"),
        (PAIR, {"go": [0, 1], "force": np.zeros((2, 3))}, r"action\['force'\] must have shape \(2, 2\)"),
        (PAIR, [0, 1], r"action\['force'\] cannot be read"),
    ],
)
def test_misfits_are_named(space, action, words):
    frame = shared_memory.Frame(space_tree.describe(spaces.Discrete(2)), space_tree.describe(space), 2)
    with pytest.raises(shared_memory.Misfit, match=words):
        frame.put_action(action)
    os.close(frame.descriptor)


@pytest.mark.parametrize(
    ("space", "action", "broken"),
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
def test_values_out_of_bounds_break_their_lane_alone(space, action, broken):
    frame = shared_memory.Frame(space_tree.describe(spaces.Discrete(2)), space_tree.describe(space), 4)
    frame.put_action(action)
    leaves = frame.get_action()
    bounds = shared_memory.Bounds(space_tree.describe(space))
    found = bounds.broken(leaves)
    assert broken == [0] * 4 if found is None else found.tolist() == [bool(b) for b in broken]
    if found is not None:
        before = [leaf.copy() for leaf in leaves]
        bounds.mend(leaves, found)
        assert bounds.broken(leaves) is None
        assert all((leaf[~found] == old[~found]).all() for leaf, old in zip(leaves, before, strict=True))
    os.close(frame.descriptor)


def test_long_and_odd_messages_become_one_line_that_fits():
    frame = shared_memory.Frame(space_tree.describe(spaces.Discrete(2)), space_tree.describe(spaces.Discrete(2)), 1)
    frame.put_message("a\nb\x1b[31m \udcff " + "é" * 9_000)
    text = frame.get_message()
    assert text.startswith("a b [31m ?")
    assert text.isprintable()
    assert len(text.encode()) <= shared_memory.MESSAGE_BYTES + 3
    frame.put_message("short")
    assert frame.get_message() == "short"
    os.close(frame.descriptor)


def test_other_spaces_are_refused():
    with pytest.raises(HarnessError, match="Text space cannot cross"):
        space_tree.describe(spaces.Text(5))
    with pytest.raises(HarnessError, match="Graph"):
        space_tree.describe(spaces.Dict({"g": spaces.Graph(spaces.Discrete(2), None)}))


@pytest.mark.parametrize("name", ["rlbench/GridWorld-v0", "rlbench/CartPole-v0"])
def test_the_registered_environments_can_cross(name):
    env = gymnasium.make_vec(name, num_envs=2)
    for space in (env.single_observation_space, env.single_action_space):
        assert space_tree.space(crossed(space)) == space
    env.close()
