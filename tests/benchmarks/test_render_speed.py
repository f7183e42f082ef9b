"""Frames per second against Gymnasium's renderers of the same size: interleaved medians, as ratios in one run."""

import itertools
import statistics
import time

import gymnasium
import pytest

import rlbench  # noqa: F401  # registers the ids

ROUNDS, CALLS = 15, 40
LEAST_RATIO = 2.0

CLIFF = "............\n............\n............\n.##########T"  # CliffWalking's shape, walls for its cliff
PEERS = {
    "cart-pole 600x400": ("rlbench/CartPole-v0", {}, "CartPole-v1"),
    "grid world 256x256": ("rlbench/GridWorld-v0", {}, "FrozenLake-v1"),
    "grid world 768x256": ("rlbench/GridWorld-v0", {"maze": CLIFF}, "CliffWalking-v1"),
}


def frames(env):
    """A function that draws one of sixteen states of an episode, a different one at each call."""
    env.reset(seed=0)
    env.action_space.seed(0)
    world, name = env.unwrapped, "s" if hasattr(env.unwrapped, "s") else "state"
    states = []
    while len(states) < 16:
        states.append(getattr(world, name))
        _, _, terminated, truncated, _ = env.step(env.action_space.sample())
        if terminated or truncated:
            env.reset()
    cycle = itertools.cycle(states)

    def draw():
        setattr(world, name, next(cycle))
        return world.render()

    return draw


def seconds(function):
    start = time.perf_counter()
    for _ in range(CALLS):
        function()
    return (time.perf_counter() - start) / CALLS


@pytest.mark.benchmark(group="render")
@pytest.mark.parametrize("name", PEERS)
def test_frames_against_gymnasium(name, benchmark, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pytest.importorskip("pygame")
    ours_id, kwargs, theirs_id = PEERS[name]
    ours = gymnasium.make(ours_id, render_mode="rgb_array", **kwargs)
    theirs = gymnasium.make(theirs_id, render_mode="rgb_array")
    draw_ours, draw_theirs = frames(ours), frames(theirs)
    assert draw_ours().shape == draw_theirs().shape
    rounds = [(seconds(draw_ours), seconds(draw_theirs)) for _ in range(ROUNDS)]
    mine, peer = (statistics.median(column) for column in zip(*rounds, strict=True))
    benchmark.pedantic(draw_ours, rounds=ROUNDS, iterations=CALLS)
    benchmark.extra_info |= {"microseconds": mine * 1e6, "peer": theirs_id, "ratio": peer / mine}
    print(f"\n{name}: {mine * 1e6:.0f} us, {theirs_id} {peer * 1e6:.0f} us, ratio {peer / mine:.1f}")
    ours.close()
    theirs.close()
    assert peer / mine >= LEAST_RATIO
