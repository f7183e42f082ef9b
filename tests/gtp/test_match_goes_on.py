"""A match that is killed at any moment, and run again until it is done, is the match that nobody has killed."""

import random
import subprocess
import sys
import time

import pytest

WORDS = ("match", "random", "mcts:1", "--env", "Go5x5", "--quiet", "--json")


def start(folder, games):
    """A match that writes its games and their records into a folder."""
    words = (*WORDS, "--games", games, "--output", folder / "games.csv", "--sgf", folder / "sgf")
    command = [sys.executable, "-m", "rlbench", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8")


def games_in(folder):
    path = folder / "games.csv"
    return max(path.read_bytes().count(b"\n") - 1, 0) if path.exists() else 0


def kill_during(match, folder, games, seconds):
    """Kill a match so long after the file holds so many games."""
    with match:
        while games_in(folder) < games and match.poll() is None:
            time.sleep(0.0005)
        time.sleep(seconds)
        match.kill()


def finished(match):
    """The table that a match prints at its end, and what it remarks."""
    with match:
        table, remarks = match.communicate(timeout=600)
    assert match.returncode == 0
    return table, remarks


def written(folder):
    """The files of a match by name, and what they hold."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("kills", "games"),
    [pytest.param(2, 12, id="2 kills"), pytest.param(50, 250, id="50 kills", marks=pytest.mark.slow)],
)
def test_a_match_goes_on_where_it_was_killed(tmp_path, kills, games):
    straight, killed, draw = tmp_path / "straight", tmp_path / "killed", random.Random(kills)
    table, remarks = finished(start(straight, games))
    assert remarks == ""
    for _ in range(kills):
        held = games_in(killed)
        kill_during(start(killed, games), killed, held + draw.randint(0, games // kills - 1), draw.uniform(0, 0.05))
        assert held <= games_in(killed) < games
    again, remarks = finished(start(killed, games))
    assert f"{games_in(killed)} games" not in remarks, "some were left to play"
    assert again == table
    assert written(killed) == written(straight)
