"""Environments in the mode `human`: their window shows every state, and its user may close it."""

import gymnasium
import numpy as np

import rlbench  # noqa: F401  # registers the ids
from rlbench.drawing.window import fit
from tests.drawing.windows import on_screen, pygame


def test_human_mode_shows_every_state(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr("rlbench.envs.grid_world.render.FRAMES_PER_SECOND", 1000)
    env = gymnasium.make("rlbench/GridWorld-v0", render_mode="human")
    drawn = gymnasium.make("rlbench/GridWorld-v0", render_mode="rgb_array")
    for world in (env, drawn):
        world.reset(seed=5)
    for action in (0, 1):
        env.step(action)
        drawn.step(action)
        shown, (height, width, _) = on_screen(), drawn.render().shape
        left, top, wide, high = fit((width, height), shown.shape[1::-1])
        assert (wide, high) == (width, height)
        np.testing.assert_array_equal(shown[top : top + high, left : left + wide], drawn.render())
    env.close()
    assert not pygame.display.get_init()


def test_an_environment_goes_on_without_its_window_until_it_is_closed(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    env = gymnasium.make("rlbench/CartPole-v0", render_mode="human")
    env.reset(seed=0)
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    env.step(0)
    monkeypatch.setattr(env.unwrapped, "_frame", None)  # nothing is drawn any more
    env.step(1)
    assert not pygame.display.get_init()
    monkeypatch.undo()
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    env.close()
    env.reset(seed=0)
    assert pygame.display.get_init()
    env.close()
