"""Every kind of environment, played, watched and shown by `render_mode="human"` in a real window on a real display."""

import gymnasium
import numpy as np
import pytest

import rlbench  # noqa: F401  # registers the ids
from rlbench.drawing.resize import magnify
from tests.interact.pictures import read_png

IDS = {
    **{name: f"rlbench/{name}-v0" for name in ("HalfCheetah", "Hopper", "Walker2d", "Ant", "Humanoid", "Swimmer")},
    **{name: f"rlbench/{name}-v0" for name in ("GridWorld", "CartPole", "GlimpseMNIST", "Go9x9")},
    **{
        f"Atari{name}": f"rlbench/Atari{name}-v0"
        for name in ("BeamRider", "Breakout", "Enduro", "Pong", "Qbert", "Seaquest", "SpaceInvaders")
    },
}
KEYS = {"GridWorld": ["Left", "Up"], "CartPole": ["Right"], "GlimpseMNIST": ["3"], "Go9x9": ["Left", "space"]}
OTHER_KEYS = {"Atari": ["space", "Right"], "": ["q", "w"]}
EVERY = [pytest.param(name, marks=pytest.mark.slow) for name in IDS]
WITH_A_SAMPLE_IN_CI = [pytest.param(name, marks=[] if name == "Hopper" else pytest.mark.slow) for name in IDS]


@pytest.fixture(autouse=True)
def simulator(request):
    """Skips where the simulator of an environment is missing."""
    try:
        gymnasium.make(IDS[request.node.callspec.params["name"]]).close()
    except gymnasium.error.DependencyNotInstalled as error:
        pytest.skip(str(error))


def colours(image):
    """How many colours there are in it."""
    return len(np.unique(image.reshape(-1, 3), axis=0))


@pytest.mark.parametrize("name", WITH_A_SAMPLE_IN_CI)
def test_it_is_played(desk, name):
    keys = KEYS.get(name) or OTHER_KEYS["Atari" if name.startswith("Atari") else ""]
    game = desk("play", name, "--seed", 0, "--json")
    game.keys(*keys, "p", "c")
    saved = read_png(game.until("rlbench-1.png"))
    shown = game.picture()
    assert colours(shown) > 3
    assert shown.shape == saved.shape
    assert (np.abs(shown.astype(int) - saved).max(axis=2) > 8).mean() < 0.1  # the notice has come; colours are rounded
    game.keys("Escape")
    code, rows, errors = game.end()
    assert (code, errors, len(rows)) == (0, "", 1)


@pytest.mark.parametrize("name", EVERY)
def test_it_is_watched(desk, name):
    watched = desk("watch", "random", "--task", name, "--json", "--speed", "0.25")
    watched.keys("p", "c")
    saved, shown = read_png(watched.until("rlbench-1.png")), watched.picture()
    assert colours(shown) > 3
    assert shown.shape == saved.shape
    watched.keys("Escape")
    assert watched.end() == (0, [], "")


HUMAN = """
import gymnasium, numpy as np, rlbench, time
env = gymnasium.make({id!r}, render_mode="human")
drawn = gymnasium.make({id!r}, render_mode="rgb_array")
for each in (env, drawn):
    each.reset(seed=0)
    each.action_space.seed(0)
for _ in range(3):
    action = env.action_space.sample()
    assert env.step(action)[1] == drawn.step(action)[1]
np.save("frame.npy", drawn.render())
while True:
    env.render()
"""


@pytest.mark.parametrize("name", EVERY)
def test_it_is_shown_by_render_mode_human(desk, name):
    program = desk("python", HUMAN.format(id=IDS[name]))
    program.until("frame.npy")
    frame, shown = np.load(program.folder / "frame.npy"), program.picture()
    assert colours(frame) > 2
    factor = shown.shape[0] // frame.shape[0]
    np.testing.assert_array_equal(shown, magnify(frame, factor))
    out, errors = program.close()
    assert (out, errors) == ("", "")
