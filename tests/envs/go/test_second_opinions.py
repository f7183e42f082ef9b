"""Legality equals GNU Go's at every turn of random games, and final scores equal GNU Go's and OpenSpiel's."""

import contextlib
import os
import random
import shutil
import subprocess

import numpy as np
import pytest

from rlbench.envs.go.board import BLACK, WHITE, is_eye, point_of
from rlbench.envs.go.coordinates import from_gtp, to_gtp
from rlbench.envs.go.game import SUPERKO, Game

GNU_GO = shutil.which("gnugo", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/games")))
needs_gnu_go = pytest.mark.skipif(GNU_GO is None, reason="GNU Go is not installed")


class Gtp:
    """A Go program, asked one command after the other."""

    def __init__(self, process):
        self.process = process

    def __call__(self, command):
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        answer = ""
        while not answer.endswith("\n\n"):
            answer += self.process.stdout.readline()
        assert answer.startswith("="), f"{command}: {answer}"
        return answer[1:].strip()


@contextlib.contextmanager
def gnu_go(*options):
    command = [GNU_GO, "--mode", "gtp", "--positional-superko", "--chinese-rules", *options]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="ascii"
    ) as process:
        yield Gtp(process)
        process.stdin.write("quit\n")


def compare_legality(games, size=9):
    """Without suicide, since GNU Go forgets the positions before one."""
    repeats = 0
    with gnu_go("--forbid-suicide") as ask:
        ask(f"boardsize {size}")
        for seed in range(games):
            draw, game = random.Random(seed), Game(size, 7.0)
            ask("clear_board")
            while not game.is_over and len(game.moves) < 4 * size * size:
                legal = np.flatnonzero(game.legal_mask())[:-1].tolist()
                colour = "black" if game.to_play == 1 else "white"
                theirs = sorted(from_gtp(point, (size, size)) for point in ask(f"all_legal {colour}").split())
                assert legal == theirs, f"seed {seed}, turn {len(game.moves)}"
                repeats += sum(game.illegal_because(action) == SUPERKO for action in range(game.pass_action))
                action = draw.choice(legal or [game.pass_action])
                game.play(action)
                ask(f"play {colour} {to_gtp(action, (size, size))}")
    assert repeats  # what superko forbids has been compared


@needs_gnu_go
@pytest.mark.parametrize("size", [5, 9])
def test_legality_of_some_games_equals_gnu_gos(size):
    compare_legality(4, size)


@needs_gnu_go
@pytest.mark.slow
def test_legality_of_many_games_equals_gnu_gos():
    compare_legality(200)


def finished(seed, size):
    """A random game in which nobody fills a single-point eye, until both have nothing else to play."""
    draw, game = random.Random(seed), Game(size, 0.0)
    while not game.is_over and len(game.moves) < 4 * size * size:
        code = BLACK if game.to_play == 1 else WHITE
        legal = np.flatnonzero(game.legal_mask())[:-1].tolist()
        board = game._board
        wanted = [action for action in legal if not is_eye(board, point_of(board, action), code)]
        game.play(draw.choice(wanted) if wanted else game.pass_action)
    return game


@needs_gnu_go
def test_final_scores_of_some_games_equal_gnu_gos():
    compare_scores(5)


@needs_gnu_go
@pytest.mark.slow
def test_final_scores_of_many_games_equal_gnu_gos():
    compare_scores(500)


def compare_scores(games, size=9):
    with gnu_go("--forbid-suicide") as ask:
        for seed in range(games):
            game = finished(seed, size)
            for command in (f"boardsize {size}", "clear_board", "komi 0"):
                ask(command)
            for action, colour in game.moves:
                ask(f"play {'black' if colour == 1 else 'white'} {to_gtp(action, (size, size))}")
            score = game.score()
            says = f"{'B' if score > 0 else 'W'}+{abs(score)}" if score else "0"
            assert ask("final_score") == says, f"seed {seed}"


@pytest.mark.slow
def test_final_scores_of_many_games_equal_openspiels():
    """OpenSpiel says only who has won, so it is asked with a komi on either side of the score."""
    pyspiel = pytest.importorskip("pyspiel")
    for seed in range(500):
        size = (5, 7, 9)[seed % 3]
        game = finished(seed, size)
        for komi, winner in ((game.score() - 0.5, 1), (game.score() + 0.5, -1)):
            theirs = pyspiel.load_game("go", {"board_size": size, "komi": komi, "max_game_length": 10_000})
            state = theirs.new_initial_state()
            for action, _ in game.moves:
                row, column = divmod(action, size)
                state.apply_action(size * size if action == game.pass_action else (size - 1 - row) * size + column)
            assert state.is_terminal()
            assert state.returns() == [winner, -winner], f"seed {seed}"
