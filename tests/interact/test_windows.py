"""Real windows on a real (virtual) display, driven by real key presses and mouse clicks."""

import math

import gymnasium
import numpy as np
import pytest

import rlbench  # noqa: F401  # registers the ids
from rlbench.drawing.shapes import BLUE
from tests.interact.pictures import read_film, read_png


def is_colour(pixel, colour):
    return np.abs(pixel.astype(int) - colour).max() <= 24


def test_a_grid_world_played_with_keys_and_mouse_to_the_known_score(desk):
    """Seed 0 starts in row 2, column 1, three moves from the corner; cells are 128 pixels wide."""
    game = desk("play", "GridWorld", "--seed", 0, "--episodes", 1, "--json", "--trace", "t.jsonl", "--record", "g.mp4")
    game.keys("Left", "c")
    before = read_png(game.until("rlbench-1.png"))
    assert is_colour(before[2 * 128 + 64, 64], BLUE)  # the walker is in row 2, column 0
    game.keys("k", "c")
    unchanged = read_png(game.until("rlbench-2.png"))
    assert np.array_equal(before[:, :512], unchanged[:, :512])
    assert (before[:, 512:] != unchanged[:, 512:]).any()  # the panel says that this key does nothing
    game.click(64, 128 + 64)  # the cell above
    game.keys("c")
    after = read_png(game.until("rlbench-3.png"))
    assert is_colour(after[128 + 64, 64], BLUE)
    game.click(64, 3 * 128 + 64)  # too far away, no move
    game.keys("Up")
    code, (row,), _ = game.end()
    assert (code, row["return"], row["length"], row["ended"]) == (0, -3.0, 3, "terminated")
    frames, fps = read_film(game.folder / "g.mp4")
    assert (len(frames), fps) == (4, 4.0)
    watched = desk("watch", "t.jsonl", "--json", "--speed", 4, brief=True)
    code, (row,), _ = watched.end()
    assert (code, row["return"], row["as_recorded"]) == (0, -3.0, True)


def balance(seed, steps):
    """The pushes that hold the pole up from that seed on: towards where it leans."""
    env = gymnasium.make("rlbench/CartPole-v0")
    observation, _ = env.reset(seed=seed)
    pushes = []
    for _ in range(steps):
        pushes.append(int(observation[2] + 0.3 * observation[3] + 0.05 * observation[1] + 0.02 * observation[0] > 0))
        observation, _, terminated, _, _ = env.step(pushes[-1])
        assert not terminated
    return pushes


def test_a_cart_pole_balanced_by_key_presses_step_by_step(desk):
    """Paused, a step at a time: the player's key is down while the key for one step is pressed."""
    game = desk("play", "CartPole", "--seed", 3, "--json")
    game.keys("p")  # pause; a key of the screen's own does not begin the game
    script, held = [], None
    for push in balance(3, 60):
        key = ("Left", "Right")[push]
        if key != held:
            script += ["keyup", held] if held else []
            script += ["keydown", key]
            held = key
        script += ["key", "n", "sleep", "0.02"]
    game.xdotool("windowfocus", "--sync", game.window, *script, "keyup", held)
    game.keys("Escape")
    code, (row,), _ = game.end()
    assert code == 0
    assert row["ended"] == "unfinished"
    assert row["return"] == row["length"] == 60


def test_a_cart_pole_in_real_time_falls_to_the_side_that_is_pushed(desk):
    """Pushed to the right from the first step on it falls after a number of steps that is known."""
    env = gymnasium.make("rlbench/CartPole-v0")
    env.reset(seed=0)
    known = next(n for n in range(1, 500) if env.step(1)[2])
    game = desk("play", "CartPole", "--seed", 0, "--episodes", 1, "--json")
    game.xdotool("windowfocus", "--sync", game.window, "keydown", "Right")
    code, (row,), _ = game.end()
    game.xdotool("keyup", "Right")
    assert (code, row["return"], row["ended"]) == (0, known, "terminated")


def test_dragging_pushes_the_cart_towards_the_pointer(desk):
    game = desk("play", "CartPole", "--seed", 0, "--episodes", 1, "--json", "--trace", "drag.jsonl")
    game.xdotool("mousemove", "--window", game.window, 20, 300, "mousedown", 1)
    code, _, _ = game.end()
    game.xdotool("mouseup", 1)
    lines = (game.folder / "drag.jsonl").read_text(encoding="utf-8").splitlines()[1:-1]
    assert code == 0
    assert lines
    assert all('"action": 0' in line for line in lines)


def earned(env_id, actions, **kwargs):
    """What the actions earn, step by step, from seed 0 on, without a window; skips where the simulator is missing."""
    try:
        env = gymnasium.make(env_id, **kwargs)
    except gymnasium.error.DependencyNotInstalled as error:
        pytest.skip(str(error))
    env.reset(seed=0)
    rewards = [float(env.step(action)[1]) for action in actions]
    env.close()
    return rewards


def step_by_step(game, *held):
    """Pause; hold each key down for so many single steps in turn; leave."""
    game.keys("p")
    script = []
    for key, steps in held:
        script += ["keydown", key, *("key", "n", "sleep", "0.02") * steps, "keyup", key]
    game.xdotool("windowfocus", "--sync", game.window, *script)
    game.keys("Escape")
    return game.end()


