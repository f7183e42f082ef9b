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
from rlbench.harness.isolation.actions import ActionBounds

BIT = space_tree.describe(spaces.Discrete(2))
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
def test_values_cross_between_two_views_of_one_memory(observation_space, action_space, num_envs, seed):
    observations, actions = batch_space(observation_space, num_envs), batch_space(action_space, num_envs)
    observations.seed(seed)
    actions.seed(seed)
    ours = shared_memory.SharedArrays(
        space_tree.describe(observation_space), space_tree.describe(action_space), num_envs
    )
    theirs = shared_memory.SharedArrays(crossed(observation_space), crossed(action_space), num_envs, ours.descriptor)
    first = np.random.default_rng(seed).random(num_envs) < 0.5
    bounds = ActionBounds(space_tree.describe(action_space))
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
            assert bounds.violations(leaves) is None
            assert_same(bounds.unflatten(leaves), plain(action_space, action))
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
def test_indexing_and_stacking_are_inverse(space, seed):
    batch_of_three = batch_space(space, 3)
    batch_of_three.seed(seed)
    batch = plain(space, batch_of_three.sample())
    description = space_tree.describe(space)
    singles = [space_tree.index(description, batch, i) for i in range(3)]
    assert_same(plain(space, space_tree.stack(description, singles)), batch)


def test_the_memory_is_sealed():
    shared = shared_memory.SharedArrays(
        space_tree.describe(spaces.Discrete(2)), space_tree.describe(spaces.Discrete(2)), 1
    )
    size = os.fstat(shared.descriptor).st_size
    for change in (size + 1, size - 1):
        with pytest.raises(PermissionError):
            os.ftruncate(shared.descriptor, change)
    with pytest.raises(PermissionError):
        fcntl.fcntl(shared.descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)
    os.close(shared.descriptor)


def test_what_was_handed_out_is_never_overwritten():
    description = space_tree.describe(spaces.Discrete(9))
    shared = shared_memory.SharedArrays(description, description, 2)
    kept = []
    for value in (3, 5):
        shared.put_observation(np.full(2, value), np.zeros(2, bool))
        shared.put_action(np.full(2, value))
        kept.append((shared.get_observation()[0], shared.get_action()[0]))
    assert [(seen.tolist(), done.tolist()) for seen, done in kept] == [([3, 3], [3, 3]), ([5, 5], [5, 5])]
    os.close(shared.descriptor)


def test_long_and_odd_messages_become_one_line_that_fits():
    shared = shared_memory.SharedArrays(
        space_tree.describe(spaces.Discrete(2)), space_tree.describe(spaces.Discrete(2)), 1
    )
    shared.put_message("a\nb\x1b[31m \udcff " + "é" * 9_000)
    text = shared.get_message()
    assert text.startswith("a b [31m ?")
    assert text.isprintable()
    assert len(text.encode()) <= shared_memory.MESSAGE_BYTES + 3
    shared.put_message("short")
    assert shared.get_message() == "short"
    os.close(shared.descriptor)


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
