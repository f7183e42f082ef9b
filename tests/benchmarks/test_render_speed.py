"""Frames per second against Gymnasium's renderers of the same size."""

import itertools

import gymnasium
import pytest

import rlbench  # noqa: F401  # registers the ids

CALLS, SHORT_CALLS = 40, 2
LEAST_RATIO = 2.0

CLIFF = "............\n............\n............\n.##########T"  # CliffWalking's shape, walls for its cliff
PEERS = {
    "cart-pole's frame, 600x400": ("rlbench/CartPole-v0", {}, "CartPole-v1"),
    "grid world's frame, 256x256": ("rlbench/GridWorld-v0", {}, "FrozenLake-v1"),
    "grid world's frame, 768x256": ("rlbench/GridWorld-v0", {"maze": CLIFF}, "CliffWalking-v1"),
}


def frames(env, calls):
    """A function that draws so many frames, of sixteen states of an episode in turn."""
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
        for _ in range(calls):
            setattr(world, name, next(cycle))
            world.render()

    return draw


@pytest.mark.benchmark(group="Pictures")
@pytest.mark.parametrize("name", PEERS)
def test_frames_against_gymnasium(name, compare, size, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pytest.importorskip("pygame")
    ours_id, kwargs, theirs_id = PEERS[name]
    ours = gymnasium.make(ours_id, render_mode="rgb_array", **kwargs)
    theirs = gymnasium.make(theirs_id, render_mode="rgb_array")
    draw_ours, draw_theirs = (frames(env, size(CALLS, SHORT_CALLS)) for env in (ours, theirs))
    assert ours.render().shape == theirs.render().shape
    against = f"Gymnasium's renderer of {theirs_id}"
    compare(name, against, draw_ours, draw_theirs, least=LEAST_RATIO, limit="filling pixels")
    ours.close()
    theirs.close()