def test_a_robot_whose_joints_are_pulled_by_keys(desk):
    """Half-cheetah's first joint forth, its second one forth, the first one back: torques of 1."""
    torques = np.zeros((30, 6), np.float32)
    torques[:10, 0], torques[10:20, 1], torques[20:, 0] = 1, 1, -1
    known = sum(earned("rlbench/HalfCheetah-v0", torques, renderer="sticks"))
    game = desk("play", "HalfCheetah", "--seed", 0, "--set", "renderer=sticks", "--json")
    code, (row,), _ = step_by_step(game, ("q", 10), ("w", 10), ("a", 10))
    assert (code, row["length"], row["ended"]) == (0, 30, "unfinished")
    assert row["return"] == pytest.approx(known)


def test_an_atari_chicken_crosses_the_road(desk):
    """Freeway, up until the first point is made."""
    rewards = earned("rlbench/AtariFreeway-v0", [1] * 250)
    steps = rewards.index(1.0) + 1
    game = desk("play", "AtariFreeway", "--seed", 0, "--json")
    code, (row,), _ = step_by_step(game, ("Up", steps))
    assert (code, row["return"], row["length"]) == (0, 1.0, steps)


def test_an_image_that_is_clicked_at_and_named(desk):
    env = gymnasium.make("rlbench/GlimpseMNIST-v0")
    env.reset(seed=8)
    label = int(env.unwrapped.params.labels[env.unwrapped.state.image])
    game = desk("play", "GlimpseMNIST", "--seed", 8, "--episodes", 1, "--json")
    for i in range(5):
        game.click(120 + 40 * i, 220)
    game.keys(str(label))
    code, (row,), _ = game.end()
    assert (code, row["return"], row["length"]) == (0, 1.0, 6)


def test_a_watched_grid_is_paused_and_closed_in_the_middle_and_leaves_a_whole_film(desk):
    arguments = ("--lanes", 4, "--json", "--speed", "0.0625", "--record", "w.mp4")
    game = desk("watch", "random", "--task", "cart-pole", *arguments)
    game.keys("p", "c")
    first = read_png(game.until("rlbench-1.png"))
    game.keys("c")
    tiles = slice(44, None)  # above them is the header
    assert np.array_equal(first[tiles], read_png(game.until("rlbench-2.png"))[tiles])
    game.keys("n", "n", "c")
    assert not np.array_equal(first[tiles], read_png(game.until("rlbench-3.png"))[tiles])
    game.keys("Escape")
    code, rows, _ = game.end()
    assert (code, rows) == (0, [])
    frames, fps = read_film(game.folder / "w.mp4")
    assert len(frames) >= 3
    assert fps == pytest.approx(50 / 16, abs=0.01)


def test_any_size_of_window_will_do(desk):
    game = desk("play", "GridWorld", "--seed", 0, "--episodes", 1, "--json")
    for size, key in (((1, 1), "Left"), ((333, 999), "Up"), ((1390, 20), "Up")):
        game.xdotool("windowsize", game.window, *size)
        game.keys(key)
    code, (row,), _ = game.end()
    assert (code, row["return"]) == (0, -3.0)


@pytest.mark.slow
@pytest.mark.parametrize("num_envs", [2, 64, 100])
def test_a_grid_fits_a_small_screen(desk, small_display, num_envs):
    watched = desk("watch", "random", "--task", "cart-pole", "--num-envs", num_envs, "--json", on=small_display)
    watched.keys("p", "c")
    height, width, _ = watched.picture().shape
    assert read_png(watched.until("rlbench-1.png")).shape[:2] == (height, width)  # it is drawn so small, not shrunk
    assert width <= 640
    assert height <= 480
    assert min(width, height) >= 180
    watched.keys("Escape")
    assert watched.end() == (0, [], "")


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["play", "CartPole"], ["watch", "random", "--task", "cart-pole"]])
def test_sigterm_ends_a_window_in_order(desk, arguments):
    game = desk(*arguments, "--speed", "0.0625", "--record", "film.mp4")
    game.keys("Right", "c")
    game.until("rlbench-1.png")
    out, errors = game.close()
    assert (game.process.returncode, out) == (143, "")
    assert len(errors.splitlines()) == 1
    assert len(read_film(game.folder / "film.mp4")[0]) >= 1
    assert {each.name for each in game.folder.iterdir()} == {"film.mp4", "rlbench-1.png"}


FORK = """
import os, pathlib, sys, gymnasium, rlbench
env = gymnasium.make("rlbench/CartPole-v0", render_mode="human")
env.reset(seed=0)
child = os.fork()
env.step(0)
if child == 0:
    sys.exit(0)
os.waitpid(child, 0)
for _ in range(3):
    env.step(1)
pathlib.Path("alive").touch()
while True:
    env.render()
"""


@pytest.mark.slow
def test_the_window_survives_the_end_of_a_fork(desk):
    program = desk("python", FORK)
    program.until("alive")
    assert program.picture().any()
    program.close()


def test_speed_is_what_it_says_within_a_wide_margin():
    """The window is given the frame rate and keeps it; this test looks at no clock."""
    from rlbench.interact.screen import Screen
    from rlbench.interact.scripted_keys import ScriptedKeys

    for speed, rate in ((1, 50), (0.5, 25), (4, 66.7), (64, 60.4)):
        window = ScriptedKeys(["-"])
        screen = Screen(50, window, speed=speed)
        for _ in range(200):
            screen.show(lambda: np.zeros((2, 2, 3), np.uint8))
        assert window.fps == pytest.approx(rate, rel=0.12)
        assert math.isclose(window.fps * max(1, round(50 * speed / 60)), 50 * speed)
