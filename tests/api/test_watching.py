"""`rlbench.watch`: films for notebooks, of submissions, records, traces and live agents."""

import subprocess
import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import rlbench
from rlbench.interact import trace
from rlbench.interact.encoded import page_film
from rlbench.interact.episode import ShownEpisode, make
from rlbench.interact.recorder import recorder
from tests.interact.pictures import read_film

imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="pip install 'rlbench[play]'")
linux = pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only")

RECORDS = Path(__file__).parents[2] / "results" / "cart-pole@1"


def upright(observation):
    return int(observation[2] + observation[3] > 0)


def frames_of(film, path):
    """The frames of a film, uint8[N, H, W, 3], as ffmpeg decodes them."""
    path.write_bytes(film.mp4)
    return read_film(path)[0]


def test_a_live_agent_plays_the_tasks_episode(tmp_path):
    film = rlbench.watch(upright, "cart-pole", panel=False, max_frames=20)
    frames = frames_of(film, tmp_path / "film.mp4")
    assert frames.shape == (20, 400, 600, 3)
    assert (film.frames, film.size, film.fps) == (20, (600, 400), 50)
    env = gymnasium.make("rlbench/CartPole-v0", render_mode="rgb_array")
    observation, _ = env.reset(seed=1 << 30)
    for frame in frames:
        assert np.abs(frame.astype(int) - env.render()).mean() < 3  # of 255: H.264 is lossy
        observation, *_ = env.step(upright(observation))
    env.close()
    (row,) = film.episodes.to_dict("records")
    assert (row["seed"], row["length"], row["ended"]) == (1 << 30, 19, "unfinished")


@linux
def test_a_record_is_played_again_as_it_was(tmp_path):
    run = rlbench.evaluate("random", "grid-world", results=tmp_path, quiet=True)
    film = rlbench.watch(run, episode=3, episodes=2)
    assert film.episodes["as_recorded"].all()
    assert film.episodes["return"].tolist() == run.episodes["return"][3:5].tolist()


@linux
def test_a_grid_of_fewer_episodes_keeps_the_films_size(tmp_path):
    film = rlbench.watch("random", "cart-pole", episodes=3, num_envs=2)
    assert len(film.episodes) == 3
    assert frames_of(film, tmp_path / "film.mp4").shape[1:3] == film.size[::-1]


def test_a_trace_is_a_film(tmp_path):
    env = make("rlbench/GridWorld-v0", {})
    episode = ShownEpisode(env, 0, player="hand")
    episode.step(0)
    trace.save(episode, tmp_path / "mine.jsonl")
    env.close()
    assert rlbench.watch(tmp_path / "mine.jsonl").frames == 2


def test_a_film_is_no_larger_than_a_page_may_hold(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (50, 160, 160, 3), np.uint8)
    with recorder(tmp_path / "noise.mp4", fps=10) as film:
        for frame in noise:
            film.add(frame)
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    whole = page_film(ffmpeg, tmp_path / "noise.mp4", 5, 1 << 30)
    small = page_film(ffmpeg, tmp_path / "noise.mp4", 5, 200_000)
    assert len(small) <= 200_000 < len(whole)
    for made in (whole, small):
        (tmp_path / "made.mp4").write_bytes(made)
        assert len(read_film(tmp_path / "made.mp4")[0]) == 50
    with pytest.raises(rlbench.UserError, match="a page holds 1,000; show fewer frames"):
        page_film(ffmpeg, tmp_path / "noise.mp4", 5, 1_000)
    with pytest.raises(rlbench.UserError, match="ffmpeg cannot make a film"):
        page_film(ffmpeg, Path(__file__), 5, 1_000)


class Unrecorded:
    def act(self, observation, first):
        return np.zeros(len(first), np.int64)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rlbench.watch(3, "cart-pole"), "3 is no agent"),
        (lambda: rlbench.watch(upright), "which task"),
        (lambda: rlbench.watch("nobody"), "no submission at nobody"),
        (lambda: rlbench.watch(upright, "cart-poll"), "unknown task .*'cart-poll'"),
        (lambda: rlbench.watch(upright, "cart-pole", episode=-1), "episode is at least 0, got -1"),
        (lambda: rlbench.watch(upright, "cart-pole", max_frames="x"), "max_frames is a whole number, got 'x'"),
        (lambda: rlbench.watch(upright, "cart-pole", episode=1.5), r"episode is a whole number, got 1\.5"),
        (lambda: rlbench.watch(upright, "cart-pole", episode=100), "has episodes 0 to 99, not 100"),
        (lambda: rlbench.watch(upright, "cart-pole", speed=0), "speed is between"),
        (lambda: rlbench.watch(upright, "cart-pole", env_kwargs={"a": 1}), "a task has its arguments already"),
        (lambda: rlbench.watch(upright, "CartPole", env_kwargs={"a": 1}), "CartPole-v0: .*'a'"),
        (lambda: rlbench.watch(lambda observation: 9, "cart-pole"), "action = 9 is not within"),
        (lambda: rlbench.watch(lambda observation: 0.5, "cart-pole"), "must be integers"),
        (lambda: rlbench.watch(__file__), "neither a trace nor a record"),
        (lambda: rlbench.watch(RECORDS), "is a folder of records; give one of them, such as .*jsonl"),
        (lambda: rlbench.watch(rlbench.evaluate(Unrecorded(), "cart-pole", quiet=True)), "was not recorded"),
    ],
)
def test_a_mistake_is_one_line(call, message):
    with pytest.raises(rlbench.UserError, match=message) as raised:
        call()
    assert "\n" not in str(raised.value)


def test_a_script_without_a_notebook_loads_none(tmp_path):
    code = "import sys, rlbench; rlbench.watch(lambda o: 0, 'cart-pole', max_frames=2); print('IPython' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-O", "-W", "error", "-c", code], capture_output=True, text=True, encoding="utf-8"
    )
    assert (done.stdout, done.stderr) == ("False\n", "")
