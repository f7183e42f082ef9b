"""States of Go: what random play reaches describes a board, can be set, and belongs to one environment alone."""

import gymnasium
import numpy as np
import pytest

import rlbench  # noqa: F401  # registers the ids
from rlbench.core.spaces import space
from rlbench.testing import same


def legal_action(rng, mask):
    """A legal action, the pass only where there is nothing else."""
    legal = np.flatnonzero(mask)
    return int(rng.choice(legal[:-1] if len(legal) > 1 else legal))


@pytest.mark.parametrize("suicide", [False, True])
@pytest.mark.parametrize("size", [2, 5, 9])
def test_states_that_play_reaches_can_be_set(size, suicide):
    """Setting a state rebuilds its chains from the stones, and compares."""
    env = gymnasium.make("rlbench/Go5x5-v0", size=size, suicide=suicide, opponent=None)
    rng = np.random.default_rng(size)
    for seed in range(3):
        observation, _ = env.reset(seed=seed)
        ended = False
        while not ended:
            observation, _, ended, _, _ = env.step(legal_action(rng, observation["action_mask"]))
            if rng.random() < 0.1:
                env.unwrapped.state = env.unwrapped.state
        env.unwrapped.state = env.unwrapped.state


def test_sizes_do_not_interfere():
    """Games on 5 x 5 and 19 x 19 in turn are those that each plays alone."""

    def games(*sizes):
        envs = [gymnasium.make("rlbench/Go5x5-v0", size=size, opponent="mcts:3") for size in sizes]
        rngs, seen = [np.random.default_rng(size) for size in sizes], {size: [] for size in sizes}
        masks = [env.reset(seed=1)[1]["action_mask"] for env in envs]
        for _ in range(20):
            for i, env in enumerate(envs):
                step = env.step(legal_action(rngs[i], masks[i]))
                masks[i] = step[4]["action_mask"]
                seen[sizes[i]].append(step[:4])
                if step[2]:
                    masks[i] = env.reset()[1]["action_mask"]
        return seen

    together = games(5, 19)
    assert same(together, {**games(5), **games(19)})


def test_a_search_passes_when_that_wins():
    """Black does nothing but pass; White has moved once, owns the board, and ends the game at the next pass."""
    env = gymnasium.make("rlbench/Go5x5-v0", opponent="mcts:400", komi=0.5)
    env.reset(seed=3, options={"colour": 0})
    for action in (25, 25, 25, 25):
        *_, ended, _, info = env.step(action)
        if ended:
            break
    assert ended
    assert (info["winner"], info["ending"]) == (-1, 1)


def test_bounds_of_small_integers_make_boxes_of_them():
    ones = np.ones((2, 3), np.uint8)
    box = space((ones * 0, ones))
    assert (box.dtype, box.shape, box.high.max()) == (np.uint8, (2, 3), 1)
    assert space((np.zeros(4, np.int8), np.ones(4, np.int8))).dtype == np.int8
    assert space((np.zeros(4), np.ones(4))).dtype == np.float32
    assert space((np.zeros(4, np.int64), np.ones(4, np.int64))).dtype == np.float32
