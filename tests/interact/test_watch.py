"""Watching agents: what is shown is what is scored."""

import sys

import pytest

from rlbench.harness import submission
from rlbench.harness.blocks import agent_seed
from rlbench.harness.tasks.suite import get_task
from rlbench.interact.recorder import recorder
from rlbench.interact.screen import Screen
from rlbench.interact.scripted_keys import ScriptedKeys
from rlbench.interact.watch import WatchedBlock, WindowClosed
from tests.interact.agents import AGENT, FAULTY, write_agent
from tests.interact.pictures import read_film, read_png

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only")


@pytest.fixture
def lean(tmp_path):
    return write_agent(tmp_path / "lean", AGENT)


def watched_block(folder, screen, shown=(0,), num_envs=3, task="cart-pole"):
    return WatchedBlock(get_task(task), submission.read(str(folder)), range(num_envs), shown, screen)


def test_what_is_seen_is_what_is_scored(lean, tmp_path):
    pytest.importorskip("imageio_ffmpeg")
    entrant, task = submission.read(lean), get_task("cart-pole")
    with recorder(tmp_path / "film.mp4", 50) as film:
        one = watched_block(lean, Screen(50, None, film))
        played = one.play(agent_seed(task, entrant.training_seed, 0))
    (episode,) = one.episodes
    assert episode.return_ == played[0].return_
    assert film.frames == len(read_film(film.path)[0]) == played[0].length + 1
    assert {len(each.probabilities) for each in episode.explanations} == {2}
    assert episode.explanations[0].probabilities[episode.actions[0]] >= 0.5


def test_a_grid_has_a_tile_for_each_environment(lean, tmp_path):
    with recorder(tmp_path / "strip.png", 50, strip=2) as strip:
        watched_block(lean, Screen(50, None, strip), shown=(0, 2)).play(1)
    assert read_png(tmp_path / "strip.png").shape[2] == 3


@pytest.mark.parametrize(
    ("fault", "status"), [("raise ValueError('tired')", "crash"), ("return [7] * len(first)", "invalid_action")]
)
def test_faults_are_seen_and_scored(tmp_path, fault, status):
    folder = write_agent(tmp_path / "faulty", FAULTY.format(fault=fault))
    window = ScriptedKeys(["-*100"])
    watched = watched_block(folder, Screen(50, window), shown=(0, 1), num_envs=2)
    played = watched.play(0)
    assert [episode.fault for episode in watched.episodes] == [status] * 2 == [each.status for each in played]
    assert window.shown is not None


def test_closing_the_window_ends_it(lean):
    with pytest.raises(WindowClosed):
        watched_block(lean, Screen(50, ScriptedKeys(["-*5", "escape"]))).play(0)
