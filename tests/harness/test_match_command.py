"""`rlbench match`: games between players, their table, the file in which they go on, and their records in SGF."""

import csv
import json
import sys

import pytest

from rlbench import cli
from rlbench.commands import match
from rlbench.envs.go.game import Game
from rlbench.envs.go.game_record import play_record
from rlbench.envs.go.sgf import read_sgf
from rlbench.gtp.tournament import read_games
from rlbench.harness.ranking import elo

SMALL = ("--env", "Go5x5", "--games", "4")
FIRST = "return np.argmax(observation['action_mask'], axis=1)"
linux = pytest.mark.skipif(sys.platform != "linux", reason="agents are played on Linux only")


def run(capsys, *words):
    code = cli.main(["match", *map(str, words)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_two_players_have_a_row_with_their_difference(capsys):
    code, out, err = run(capsys, "mcts:30", "random", *SMALL, "--json")
    assert (code, err) == (0, "")
    (row,) = json.loads(out)
    assert (row["player"], row["other"], row["games"]) == ("mcts:30", "random", 4)
    assert row["won"] + row["drawn"] + row["lost"] == 4
    assert row["won_as_black"] + row["won_as_white"] == row["won"]
    if 0 < row["won"] < 4:
        assert row["low"] < row["elo"] < row["high"]
    else:
        assert row["elo"] is None


def test_more_players_are_all_rated(capsys):
    code, out, _ = run(capsys, "random", "mcts:2", "mcts:4", *SMALL, "--csv")
    rows = list(csv.DictReader(out.splitlines()))
    assert code == 0
    assert {row["player"] for row in rows} == {"random", "mcts:2", "mcts:4"}
    assert {row["games"] for row in rows} == {"8"}
    assert sum(int(row["won"]) for row in rows) == sum(int(row["lost"]) for row in rows)


def test_in_a_gauntlet_the_first_player_is_rated_by_what_is_known_of_the_others(capsys, tmp_path):
    """The same games as those of each pair by itself; mcts:3 has no rating."""
    words, others = (*SMALL[:2], "--games", "8", "--csv"), ("random", "mcts:3", "mcts:100")
    code, out, err = run(capsys, "mcts:30", *others, "--gauntlet", *words, "-o", tmp_path / "all")
    assert (code, err) == (0, "")
    random, three, hundred, total = (
        {name: int(cell) if cell.lstrip("-").isdigit() else cell for name, cell in row.items()}
        for row in csv.DictReader(out.splitlines())
    )
    assert [row["other"] for row in (random, three, hundred, total)] == ["random", "mcts:3", "mcts:100", "all rated"]
    assert [row["other_elo"] for row in (random, three, hundred, total)] == [0, "", 679, ""]
    assert (three["elo"], total["games"], total["won"]) == ("", 16, random["won"] + hundred["won"])
    expected = elo.rate(total["won"], [0] * 8 + [679] * 8)
    assert [total["elo"], total["low"], total["high"]] == [round(each) for each in expected]
    run(capsys, "mcts:30", "mcts:100", *words, "-o", tmp_path / "pair")
    played = read_games(tmp_path / "all")
    pairs = {frozenset((game.black, game.white)) for game in played}
    assert pairs == {frozenset(("mcts:30", other)) for other in others}
    assert [game for game in played if "mcts:100" in (game.black, game.white)] == read_games(tmp_path / "pair")


def test_in_a_gauntlet_without_known_ratings_there_are_games_alone(capsys):
    code, out, err = run(capsys, "random", "mcts:2", "--gauntlet", "--env", "Go5x5", "--games", "2", "--komi", "0.5")
    assert (code, err) == (0, "no opponent has a rating on 5x5 with komi 0.5, so no Elo\n")
    assert "all rated" not in out


def test_the_same_seed_gives_the_same_games_and_an_interrupted_match_goes_on(capsys, tmp_path):
    players = ("random", "mcts:2", "--env", "go5", "--quiet")
    run(capsys, *players, "--games", 4, "--seed", 3, "-o", tmp_path / "whole.csv")
    _, _, err = run(capsys, *players, "--games", 2, "--seed", 3, "-o", tmp_path / "parts.csv")
    assert err == ""
    code, _, err = run(capsys, *players[:-1], "--games", 4, "--seed", 3, "-o", tmp_path / "parts.csv")
    assert (code, err) == (0, f"2 games between these players in {tmp_path / 'parts.csv'} count, too\n")
    assert (tmp_path / "whole.csv").read_bytes() == (tmp_path / "parts.csv").read_bytes()
    run(capsys, *players, "--games", 4, "--seed", 4, "-o", tmp_path / "other.csv")
    assert {row.turns for row in read_games(tmp_path / "other.csv")}
    assert read_games(tmp_path / "other.csv") != read_games(tmp_path / "whole.csv")


def test_what_was_played_is_kept_and_shown_when_it_is_interrupted(capsys, tmp_path, monkeypatch):
    referee, calls = match.referee, []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return referee(*arguments)

    monkeypatch.setattr(match, "referee", interrupted)
    code, out, _ = run(capsys, "random", "mcts:2", *SMALL, "-o", tmp_path / "games.csv", "--json")
    assert (code, json.loads(out)[0]["games"]) == (130, 2)
    assert len(read_games(tmp_path / "games.csv")) == 2


def test_a_record_in_sgf_plays_to_the_same_end(capsys, tmp_path):
    run(capsys, "random", "mcts:2", *SMALL, "--sgf", tmp_path / "sgf", "-o", tmp_path / "games.csv")
    rows = {row.seed: row for row in read_games(tmp_path / "games.csv")}
    paths = list((tmp_path / "sgf").glob("*.sgf"))
    assert len(paths) == len(rows) == 4
    for path in paths:
        row, record = rows[int(path.stem.rpartition("-")[2])], read_sgf(path)
        assert (record.black, record.white, record.komi) == (row.black, row.white, 24.5)
        assert not play_record(record).suicide  # by the rules that it names
        game = Game(5, 24.5)
        for action, colour in record.moves:
            game.play(action, colour)
        assert f"{game.score():g}" == row.score
        assert record.result[0] == {"black": "B", "white": "W", "nobody": "0"}[row.winner]


@linux
def test_submissions_play_in_processes_of_their_own(capsys, submit, tmp_path):
    one, other = submit(FIRST, folder="one", name="one"), submit("return [25]", folder="other", name="other")
    code, out, err = run(capsys, one, other, *SMALL, "--json", "-o", tmp_path / "games.csv")
    assert (code, err) == (0, "")
    assert json.loads(out)[0]["games"] == 4
    games = read_games(tmp_path / "games.csv")
    assert {game.ending for game in games} == {"passes", "limit"} or {game.ending for game in games} == {"passes"}
    assert all(game.black_version != game.white_version for game in games)


@linux
def test_a_submission_that_fails_loses_its_game_and_the_match_goes_on(capsys, submit):
    broken = submit("raise ValueError('odd')", folder="broken")
    code, out, err = run(capsys, broken, "random", *SMALL)
    assert code == 0
    assert err.count("ValueError: odd") == 4
    code, out, _ = run(capsys, broken, "random", *SMALL, "--json")
    assert (json.loads(out)[0]["lost"], json.loads(out)[0]["elo"]) == (4, None)


STARTS_ONCE = """
import numpy as np

class Agent:
    def act(self, observation, first):
        return np.argmax(observation["action_mask"], axis=1)

def load(task, spaces, seed):
    if seed % 2:  # White has the odd seeds
        raise ValueError("odd")
    return Agent()
"""


@linux
def test_a_submission_that_cannot_be_started_loses_nothing_and_the_match_ends_there(capsys, submit, tmp_path):
    """What keeps it from starting may be the machine: sixty games were once lost in that way."""
    broken, games = submit(source=STARTS_ONCE, folder="broken"), tmp_path / "games.csv"
    code, _, err = run(capsys, broken, "random", *SMALL, "-o", games)
    assert code == 2
    assert "game 2 was not played: " in err
    assert f"ValueError: odd (agent.py:10); what {games} holds goes on when this is run again\n" in err
    assert [game.ending == "forfeit" for game in read_games(games)] == [False]


MISTAKES = {
    "one": (["random"], "give two different players or more, got random"),
    "twice": (["random", "random"], "give two different players or more, got random random"),
    "games": (["random", "mcts:2", "--games", "0"], "--games is at least 1, got 0"),
    "seed": (["random", "mcts:2", "--seed", "-1"], "--seed is at least 0, got -1"),
    "no Go": (["random", "mcts:2", "--env", "cart-pole"], "matches are of Go"),
    "komi": (["random", "mcts:2", "--komi", "nan"], "komi"),
    "nobody": (["random", "nowhere"], "no submission at nowhere"),
    "playouts": (["random", "mcts:x"], "mcts"),
    "level": (["random", "gnugo:99"], "level"),
    "command": (["random", "gtp:/no/such/program"], "/no/such/program"),
}


@pytest.mark.parametrize(("words", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes_are_one_line(capsys, words, message):
    code, out, err = run(capsys, *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
