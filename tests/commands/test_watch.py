"""`rlbench watch` and `rlbench play` without a display: agents, records, traces and recordings."""

import json
import shutil
import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from rlbench import cli
from rlbench.environments import find_id
from rlbench.harness.evaluate import evaluate
from rlbench.harness.results import record
from rlbench.harness.tasks.suite import get_task
from rlbench.interact.recorder import gif_rate
from tests import forge
from tests.interact.agents import AGENT, write_agent
from tests.interact.pictures import read_film, read_png

RECORD = str(next((Path(__file__).parents[2] / "results" / "cart-pole@1").glob("random@*.jsonl")))

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="agents are evaluated on Linux only")


@pytest.fixture
def lean(tmp_path):
    return write_agent(tmp_path / "lean", AGENT)


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """The command line without a display: exit code, parsed JSON, standard error."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        code = cli.main([*map(str, arguments)])
        out, err = capsys.readouterr()
        return code, json.loads(out) if out.startswith("[") else out, err

    return call


def test_a_row_of_the_leaderboard_is_played_again(lean, run, tmp_path):
    task = get_task("cart-pole")
    path = evaluate(task, lean, tmp_path / "results", quiet=True)
    arguments = ("watch", path, "--submission", lean, "--episode", 49, "--episodes", 2, "--no-window", "--json")
    code, rows, err = run(*arguments)
    assert (code, err) == (0, "")
    lines = record.read(path).episodes
    assert [row["as_recorded"] for row in rows] == [True, True]  # the last of one block and the first of the next
    assert [row["return"] for row in rows] == [line["return"] for line in lines[49:51]]
    forged = path.read_text(encoding="utf-8").replace(lines[49]["actions"], "0" * 16)
    forge.write(path, list(map(json.loads, forged.splitlines())))
    code, rows, _ = run(*arguments)
    assert (code, rows[0]["as_recorded"], rows[1]["as_recorded"]) == (1, False, True)
    assert rows[0]["difference"].startswith("actions '0000000000000000', now ")


def test_submissions_are_found_by_their_digest(lean, run, tmp_path):
    path = evaluate(get_task("cart-pole"), lean, tmp_path / "results", quiet=True)
    kept = tmp_path / "runs" / "train" / "cart-pole@1" / "lean-s4" / "submission"
    shutil.move(lean, kept)  # where the submission lay it would be found, too
    code, rows, _ = run("watch", path, "--no-window", "--json")
    assert (code, rows[0]["as_recorded"]) == (0, True)
    (kept / "agent.py").write_text(AGENT + "\n# another\n", encoding="utf-8")
    code, _, err = run("watch", path, "--no-window", "--json")
    assert code == 2
    assert "give the folder of lean 1 with --submission" in err
    code, _, err = run("watch", path, "--submission", kept)
    assert code == 2
    assert "has digest" in err


def test_the_committed_record_of_the_reference_agent(run):
    root = Path(__file__).parents[2]
    path = sorted((root / "results" / "grid-world@1").glob("value-iteration@*.jsonl"))[0]
    code, rows, _ = run("watch", path, "--episode", 3, "--lanes", 2, "--no-window", "--json")
    assert (code, [row["as_recorded"] for row in rows]) == (0, [True, True])


def test_without_a_display_it_says_what_it_did_instead(run, tmp_path):
    code, out, err = run("watch", "random", "--task", "grid-world", "--episodes", 2)
    assert code == 0
    assert "no display to open a window on: recording to watch.png instead" in err
    assert "wrote watch.png" in err
    assert "wrote watch-2.png" in err
    assert "return" in out
    code, out, err = run("play", "CartPole")
    assert code == 0
    assert "no display to open a window on: wrote the first frame to play.png instead" in err
    assert read_png(tmp_path / "play.png").std() > 10


def test_a_display_that_does_not_answer_is_none(run, monkeypatch):
    """SDL would otherwise draw into a window that nobody sees, and the game wait for keys for ever."""
    monkeypatch.setenv("DISPLAY", ":9876")
    code, _, err = run("play", "CartPole")
    assert code == 0
    assert "the display ':9876' does not answer: wrote the first frame to play.png instead" in err


def test_films_without_a_display(run, tmp_path):
    pytest.importorskip("imageio_ffmpeg")
    code, rows, err = run("watch", "random", "--task", "CartPole", "--record", "w.gif", "--json", "--speed", 0.5)
    assert (code, err) == (0, "")
    frames, fps = read_film(tmp_path / "w.gif")
    assert (len(frames), fps) == (rows[0]["length"] + 1, 25)
    code, rows, _ = run("play", "CartPole", "--keys", "right*50", "--record", "p.mp4", "--no-panel", "--json")
    frames, fps = read_film(tmp_path / "p.mp4")
    assert frames.shape == (rows[0]["length"] + 1, 400, 600, 3)
    assert fps == 50


FAMILIES = {
    "GridWorld": [],
    "CartPole": [],
    "GlimpseMNIST": [],
    "Hopper": ["--set", "renderer=sticks"],
    "AtariBreakout": [],
}
QUICK = [("GlimpseMNIST", ".mp4"), ("Hopper", ".mp4"), ("AtariBreakout", ".mp4"), ("GridWorld", ".gif")]
RECORDINGS = [
    pytest.param(env, suffix, marks=() if (env, suffix) in QUICK else pytest.mark.slow)
    for env in FAMILIES
    for suffix in (".mp4", ".gif", ".png")
]


@pytest.mark.parametrize(("env", "suffix"), RECORDINGS)
def test_every_kind_of_environment_is_recorded_without_a_display(run, tmp_path, env, suffix):
    """A random agent's episode: as many frames as states, at the environment's rate; or a strip of stills."""
    pytest.importorskip("imageio_ffmpeg")
    try:
        fps = gymnasium.make(find_id(env), render_mode="rgb_array").metadata["render_fps"]
    except gymnasium.error.DependencyNotInstalled as error:
        pytest.skip(str(error))
    path = tmp_path / f"recorded{suffix}"
    code, (row,), err = run("watch", "random", "--task", env, *FAMILIES[env], "--record", path, "--json")
    assert (code, err) == (0, "")
    if suffix == ".png":
        height, width, _ = read_png(path).shape
        assert width > 3 * height / 2
        return
    frames, rate = read_film(path)
    assert len(frames) == row["length"] + 1
    assert rate == pytest.approx(gif_rate(fps) if suffix == ".gif" else fps, rel=1e-3)
    assert (frames[0] != frames[-1]).any()


@pytest.mark.parametrize("env", ["CartPole-v1", "Pendulum-v1", "gymnasium:FrozenLake-v1"])  # the first is vectorised
def test_environments_of_gymnasium_are_watched(run, env):
    code, rows, _ = run("watch", "random", "-t", env, "--num-envs", 2, "--no-window", "--record", "x.png", "--json")
    assert (code, [row["episode"] for row in rows]) == (0, [0, 1])


def test_a_trace_from_a_game_is_watched(run, tmp_path):
    code, (row,), _ = run("play", "GridWorld", "--set", "maze=8x8", "--keys", "up*9", "--trace", "t.jsonl", "--json")
    assert code == 0
    code, (again,), _ = run("watch", "t.jsonl", "--record", "strip.png", "--json")
    assert (code, again["as_recorded"], again["return"]) == (0, True, row["return"])
    assert (tmp_path / "strip.png").exists()


MISTAKES = {
    "another extension": (["watch", "random", "--task", "CartPole", "--record", "w.webm"], ".mp4, .gif, .png"),
    "no folder": (["play", "CartPole", "--record", "no/where/w.mp4"], "No such file or directory; give another file"),
    "no submission": (["watch", "nowhere", "--task", "CartPole"], "no submission at nowhere"),
    "which task": (["watch", "random"], "which task? give --task, one of grid-world@1"),
    "unknown task": (["watch", "random", "--task", "cart-pol"], "unknown task 'cart-pol'; did you mean cart-pole@1"),
    "no file": (["watch", "results/x.jsonl"], "cannot read results/x.jsonl"),
    "a record has its task": (["watch", RECORD, "--task", "cart-pole"], "--task is not for a record, which"),
    "a submission is one": (
        ["watch", "random", "--task", "cart-pole", "--submission", "x"],
        "--submission is not for a",
    ),
    "episode": (["watch", "random", "--task", "cart-pole", "--episode", "100"], "episodes 0 to 99, not 100"),
    "negative": (["watch", "random", "--task", "cart-pole", "--episode", "-1"], "--episode counts from 0, got -1"),
    "environments": (["watch", "random", "--task", "cart-pole", "--num-envs", "0"], "--num-envs is 1 to 100, got 0"),
    "speed": (["play", "CartPole", "--speed", "0"], "--speed is between 0.0625 and 64, got 0"),
    "setting": (["play", "CartPole", "--set", "gravity"], "--set takes name=value, got 'gravity'"),
    "unknown setting": (["play", "CartPole", "--set", "wind=3"], "got an unexpected keyword argument 'wind'"),
    "bad setting": (["play", "GridWorld", "--set", "slip=2"], "slip is a probability in [0, 1]"),
    "task's settings": (["watch", "random", "--task", "cart-pole", "--set", "gravity=1"], "--set is for environments"),
    "unknown env": (["play", "GridWrold"], "unknown environment 'GridWrold'; did you mean GridWorld"),
    "no key of that name": (["play", "CartPole", "--keys", "zz*3"], "--keys 'zz*3' is no key"),
    "no key": (["play", "CartPole", "--keys", "*3"], "--keys '*3' is no key"),
    "frames": (["play", "CartPole", "--record", "a.png", "--frames", "0"], "1 to 200 frames, got 0"),
    "frames of a film": (["play", "CartPole", "--record", "a.mp4", "--frames", "7"], "--frames=7 is of filmstrips"),
    "frames of nothing": (["watch", "random", "--task", "CartPole", "--frames", "7"], "--frames=7 is of filmstrips"),
    "formats": (["play", "CartPole", "--json", "--csv"], "exclude each other"),
    "seed": (["play", "CartPole", "--seed", "-1"], "--seed is at least 0, got -1"),
    "episodes": (["watch", "random", "--task", "CartPole", "--episodes", "0"], "--episodes is at least 1, got 0"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_one_line_and_leave_nothing(run, tmp_path, name):
    arguments, words = MISTAKES[name]
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_quiet_is_quiet(run):
    code, out, err = run("play", "CartPole", "--keys", "right*50", "--quiet")
    assert (code, out, err) == (0, "", "")
    code, out, err = run("watch", "random", "--task", "grid-world", "--quiet", "--no-window")
    assert (code, out, err) == (0, "", "")


def test_the_frames_of_a_film_show_the_panel(run, tmp_path):
    pytest.importorskip("imageio_ffmpeg")
    run("watch", "random", "--task", "GridWorld", "--record", "w.mp4", "--json")
    frames, _ = read_film(tmp_path / "w.mp4")
    assert frames.shape[1:] == (512, 818, 3)  # 4 x 64 pixels twice as large, and a panel of 305, padded to even
    assert np.ptp(frames[0][60:130, 530:600].astype(int)) > 150  # the return, in ink on paper


def test_episodes_until_a_mistake_are_still_told(run, tmp_path):
    """The trace of the second episode has no place: both episodes are in the table, and the first trace is there."""
    (tmp_path / "t.trace-2.jsonl").mkdir()
    arguments = ["--keys", "right*60", "enter", "right*60", "--episodes", "2", "--trace", "t.trace.jsonl", "--json"]
    code, out, err = run("play", "CartPole", *arguments)
    assert code == 2
    assert [row["ended"] for row in out] == ["terminated", "terminated"]
    assert err.startswith("error: cannot write t.trace-2.jsonl: Is a directory")
    assert (tmp_path / "t.trace.jsonl").exists()


def test_an_agent_of_the_leaderboard_is_watched_by_its_name(run):
    code, rows, err = run("watch", "Value-Iteration", "--json")
    assert (code, len(rows)) == (0, 1)
    code, _, err = run("watch", "value-iteration", "--no-window")
    assert code == 0
    assert err.startswith("value-iteration is ")
    assert "baselines/pretrained/grid-world@1/value-iteration-s0" in err
